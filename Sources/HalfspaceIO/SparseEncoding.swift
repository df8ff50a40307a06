// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// How sparse rows of numbered columns become sparse rows of features.
public struct SparseEncoding: Sendable, Equatable, Codable {
  /// Columns of the training rows; columns beyond these are left out, unless they are hashed.
  public let columns: Int
  /// How columns are mapped to fewer ones; nil: they are the features.
  public let hashing: FeatureHashing?

  /// Number of features.
  public var featureCount: Int { hashing?.columns ?? columns }

  /// An encoding of rows of `columns` columns.
  public init(columns: Int, hashing: FeatureHashing?) {
    self.columns = columns
    self.hashing = hashing
  }

  /// The number of columns to hash training rows to when nobody has chosen: the power of two, from
  /// 256 to 16,384, for which `width` neurons take about four times the memory of `entries` entries;
  /// nil where the columns are no more than that.
  public static func suggestedColumns(entries: Int, columns: Int, width: Int) -> Int? {
    var suggested = 256
    // 8 bytes an entry, 4 a weight.
    while suggested < 16_384, 2 * suggested <= 8 * entries / max(1, width) { suggested *= 2 }
    return columns <= suggested ? nil : suggested
  }

  /// The features of the given rows of a matrix of any number of columns. O(entries log entries of a
  /// row).
  public func encode(_ matrix: SparseMatrix, rows: some Collection<Int>) -> SparseMatrix {
    if let hashing { return hashing.apply(to: matrix, rows: Array(rows)) }
    return matrix.taking(columns: columns, rows: rows)
  }
}

extension SparseMatrix {
  /// The given rows without the entries beyond the first `columns` columns. O(entries).
  fileprivate func taking(columns: Int, rows: some Collection<Int>) -> SparseMatrix {
    var offsets = [0]
    var indices: [Int32] = []
    var values: [Float] = []
    for row in rows {
      for entry in entries(ofRow: row) where Int(self.indices[entry]) < columns {
        indices.append(self.indices[entry])
        values.append(self.values[entry])
      }
      offsets.append(indices.count)
    }
    return SparseMatrix(columns: columns, offsets: offsets, indices: indices, values: values)
  }
}
