// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Tells the data of one run from those of another: shapes, and CRC-32 checksums of every bit.
///
/// It guards against mistakes (the wrong file, a column more, rows in another order), not against
/// intent.
public struct DataFingerprint: Sendable, Equatable, Codable {
  /// A matrix or a list of targets.
  public struct Part: Sendable, Equatable, Codable {
    /// Number of rows.
    public var rows: Int
    /// Input coordinates, targets per row, or classes.
    public var columns: Int
    /// CRC-32 of the elements, row by row.
    public var checksum: UInt32
  }

  /// The training rows.
  public var inputs: Part
  /// Their targets.
  public var targets: Part
  /// How often each row counts, where rows count differently.
  public var weights: Part?
  /// What is added to their scores, where something is.
  public var offsets: Part?
  /// The validation rows, if there are any.
  public var validationInputs: Part?
  /// Their targets.
  public var validationTargets: Part?
  /// What is added to their scores.
  public var validationOffsets: Part?

  /// The fingerprint of training rows, their targets, and rows to validate on. O(bytes); streamed
  /// rows are read once.
  init(
    inputs: InputRows, targets: Targets, weights: [Float]?, offsets: Matrix? = nil,
    validation: (inputs: InputRows, targets: Targets)?, validationOffsets: Matrix? = nil
  ) {
    self.inputs = Part(inputs)
    self.targets = Part(targets)
    self.weights = weights.map { Part($0) }
    self.offsets = offsets.map { Part($0) }
    self.validationOffsets = validationOffsets.map { Part($0) }
    validationInputs = validation.map { Part($0.inputs) }
    validationTargets = validation.map { Part($0.targets) }
  }
}

extension DataFingerprint.Part {
  init(_ matrix: Matrix) {
    self.init(rows: matrix.rows, columns: matrix.columns, checksum: 0)
    add(matrix, rows: 0..<rows)
  }

  /// Sparse and streamed rows have the fingerprint of the matrix that they stand for.
  init(_ inputs: InputRows) {
    var part = Self(rows: inputs.rows, columns: inputs.columns, checksum: 0)
    // Rows that can no longer be read end the run that needs them; no fingerprint is of use then.
    try? inputs.forEachBlock { block, rows, _ in part.add(block, rows: rows) }
    self = part
  }

  init(_ weights: [Float]) {
    self.init(rows: weights.count, columns: 1, checksum: 0)
    unsafe weights.withUnsafeBufferPointer { unsafe add($0) }
  }

  private mutating func add(_ matrix: Matrix, rows: Range<Int>) {
    for r in rows {
      unsafe add(UnsafeBufferPointer(start: matrix.row(r), count: columns))
    }
  }

  init(_ targets: Targets) {
    switch targets {
    case .values(let matrix): self.init(matrix)
    case .classes(let classes, let count):
      self.init(rows: classes.count, columns: count, checksum: 0)
      unsafe classes.withUnsafeBufferPointer { unsafe add($0) }
    case .labelSets(let sets, let count):
      self.init(rows: sets.count, columns: count, checksum: 0)
      // Where one set ends and the next begins counts as well.
      for labels in sets {
        let row = [Int32(labels.count)] + labels
        unsafe row.withUnsafeBufferPointer { unsafe add($0) }
      }
    }
  }

  private mutating func add<Element: BitwiseCopyable>(_ elements: UnsafeBufferPointer<Element>) {
    guard elements.count > 0 else { return }
    let bytes = unsafe UnsafeRawBufferPointer(elements).bindMemory(to: UInt8.self)
    checksum = unsafe hs_crc32(checksum, bytes.count, bytes.baseAddress!)
  }
}
