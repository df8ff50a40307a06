// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
package import HalfspaceLinalg

// Reports row by row: many queries stay in the first-level cache while the rows pass by.

extension CertifiedTileIndex {
  /// As `report(queries:rows:above:into:)`, row by row and grouped, where rows stand as they are and there is one
  /// query, or neither few nor very many; false, with nothing reported, otherwise.
  package func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, byRow pairs: inout PairReport
  ) -> Bool {
    let isOne = rows.count == 1 && asksOneAlone
    guard isOne || canAskByRow(rows.count) else { return false }
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    pairs.removeAll()
    work.queries += rows.count
    guard threshold < .infinity, count > 0 else {
      pairs.group()
      return true
    }
    if isOne {
      askOne(queries, rows.lowerBound, above: threshold, into: &pairs)
    } else {
      askByRow(queries, rows, above: threshold, into: &pairs)
    }
    return true
  }

  func canAskByRow(_ queries: Int) -> Bool {
    codes.order == nil
      && (Self.fewestAskedByRow...TilePass.mostQueriesOfPairs).contains(queries)
  }

  private func askByRow(
    _ queries: Matrix, _ rows: Range<Int>, above threshold: Float, into pairs: inout PairReport
  ) {
    pairs.removeAll()
    encoded.encode(
      queries, rows, basis: codes.basis, inTwoPlanes: false, block: rows.count,
      threads: threadsToHave(threads))
    let pass = TilePass(
      codes, queries, rows, encoded, above: threshold, candidateRate: candidateRate)
    // Rows that fire are where they like: what parts cost is not known before.
    let threads = threadsFor(byRow: rows.count)
    let tiles = TaperedParts(of: codes.tileCount, threads: threads)
    let parts = tiles.count
    while workers.count < parts { workers.append(TileWorker()) }
    if parts == 1 {
      workers[0].removeAll()
      pass.askByRow(0..<codes.tileCount, worker: workers[0], into: &pairs)
      pairs.group()
      count(workers[0].work, queries: rows.count, reported: pairs.count)
      return
    }
    var sum = TileWork()
    unsafe TileParts.withRoom(for: parts) { found in
      parallelFor(parts, threads: threads) { [workers] part in
        let worker = workers[part]
        worker.removeAll()
        pass.askByRow(tiles[part], worker: worker, into: &worker.pairs)
        worker.pairs.group()
        unsafe found[part] = TileParts.Part(pairs: worker.pairs.view, work: worker.work)
      }
      unsafe pairs.gather(parts, threads: threads) { unsafe found[$0].pairs }
      for part in 0..<parts { unsafe sum += found[part].work }
    }
    count(sum, queries: rows.count, reported: pairs.count)
  }

  /// Whether rows are so short, and queries so many, that `answerByRow` is the faster way.
  func canAnswerByRow(_ queries: Int) -> Bool {
    codes.order == nil && queries >= Self.fewestAskedByRow
      && weights.stride <= Self.mostFloatsByRow
  }

  /// Answers queries row by row, some at a time where they are very many, and sorts the pairs by query.
  func answerByRow(
    _ queries: Matrix, _ rows: Range<Int>, above threshold: Float,
    into report: inout FiringReport
  ) {
    let areMany = rows.count > TilePass.mostQueriesOfPairs
    let blocks = areMany ? (rows.count + Self.queriesOfBlock - 1) / Self.queriesOfBlock : 1
    for block in 0..<blocks {
      let first = rows.lowerBound + rows.count * block / blocks
      let end = rows.lowerBound + rows.count * (block + 1) / blocks
      answerBlockByRow(queries, first..<end, above: threshold, into: &report)
    }
  }

  /// Queries of a block where there are several: their pairs stay in the cache.
  private static let queriesOfBlock = 256

  private func answerBlockByRow(
    _ queries: Matrix, _ rows: Range<Int>, above threshold: Float,
    into report: inout FiringReport
  ) {
    askByRow(queries, rows, above: threshold, into: &pairs)
    pairs.list(queries: rows.count, into: &report)
  }

  /// Floats of the longest rows that queries meet one by one whatever the order of the pairs.
  static let mostFloatsByRow = 32

  /// From so many queries on rows are loaded rarely enough if all of these meet them one by one.
  private static let fewestAskedByRow = 8

  /// Threads that rows are worth which are asked one by one.
  private func threadsFor(byRow queries: Int) -> Int {
    let products = queries * count * codes.columns
    return max(1, min(threadsToHave(threads), products / Self.productsByRowWorthATask))
  }

  /// The same where rows are asked one by one, as part of a step, on threads that are awake.
  private static let productsByRowWorthATask = 1 << 18
}
