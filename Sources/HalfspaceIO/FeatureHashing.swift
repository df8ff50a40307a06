// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

/// Maps the columns of sparse rows to fewer ones by a seeded hash: column j becomes s(j) times column
/// h(j), s(j) = ±1, and what meets in a column is added (Weinberger et al., ICML 2009).
///
/// Inner products of rows stay what they were on average, with a variance that falls as 1 / columns;
/// rows stay sparse. Nothing is learned from data, so that columns that training never saw have
/// their places too, and nothing of the size of the original columns is stored.
public struct FeatureHashing: Sendable, Equatable {
  /// Number of columns afterwards.
  public let columns: Int
  /// What the map is a function of.
  public let seed: UInt64

  /// A map to `columns` columns, `1...2^24`.
  public init(columns: Int, seed: UInt64 = 1) {
    precondition((1...Self.columnLimit).contains(columns), "hashing to \(columns) columns")
    self.columns = columns
    self.seed = seed
  }

  /// The most columns to hash to.
  public static let columnLimit = 1 << 24

  /// Where a column goes, and whether its sign changes. O(1).
  func place(of column: Int32) -> (column: Int32, isNegative: Bool) {
    var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    let counter: [UInt32] = [UInt32(bitPattern: column), 0, 0, Self.stream]
    let key = [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)]
    unsafe withUnsafeMutableBytes(of: &words) { words in
      unsafe hs_philox4x32(
        counter, key, words.bindMemory(to: UInt32.self).baseAddress!)
    }
    // The upper half of a product is uniform for any number of columns.
    return (Int32((UInt64(words.0) * UInt64(columns)) >> 32), words.1 & 1 == 1)
  }

  /// Hashing draws from a stream of its own.
  private static let stream: UInt32 = 0x6861_7368

  /// The given rows of `matrix`, all by default, in the new columns. O(entries log entries of a row).
  public func apply(to matrix: SparseMatrix, rows: [Int]? = nil) -> SparseMatrix {
    let rows = rows ?? Array(0..<matrix.rows)
    // Rows share most of their columns: each is hashed once as far as a table of them is small.
    let known = matrix.columns <= max(1 << 16, matrix.count)
    let places = known ? (0..<Int32(matrix.columns)).map(place) : []
    var offsets = [0]
    var indices: [Int32] = []
    var values: [Float] = []
    let entries = rows.reduce(0) { $0 + matrix.entries(ofRow: $1).count }
    offsets.reserveCapacity(rows.count + 1)
    indices.reserveCapacity(entries)
    values.reserveCapacity(entries)
    var row: [(column: Int32, value: Float)] = []
    for number in rows {
      row.removeAll(keepingCapacity: true)
      for entry in matrix.entries(ofRow: number) {
        let column = matrix.indices[entry]
        let place = known ? places[Int(column)] : place(of: column)
        let value = matrix.values[entry]
        row.append((place.column, place.isNegative ? -value : value))
      }
      // Equals keep the order of the columns they came from: sums have one order.
      let order = row.indices.sorted { (row[$0].column, $0) < (row[$1].column, $1) }
      let start = indices.count
      for k in order {
        if indices.count > start, indices[indices.count - 1] == row[k].column {
          values[values.count - 1] += row[k].value
        } else {
          indices.append(row[k].column)
          values.append(row[k].value)
        }
      }
      offsets.append(indices.count)
    }
    return SparseMatrix(columns: columns, offsets: offsets, indices: indices, values: values)
  }
}

extension FeatureHashing: Codable {
  private enum CodingKeys: String, CodingKey { case columns, seed }

  /// Decodes a map and checks it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    columns = try container.decode(Int.self, forKey: .columns)
    seed = try container.decode(UInt64.self, forKey: .seed)
    guard (1...Self.columnLimit).contains(columns) else {
      throw DecodingError.dataCorruptedError(
        forKey: .columns, in: container, debugDescription: "hashing to \(columns) columns")
    }
  }
}
