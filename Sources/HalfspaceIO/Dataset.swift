// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

/// Rows to learn from or to predict, of any format.
///
/// ```swift
/// let digits = try Dataset(contentsOf: "train-images-idx3-ubyte.gz")   // labels beside it
/// let model = try TabularModel.train(on: digits.table(), target: digits.targetName!)
/// ```
///
/// Text tables are read as `CSVReader` describes. The other formats give these columns:
/// - *IDX, NPY, NPZ*: `column1`, `column2`, ... for the elements of a row, without a header, so that
///   tables fit each other by position. The target of an NPZ file is called as its array, that
///   of an IDX file, from the file of labels, `label`; it comes last.
/// - *libsvm*: columns are called as the indices, `0`, `1`, ...; the target is called `label`.
///
/// NaN in arrays of numbers is a missing cell. Large NPY files that are not compressed are mapped
/// into memory rather than read; they must not be cut short meanwhile.
public struct Dataset: Sendable {
  /// What there is to know of the files.
  public struct Options: Sendable {
    /// The format; nil: as the file's extension says.
    public var format: DataFormat?
    /// How text tables are read.
    public var csv: CSVReader.Options
    /// The file of labels that belongs to a file of images (IDX); nil: beside it by the naming of
    /// MNIST, if it is there.
    public var labelsPath: String?
    /// A file with the target of every row, an array (NPY, IDX) of one column, or of a column of ones
    /// and zeros for each label, for rows that have none of their own.
    public var targetsPath: String?
    /// Whether rows stay in a file and are read as they are needed, rather than all at once; nil: as
    /// `elementLimit` and `textLimit` say.
    public var streams: Bool?
    /// Arrays of more elements than this are read as they are needed.
    public var elementLimit = 1 << 26
    /// Text tables of more bytes than this are converted into a temporary file of rows, which are
    /// read as they are needed; a compressed file counts four times.
    public var textLimit = 1 << 28
    /// The folder for temporary files; nil: `TMPDIR`, and `/var/tmp` without it.
    public var scratchFolder: String?
    /// Which columns of a text table are texts, by the names, and by whether these are the file's.
    var textColumns: @Sendable (_ names: [String], _ hasHeader: Bool) -> Set<String> = { _, _ in
      []
    }
    /// Columns that libsvm rows have at least, as many as those that a model was trained on.
    public var minimumColumns = 0

    /// Options.
    public init(
      format: DataFormat? = nil, csv: CSVReader.Options = .init(), labelsPath: String? = nil,
      targetsPath: String? = nil
    ) {
      self.format = format
      self.csv = csv
      self.labelsPath = labelsPath
      self.targetsPath = targetsPath
    }
  }

  /// The rows without the target.
  public enum Features: Sendable {
    /// A text table, which has the target among its columns.
    case table(Table)
    /// An array.
    case array(NumericArray)
    /// Sparse rows.
    case sparse(SparseMatrix)
    /// A text table whose rows are read as they are needed.
    case file(RowFile)

    /// Number of rows.
    public var rowCount: Int {
      switch self {
      case .table(let table): table.rowCount
      case .array(let array): array.rowCount
      case .sparse(let matrix): matrix.rows
      case .file(let file): file.rowCount
      }
    }
  }

  /// The path of the file.
  public let name: String
  /// The format it was read as.
  public let format: DataFormat
  /// The rows.
  public let features: Features
  /// The target; nil for text tables, which do not tell, and where there is none.
  public let target: TableColumn?
  /// Whether rows have any number of labels: those of a libsvm file with several labels to a row, or
  /// the columns of ones and zeros of a file of targets. The target is then a column of texts, the
  /// labels separated by commas, missing where there are none.
  public let isMultiLabel: Bool
  /// Arrays of more elements than this are read as they are needed: as a table, with features and
  /// inputs, they would take 16 bytes each.
  let elementLimit: Int

