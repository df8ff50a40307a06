// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Scratch of one task of a report over tiles.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe final class TileWorker: @unchecked Sendable {
  let stage = ReportStage<Int32>()
  /// Pairs of a tile and a query, or nodes of an order's tree and a query, looked at and
  /// discarded as a whole since `removeAll()`.
  var visited = 0
  var pruned = 0
  /// Pairs of a tile and a query whose codes were multiplied, and bytes of codes and nodes read.
  var multiplied = 0
  var bytes = 0
  /// Rows decided because their whole tile fires.
  var valued = 0
  /// Scratch of ordered rows: what the tree keeps, and pairs to be sorted.
  let tree = PartitionTreeWorker()
  /// Entries of a query's list of candidates.
  private(set) var slotCapacity = 0
  /// Thresholds of a block of tiles and queries, counts and candidates of each query.
  @unsafe private(set) var thresholds = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  @unsafe private(set) var counts = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  @unsafe private(set) var candidates = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  /// Candidates row by row: rows and queries.
  @unsafe private(set) var pairRows = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  @unsafe private(set) var pairQueries = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  /// The same of rows of a block and a word of queries.
  @unsafe private(set) var shortRows = UnsafeMutablePointer<UInt16>.allocate(capacity: 0)
  @unsafe private(set) var shortQueries = UnsafeMutablePointer<UInt8>.allocate(capacity: 0)
  private var pairCapacity = 0
  private var shortCapacity = 0
  private var thresholdCapacity = 0
  private var tileCapacity = 0
  private var queryCapacity = 0

  /// What kernels write behind the last candidate.
  private static let overrun = 16

  deinit {
    unsafe thresholds.deallocate()
    unsafe counts.deallocate()
    unsafe candidates.deallocate()
    unsafe pairRows.deallocate()
    unsafe pairQueries.deallocate()
    unsafe shortRows.deallocate()
    unsafe shortQueries.deallocate()
  }

  /// Bytes held, without the pairs of queries.
  var byteCount: Int {
    4 * (thresholdCapacity + queryCapacity * (1 + slotCapacity) + 2 * pairCapacity)
      + 3 * shortCapacity + tree.byteCount
  }

  /// What it has done since `removeAll()`.
  var work: TileWork {
    TileWork(
      visited: visited, pruned: pruned, multiplied: multiplied, bytes: bytes, valued: valued,
      rechecked: stage.rechecked)
  }

  /// Forgets everything, keeps the room.
  func removeAll() {
    stage.removeAll()
    visited = 0
    pruned = 0
    multiplied = 0
    bytes = 0
    valued = 0
  }

  /// Makes room for the candidates of blocks of `tiles` tiles and `queries` queries.
  func prepare(tiles: Int, queries: Int) {
    guard tiles > tileCapacity || queries > queryCapacity else { return }
    tileCapacity = max(tiles, tileCapacity)
    queryCapacity = max(queries, queryCapacity)
    slotCapacity = tileCapacity * TileCodes.rowsPerTile + Self.overrun
    reserve(thresholds: tileCapacity * queryCapacity)
    unsafe counts.deallocate()
    unsafe candidates.deallocate()
    unsafe counts = .allocate(capacity: queryCapacity)
    unsafe candidates = .allocate(capacity: slotCapacity * queryCapacity)
  }

  /// Makes room for candidates row by row, for those of a word of queries, and for thresholds.
  func prepare(pairs: Int, shortPairs: Int, thresholds: Int) {
    reserve(thresholds: thresholds)
    if pairs > 0, pairs + Self.overrun > pairCapacity {
      pairCapacity = pairs + Self.overrun
      unsafe pairRows.deallocate()
      unsafe pairQueries.deallocate()
      unsafe pairRows = AlignedMemory.allocate(Int32.self, capacity: pairCapacity)
      unsafe pairQueries = AlignedMemory.allocate(Int32.self, capacity: pairCapacity)
    }
    if shortPairs > 0, shortPairs + Int(HS_WORD_OVERRUN) > shortCapacity {
      shortCapacity = shortPairs + Int(HS_WORD_OVERRUN)
      unsafe shortRows.deallocate()
      unsafe shortQueries.deallocate()
      unsafe shortRows = AlignedMemory.allocate(UInt16.self, capacity: shortCapacity)
      unsafe shortQueries = AlignedMemory.allocate(UInt8.self, capacity: shortCapacity)
    }
  }

  private func reserve(thresholds count: Int) {
    guard count > thresholdCapacity else { return }
    thresholdCapacity = count
    unsafe thresholds.deallocate()
    unsafe thresholds = AlignedMemory.allocate(Int32.self, capacity: count)
  }
}
