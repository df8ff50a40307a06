// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
package import HalfspaceLinalg

/// Some of the rows of a matrix, by codes of 8 bits: which queries of a batch each may fire on, as bits. Whoever
/// decides other pairs of the same matrix decides these with them, in the order of all its rows.
///
/// ```
/// numbers      [ 3, 8, 20, ... ]       ascending; a row's position is where its number is
/// candidates   word k of position p    masks[(p / 64 * words + k) * 64 + p % 64]: bit j where the pair
///                                      of row numbers[p] and query 64 k + j may fire
/// ```
///
/// - Complexity: making it and a move take O(d) for each row, candidates an 8-bit product for each pair. Memory:
///   a byte for each weight, and a bit for each pair of the largest batch.
@safe package final class CodedRows {
  private let weights: Matrix
  private let codes: TileCodes
  private let threads: Int
  private let encoded = TileQueries()
  /// Pairs multiplied, and decided.
  package private(set) var work = IndexStatistics()
  // Scratch: masks, thresholds of a block of tiles for each part, candidates of a query.
  @unsafe private var maskStorage = UnsafeMutablePointer<UInt64>.allocate(capacity: 0)
  @unsafe private var thresholds = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  private var maskCapacity = 0
  private var thresholdCapacity = 0
  private var listed: [Int32] = []

  /// Encodes the rows of `weights` with these numbers, which ascend. O(d) each.
  package init(_ numbers: [Int32], of weights: Matrix, threads: Int) {
    self.weights = weights
    self.threads = threads
    codes = TileCodes(weights, numbers: numbers, order: nil, basis: nil, threads: threads)
  }

  /// Number of rows.
  package var count: Int { codes.count }

  deinit {
    unsafe maskStorage.deallocate()
    unsafe thresholds.deallocate()
  }

  /// Bytes held.
  package var byteCount: Int {
    codes.byteCount + encoded.byteCount + 8 * maskCapacity
      + 4 * (thresholdCapacity + listed.count)
  }

  // MARK: Moves

  /// Encodes the rows at these positions, ascending, which have moved, or takes notice of how far they have moved
  /// at most. O(d) each.
  package func update(
    positions: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?
  ) {
    let threads = threadsToHave(threads)
    if let displacements = unsafe displacements {
      unsafe codes.update(positions: positions, displacements: displacements, threads: threads)
    } else {
      unsafe codes.update(positions, threads: threads)
    }
  }

  // MARK: Candidates of many queries

  /// Most queries that a kernel takes, and tiles whose thresholds stay in the cache.
  private static let mostQueries = Int(HS_PAIR_QUERIES)
  private static let tilesOfBlock = 16
  /// 8-bit multiply-adds that take longer than it takes to hand them over.
  private static let productsWorthATask = 1 << 18

  /// The words of `findCandidates`.
  @unsafe package var masks: UnsafePointer<UInt64> { unsafe UnsafePointer(maskStorage) }

  /// Finds what of the first `queries` rows of a matrix may fire `threshold`; returns the number of pairs. All that
  /// fire are among them. O(d) for each pair.
  package func findCandidates(_ inputs: Matrix, queries: Int, above threshold: Float) -> Int {
    let words = (queries + 63) / 64
    reserve(masks: codes.tileCount * TileCodes.rowsPerTile * words)
    // Above infinity there is nothing, and nothing compares with NaN.
    guard threshold < .infinity else {
      unsafe maskStorage.update(
        repeating: 0, count: codes.tileCount * TileCodes.rowsPerTile * words)
      return 0
    }
    work.innerProducts += queries * count
    let products = queries * count * codes.columns
    let parts = max(
      1, min(threadsToHave(threads), codes.tileCount, products / Self.productsWorthATask))
    let perPart = Self.tilesOfBlock * min(queries, Self.mostQueries)
    reserve(thresholds: parts * perPart)
    encoded.encode(
      inputs, 0..<queries, basis: nil, inTwoPlanes: false, block: min(queries, Self.mostQueries),
      threads: threadsToHave(threads))
    let bound = TileMargin.threshold(threshold, stride: inputs.stride)
    return unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: parts) { found in
      let target = unsafe Target(
        masks: maskStorage, thresholds: thresholds, found: found.baseAddress!)
      parallelFor(parts, threads: threads) { [codes, encoded] part in
        let tiles = codes.tileCount * part / parts..<codes.tileCount * (part + 1) / parts
        unsafe target.found[part] = target.mark(
          tiles, of: codes, encoded, words: words, above: bound,
          thresholds: target.thresholds + part * perPart)
      }
      return unsafe found.reduce(0, +)
    }
  }

  /// Where the parts of a loop write, each its own.
  @unsafe private struct Target: @unchecked Sendable {
    let masks: UnsafeMutablePointer<UInt64>
    let thresholds: UnsafeMutablePointer<Int32>
    let found: UnsafeMutablePointer<Int>

    /// Writes the words of a range of tiles; returns the number of pairs.
    func mark(
      _ tiles: Range<Int>, of codes: TileCodes, _ encoded: TileQueries, words: Int,
      above bound: Double, thresholds: UnsafeMutablePointer<Int32>
    ) -> Int {
      var found = 0
      for begin in stride(from: tiles.lowerBound, to: tiles.upperBound, by: tilesOfBlock) {
        let block = begin..<min(tiles.upperBound, begin + tilesOfBlock)
        let own = unsafe masks + begin * TileCodes.rowsPerTile * words
        for first in stride(from: 0, to: encoded.count, by: mostQueries) {
          let queries = min(encoded.count - first, mostQueries)
          unsafe hs_tile_thresholds(
            block.count, nil, queries, codes.bounds(from: begin), encoded.numbers(of: first),
            bound, RoundingMargin.largest, thresholds)
          unsafe found += hs_tile_pair_masks(
            codes.rows(of: block).count, codes.groups, codes.codes(from: begin),
            codes.spans(from: begin), queries, encoded.high(first), encoded.lanes,
            encoded.starts(first), encoded.span, thresholds, words,
            own + first / 64 * TileCodes.rowsPerTile)
        }
      }
      return found
    }
  }

  // MARK: Reports of few queries

  /// Reports which of the rows fire on the first `queries` rows of a matrix, each by itself. O(d) for each pair.
  package func report(
    _ inputs: Matrix, queries: Int, above threshold: Float, into report: inout FiringReport
  ) {
    report.removeAll()
    guard threshold < .infinity else {
      for _ in 0..<queries { report.endQuery() }
      return
    }
    work.innerProducts += queries * count
    reserve(thresholds: codes.tileCount)
    let room = codes.tileCount * TileCodes.rowsPerTile + Int(HS_LANES)
    if listed.count < room { listed = .init(repeating: 0, count: room) }
    encoded.encode(inputs, 0..<queries, basis: nil, inTwoPlanes: true, block: 1)
    let bound = TileMargin.threshold(threshold, stride: inputs.stride)
    for q in 0..<queries {
      unsafe hs_tile_thresholds(
        codes.tileCount, nil, 1, codes.bounds(from: 0), encoded.numbers(of: q), bound,
        RoundingMargin.largest, thresholds)
      let found = unsafe hs_tile_filter_one(
        count, codes.tileCount, nil, codes.groups, codes.codes(from: 0), encoded.high(q),
        encoded.low(q), thresholds, codes.names, 0, weights.stride, nil, &listed)
      let room = unsafe report.reserve(found)
      report.commit(
        unsafe hs_recheck_f32(
          found, listed, weights.stride, weights.pointer, inputs.row(q), threshold, room.neurons,
          room.values))
      report.endQuery()
      work.rechecked += found
      work.innerProducts += found
    }
  }

  // MARK: Scratch

  private func reserve(masks count: Int) {
    guard count > maskCapacity else { return }
    maskCapacity = count
    unsafe maskStorage.deallocate()
    unsafe maskStorage = AlignedMemory.allocate(UInt64.self, capacity: count)
  }

  private func reserve(thresholds count: Int) {
    guard count > thresholdCapacity else { return }
    thresholdCapacity = count
    unsafe thresholds.deallocate()
    unsafe thresholds = AlignedMemory.allocate(Int32.self, capacity: count)
  }
}
