// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
package import HalfspaceLinalg

// Reports row by row: many queries stay in the first-level cache while the rows pass by.

/// A report row by row, under way: ranges of rows are looked through one by one, or by several threads.
private struct RowPass: Sendable {
  /// Nil where nothing fires.
  let pass: TilePass?
  let workers: [TileWorker]
  let queries: Int

  /// Leaves the pairs of `rows`, grouped, in a part of `found`. A part has one worker, at the same time for one
  /// task.
  func look(through rows: Range<Int>, part: Int, of found: PairParts) {
    let own = unsafe found[part]
    unsafe own.pointee.pairs.removeAll()
    let worker = workers[part]
    worker.removeAll()
    if !rows.isEmpty, let pass {
      unsafe Self.look(through: rows, pass, worker, into: &own.pointee.pairs)
    }
    unsafe own.pointee.pairs.group()
    unsafe own.pointee.work = worker.work
  }

  /// Ranges begin and end within tiles: what a tile has outside of them is dropped.
  private static func look(
    through rows: Range<Int>, _ pass: TilePass, _ worker: TileWorker, into pairs: inout PairReport
  ) {
    let size = TileCodes.rowsPerTile
    var first = rows.lowerBound / size
    let end = (rows.upperBound + size - 1) / size
    if rows.lowerBound % size > 0 {
      pass.askByRow(first..<first + 1, worker: worker, into: &pairs)
      pairs.drop(below: rows.lowerBound)
      first += 1
    }
    if first < end { pass.askByRow(first..<end, worker: worker, into: &pairs) }
    if rows.upperBound % size > 0 { pairs.drop(from: rows.upperBound) }
  }
}

extension CertifiedTileIndex {
  /// As `report(queries:rows:above:into:)`, row by row and grouped, in parts, where rows stand as they are and there
  /// is one query, or neither few nor very many; false, with nothing reported, otherwise. What is to be done with
  /// a part then, `next` does at once.
  package func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, byRow found: PairParts,
    then next: @Sendable (_ part: Int) -> Void = { _ in }
  ) -> Bool {
    let isOne = rows.count == 1 && asksOneAlone
    guard isOne || canAskByRow(rows.count) else { return false }
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    if isOne {
      answerOne(queries, rows.lowerBound, above: threshold, into: found)
      next(0)
    } else {
      askByRow(queries, rows, above: threshold, into: found, then: next)
    }
    return true
  }

  private func askByRow(
    _ queries: Matrix, _ rows: Range<Int>, above threshold: Float, into found: PairParts,
    then next: @Sendable (_ part: Int) -> Void = { _ in }
  ) {
    // Rows that fire are where they like, but about as many in one part as in another.
    found.divide(count, into: threadsFor(byRow: rows.count))
    let pass = pass(queries, rows, above: threshold, parts: found.count)
    found.run(
      threads: threads, { pass.look(through: found.range(of: $0), part: $0, of: found) },
      then: next)
    end(pass, found)
  }

  private func pass(
    _ queries: Matrix, _ rows: Range<Int>, above threshold: Float, parts: Int
  ) -> RowPass {
    while workers.count < parts { workers.append(TileWorker()) }
    guard threshold < .infinity, count > 0 else {
      return RowPass(pass: nil, workers: workers, queries: rows.count)
    }
    encoded.encode(
      queries, rows, basis: codes.basis, inTwoPlanes: false, block: rows.count,
      threads: threadsToHave(threads))
    return RowPass(
      pass: TilePass(codes, queries, rows, encoded, above: threshold, candidateRate: candidateRate),
      workers: workers, queries: rows.count)
  }

  /// Counts a report that has been left in `found`.
  private func end(_ pass: RowPass, _ found: PairParts) {
    work.queries += pass.queries
    guard pass.pass != nil else { return }
    let reported = (0..<found.count).reduce(0) { unsafe $0 + found[$1].pointee.pairs.count }
    count(found.work, queries: pass.queries, reported: reported)
  }

  func canAskByRow(_ queries: Int) -> Bool {
    codes.order == nil
      && (Self.fewestAskedByRow...TilePass.mostQueriesOfPairs).contains(queries)
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
    askByRow(queries, rows, above: threshold, into: found)
    found.list(queries: rows.count, threads: threadsToHave(threads), into: &report)
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

  /// 8-bit multiply-adds that take as long as starting a task where rows are asked one by one, as part of a step, on
  /// threads that are awake.
  private static let productsByRowWorthATask = 1 << 18
}
