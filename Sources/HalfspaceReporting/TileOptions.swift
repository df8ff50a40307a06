// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// What a `CertifiedTileIndex` prepares for. The default suits any rows and queries; no option
/// changes a report.
public struct TileOptions: Sendable {
  /// How rows are brought together in tiles. They keep their numbers.
  public enum Order: String, Sendable, CaseIterable {
    /// As they come. Building takes about 0.4 ns for each weight.
    case given
    /// Rows that are close to each other share a tile, and tiles have a tree above them, like that
    /// of a `PartitionTreeIndex`: a query discards most tiles unseen where rows have 3 to 12
    /// coordinates, or lie near a surface of few dimensions. Where they do not, it costs some 10 %
    /// of the time of a query. Building takes about 0.5 µs for each row besides, a moved row that
    /// much times the logarithm of `m`, and `8.5 / 64 d + 8` bytes for each row.
    /// Rows of at least 16 coordinates that lie near a subspace of at most half as many are ordered,
    /// searched and encoded by their coordinates in it, which takes 4 bytes more for each of these.
    case spatial
  }

  /// How rows are brought together in tiles.
  public var order: Order
  /// Typical queries `[*, d]`, some hundreds: where they lie near a subspace of few dimensions,
  /// rows are encoded by their coordinates in it, and a query costs bytes for these only. Building
  /// takes `O(d³)` for the subspace and `O(d k)` for each row, and so does a row that leaves its
  /// place. Queries elsewhere are answered as exactly, but slowly.
  public var sampleQueries: Matrix?
  /// How many directions of the sample's subspace to take; nil chooses by an estimate of the time,
  /// and takes all coordinates where that is about as fast.
  public var prefix: Int?

  /// Options; by default rows as they are.
  public init(order: Order = .given, sampleQueries: Matrix? = nil, prefix: Int? = nil) {
    precondition(prefix.map { $0 > 0 } ?? true, "\(prefix ?? 0) directions")
    self.order = order
    self.sampleQueries = sampleQueries
    self.prefix = prefix
  }
}