  /// More bytes than this are not made of sparse rows by adding their zeros.
  public static let denseLimit = 8 << 30
  /// Tables have no more columns than this.
  public static let columnLimit = 1 << 20

  /// Reads a file. O(bytes); O(1) for NPY files that are mapped.
  ///
  /// - Throws: `TableError` for text tables, `DataFileError` for all others; `FileError` when a
  ///   temporary file cannot be written.
  public init(contentsOf path: String, options: Options = .init()) throws {
    let format = options.format ?? DataFormat(path: path)
    name = path
    self.format = format
    var target: TableColumn?
    var isMultiLabel = false
    switch format {
    case .csv: features = try Self.textFeatures(path, options)
    case .npy:
      features = .array(try Self.numeric(NPYReader.array(try Self.region(path), file: path), path))
    case .idx:
      let array = try IDXReader.array(try Self.region(path), file: path)
      features = .array(array)
      target = try Self.idxLabels(path, options.labelsPath, rowCount: array.rowCount)
    case .npz:
      let arrays = try NPZReader.arrays(try Self.bytes(path), file: path)
      let roles = try NPZReader.roles(arrays, file: path)
      let array = try Self.numeric(arrays[roles.features].array, path)
      features = .array(array)
      target = try roles.target.map {
        try Self.column(arrays[$0].array, arrays[$0].name, rowCount: array.rowCount, path)
      }
    case .libsvm:
      let rows = try LibsvmReader.read(contentsOf: path, columns: options.minimumColumns)
      features = .sparse(rows.features)
      (target, isMultiLabel) = try Self.target(of: rows, path)
    }
    if let path = options.targetsPath {
      let array = try Self.targetArray(path)
      isMultiLabel = array.columnCount > 1 && !array.isText
      target =
        isMultiLabel
        ? try Self.labels(array, "target", rowCount: features.rowCount, path)
        : try Self.column(array, "target", rowCount: features.rowCount, path)
    }
    self.target = target
    self.isMultiLabel = isMultiLabel
    elementLimit = options.streams.map { $0 ? 0 : .max } ?? options.elementLimit
  }

  /// The rows of a table in memory.
  public init(_ table: Table) {
    name = table.name
    format = .csv
    features = .table(table)
    target = nil
    isMultiLabel = false
    elementLimit = .max
  }

  /// The target's name; nil for text tables, which do not tell, and where there is none.
  public var targetName: String? { target?.name }

  /// Number of rows.
  public var rowCount: Int { features.rowCount }

  // MARK: Files

  /// A text table, in memory or in a file of rows.
  private static func textFeatures(_ path: String, _ options: Options) throws -> Features {
    var streams = options.streams
    // A pipe tells no size, and may not be opened twice.
    if streams == nil, FileBytes.isRegular(path) {
      do throws(FileError) {
        streams = try ByteSource(path).estimatedSize > options.textLimit
      } catch {
        throw TableError(file: path, reason: .unreadable(error.reason))
      }
    }
    guard streams == true else {
      return .table(try Table(contentsOf: path, options: options.csv))
    }
    return .file(
      try RowFile(
        converting: path, options: options.csv,
        in: options.scratchFolder ?? ScratchFile.standardFolder, textColumns: options.textColumns))
  }

  static func region(_ path: String) throws(DataFileError) -> FileRegion {
    do throws(FileError) {
      return try FileRegion.open(path)
    } catch {
      throw DataFileError(error)
    }
  }

  static func bytes(_ path: String) throws(DataFileError) -> [UInt8] {
    do throws(FileError) {
      return try FileBytes.read(path)
    } catch {
      throw DataFileError(error)
    }
  }

  /// The array, if it has numbers.
  private static func numeric(
    _ array: NumericArray, _ path: String
  ) throws(DataFileError) -> NumericArray {
    guard !array.isText else {
      throw DataFileError(
        file: path, reason: .unsupported("features that are texts; expected numbers"))
    }
    return array
  }
}
