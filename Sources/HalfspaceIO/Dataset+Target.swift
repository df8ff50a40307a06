// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceNN

extension Dataset {
  /// `name`, or the target that the files tell.
  ///
  /// - Throws: `ConfigurationError` when neither says what to predict.
  public func requireTarget(_ name: String?, of columns: [String]) throws -> String {
    if let name = name ?? targetName { return name }
    throw ConfigurationError.invalid(
      "\(self.name) does not tell what to predict; --target names the column, one of "
        + columns.prefix(20).joined(separator: ", ") + (columns.count > 20 ? ", ..." : ""))
  }

  /// `names`, or the target that the files tell. Throws as `requireTarget(_:of:)`.
  public func requireTargets(_ names: [String], of columns: [String]) throws -> [String] {
    names.isEmpty ? [try requireTarget(nil, of: columns)] : names
  }

  // MARK: Files

  static func targetArray(_ path: String) throws(DataFileError) -> NumericArray {
    switch DataFormat(path: path) {
    case .idx: try IDXReader.array(try region(path), file: path)
    default: try NPYReader.array(try region(path), file: path)
    }
  }

  static func idxLabels(
    _ path: String, _ labelsPath: String?, rowCount: Int
  ) throws(DataFileError) -> TableColumn? {
    var labels = labelsPath
    if labels == nil, let beside = IDXReader.labelsPath(forImages: path),
      FileManager.default.fileExists(atPath: beside)
    {
      labels = beside
    }
    guard let labels else { return nil }
    let array = try IDXReader.array(try region(labels), file: labels)
    return try column(array, "label", rowCount: rowCount, labels)
  }

  /// An array of one column as a column, if it has as many rows.
  static func column(
    _ array: NumericArray, _ name: String, rowCount: Int, _ path: String
  ) throws(DataFileError) -> TableColumn {
    func fail(_ reason: DataFileError.Reason) -> DataFileError {
      DataFileError(file: path, reason: reason)
    }
    guard array.columnCount == 1 else {
      throw fail(.unsupported("targets \"\(name)\" of \(array.columnCount) columns; expected one"))
    }
    guard array.rowCount == rowCount else {
      throw fail(
        .inconsistent("\(array.rowCount) targets \"\(name)\" for \(rowCount) rows of features"))
    }
    if array.isText {
      let texts = array.texts(rows: 0..<rowCount)
      guard let row = texts.firstIndex(where: { $0 == nil }) else {
        return TableColumn(name: name, texts: texts.map { $0 == "" ? nil : $0 })
      }
      throw fail(.malformed("row \(row + 1) of \"\(name)\" is not a text"))
    }
    let values = array.columns(rows: 0..<rowCount)[0]
    if let row = values.firstIndex(where: \.isInfinite) {
      throw fail(.malformed("row \(row + 1) of \"\(name)\" is infinite"))
    }
    return TableColumn(name: name, storage: .numeric(values))
  }

  /// An array with a column of ones and zeros for each label as a column of texts: the numbers of the
  /// labels, from 0.
  static func labels(
    _ array: NumericArray, _ name: String, rowCount: Int, _ path: String
  ) throws(DataFileError) -> TableColumn {
    guard array.rowCount == rowCount else {
      throw DataFileError(
        file: path,
        reason: .inconsistent(
          "\(array.rowCount) targets \"\(name)\" for \(rowCount) rows of features")
      )
    }
    var texts: [String?] = []
    for start in stride(from: 0, to: rowCount, by: 1 << 12) {
      let rows = start..<min(start + 1 << 12, rowCount)
      let columns = array.columns(rows: rows)
      for row in rows {
        var labels: [Int] = []
        for (label, column) in columns.enumerated() where column[row - start] != 0 {
          guard column[row - start] == 1 else {
            throw DataFileError(
              file: path,
              reason: .malformed(
                "the element in row \(row + 1), column \(label + 1) is \(column[row - start]); targets "
                  + "of several columns are ones and zeros, a column for each label"))
          }
          labels.append(label)
        }
        texts.append(text(ofLabels: labels))
      }
    }
    return TableColumn(name: name, texts: texts)
  }

  /// The target of libsvm rows, if they have one; whether it is a set of labels.
  static func target(
    of rows: LibsvmRows, _ path: String
  ) throws(DataFileError) -> (TableColumn?, isMultiLabel: Bool) {
    if rows.hasSingleLabels {
      return (TableColumn(name: "label", storage: .numeric(rows.labels)), false)
    }
    if rows.labels.isEmpty { return (nil, false) }
    guard rows.labels.allSatisfy({ $0 >= 0 && $0 < 0x1p31 && $0 == $0.rounded() }) else {
      throw DataFileError(
        file: path,
        reason: .malformed("labels of rows with several, or none, are whole numbers from 0 on"))
    }
    let texts = zip(rows.labelOffsets, rows.labelOffsets.dropFirst()).map { start, end in
      text(ofLabels: rows.labels[start..<end].map { Int($0) })
    }
    return (TableColumn(name: "label", texts: texts), true)
  }

  private static func text(ofLabels labels: [Int]) -> String? {
    labels.isEmpty ? nil : labels.map(String.init).joined(separator: ",")
  }
}
