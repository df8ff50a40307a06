// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import HalfspaceLinalg

/// Asks candidates a few queries and forecasts what they would cost over all rows.
///
/// Of many rows a sample is taken, in blocks of neighbors, so that what lies together stays together.
/// Scans take time in proportion to the rows. For a tree, samples of two sizes give the power with
/// which its time grows; it is left out early when at the smaller size it looks at nearly all rows.
struct IndexCalibration {
  typealias Structure = AutomaticIndex.Structure

  /// What a structure would cost.
  struct Forecast {
    var structure: Structure
    var secondsPerQuery: Double
    var secondsPerMovedRow: Double
    /// Rows that move for each query.
    var movedPerQuery: Double
    /// Seconds per query, with the moves that come with it.
    var cost: Double { secondsPerQuery + movedPerQuery * secondsPerMovedRow }

    /// The same with dearer moves, if they are dearer.
    func withMoves(secondsPerRow: Double) -> Forecast {
      var forecast = self
      forecast.secondsPerMovedRow = max(secondsPerMovedRow, secondsPerRow)
      return forecast
    }
  }

  let queries: Matrix
  let threshold: Float
  /// Queries asked at once.
  let batch: Int
  let threads: Int
  /// The subspace near which queries lie, if there is one.
  let basis: TileBasis?
  let movedPerQuery: Double
  /// How far rows move, where that is told.
  let distance: Float?
  private let clock: () -> Double

  /// Queries that candidates are asked at once at most: tiles are read once for so many, and larger
  /// batches take as much for each.
  static let mostQueries = TilePass.queriesPerBlock
  /// Floats in a sample, and bounds for its rows.
  private static let sampleSize = 1 << 20
  private static let sampleRows = (1 << 12)...(1 << 14)
  /// Neighbors in a block of a sample: a tile.
  private static let block = 64
  /// How much smaller the smaller sample is.
  private static let shrinkage = 4
  /// A tree that looks at more than this share of the rows of the smaller sample does not pay.
  private static let mostVisited = 0.9
  /// Seconds to ask one candidate, when more queries would only make the figure finer.
  private static let secondsPerCandidate = 5e-3
  /// The same to see the share of candidates of the winner.
  private static let secondsForRate = 2e-2

  init(
    queries: Matrix, threshold: Float, batch: Int, threads: Int, basis: TileBasis? = nil,
    movedPerQuery: Double, distance: Float?, clock: @escaping () -> Double
  ) {
    self.queries = queries
    self.threshold = threshold
    self.batch = min(batch, queries.rows)
    self.threads = threads
    self.basis = basis
    self.movedPerQuery = movedPerQuery
    self.distance = distance
    self.clock = clock
  }

  /// Seconds of the calling thread's processor time: what one thread's work takes, whoever else has
  /// the processor meanwhile.
  static func processorTime() -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Seconds of a clock that never runs backwards.
  static func now() -> Double {
    let elapsed = origin.duration(to: .now).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
  }
  private static let origin = ContinuousClock.now

  // MARK: Forecasts

  /// Whether there are so many rows that forecasts come from a sample.
  func isSampled(_ weights: Matrix) -> Bool { weights.rows > 2 * Self.rowLimit(weights) }

  /// What every structure that could pay would cost; at least a scan.
  func forecasts(_ weights: Matrix) -> [Forecast] {
    let sample = isSampled(weights) ? Self.sample(weights, rows: Self.rowLimit(weights)) : weights
    var forecasts: [Forecast] = []
    for structure in Structure.allCases where structure.accepts(weights, batch: batch) {
      switch structure {
      case .prefixTiles where basis == nil: continue
      // Where no tree can prune, none above tiles can.
      case .orderedTiles where forecasts.last?.structure != .partitionTree: continue
      default: break
      }
      let scale = Double(weights.rows) / Double(sample.rows)
      let forecast =
        structure.isLinear
        ? forecast(structure, sample, scale: scale) : forecastOfPower(structure, sample, weights)
      if let forecast { forecasts.append(forecast) }
    }
    return forecasts
  }

  private func forecast(_ structure: Structure, _ sample: Matrix, scale: Double) -> Forecast {
    let index = structure.makeIndex(sample, threads: threads, basis: basis)
    // Moves first: they may cost later queries time too.
    let perRow = movedPerQuery > 0 ? timeOfMoves(index) : 0
    let seconds = time(index) * scale
    return Forecast(
      structure: structure, secondsPerQuery: seconds, secondsPerMovedRow: perRow,
      movedPerQuery: movedPerQuery)
  }

  private func forecastOfPower(
    _ structure: Structure, _ sample: Matrix, _ weights: Matrix
  ) -> Forecast? {
    let small = Self.sample(sample, rows: sample.rows / Self.shrinkage)
    let index = structure.makeIndex(small, threads: threads)
    if structure == .partitionTree && rates(of: index).candidates > Self.mostVisited { return nil }
    let smallSeconds = time(index)
    var forecast = forecast(structure, sample, scale: 1)
    let growth = Double(sample.rows) / Double(max(1, small.rows))
    let power = Self.power(of: forecast.secondsPerQuery / smallSeconds, growth: growth)
    let scale = Double(weights.rows) / Double(sample.rows)
    forecast.secondsPerQuery *= Self.raise(scale, to: power)
    return forecast
  }

  /// The power of `growth` that `ratio` is, within 0...1, in steps of 1 / 16.
  static func power(of ratio: Double, growth: Double) -> Double {
    guard growth > 1, ratio.isFinite else { return 1 }
    for step in 0..<16 where raise(growth, to: (Double(step) + 0.5) / 16) >= ratio {
      return Double(step) / 16
    }
    return 1
  }

  /// `base` to a power that is a multiple of 1 / 32, by square roots.
  static func raise(_ base: Double, to power: Double) -> Double {
    var result = 1.0
    var root = base
    var rest = power
    var weight = 1.0
    for _ in 0...5 {
      if rest >= weight {
        result *= root
        rest -= weight
      }
      root = root.squareRoot()
      weight /= 2
    }
    return result
  }

  // MARK: Measuring

  /// The forecasts with times taken from indexes over all rows, which are asked the same queries in
  /// turn: what disturbs one disturbs all, and what one query costs more it costs all. Who takes far
  /// longer than another is asked no more, and left out.
  func measured(_ forecasts: [Forecast], _ index: (Structure) -> any ForkableIndex) -> [Forecast] {
    var rivals = forecasts.map { Rival(forecast: $0) }
    let batches = queries.rows / batch
    let start = clock()
    var round = 0
    repeat {
      for k in rivals.indices where !rivals[k].isBeaten {
        time(&rivals[k], index(rivals[k].forecast.structure), round)
      }
      let least = rivals.map(\.least).min()!
      for k in rivals.indices where rivals[k].isBehind(least) { rivals[k].isBeaten = true }
      round += 1
    } while rivals.count(where: { !$0.isBeaten }) > 1
      && (round < Self.fewestRounds
        || (round < batches && clock() - start < Self.secondsPerCandidate * Double(rivals.count)))
    return rivals.filter { !$0.isBeaten }.map { rival in
      var forecast = rival.forecast
      forecast.secondsPerQuery = rival.seconds
      return forecast
    }
  }

  /// A structure that is compared at full size.
  private struct Rival {
    let forecast: Forecast
    /// Seconds per query of its turns.
    var times: [Double] = []
    /// Whether turns take so long that what happens to disturb one is little beside it.
    var isSlow = false
    var isBeaten = false

    var least: Double { times.min() ?? .infinity }
    /// The middle one, of two the smaller: what reads most has most to read first.
    var seconds: Double { times.sorted()[(times.count - 1) / 2] }

    /// Whether it takes so much more than the least time of another that another look would not help.
    /// One short turn proves nothing.
    func isBehind(_ other: Double) -> Bool {
      times.count > 1 ? least > 1.5 * other : isSlow && least > 3 * other
    }
  }

  /// A turn: some batches at once, and the same again on the clock. What they read again and again is
  /// in cache then as far as it fits, whatever others have read.
  private func time(_ rival: inout Rival, _ index: any ForkableIndex, _ round: Int) {
    var report = FiringReport()
    let batches = queries.rows / batch
    func askBatch(_ number: Int) {
      let first = number % batches * batch
      ask(index, queries, first..<first + batch, into: &report)
    }
    let ready = clock()
    askBatch(round + batches - 1)
    let first = max(clock() - ready, 1e-9)
    let turns = max(1, min(batches, Int(Self.shortestTime / first)))
    if turns > 1 { for turn in 0..<turns { askBatch(round + turn) } }
    let begin = clock()
    for turn in 0..<turns { askBatch(round + turn) }
    let seconds = clock() - begin
    rival.times.append(seconds / Double(turns * batch))
    rival.isSlow = turns == 1 && seconds > Self.longTime
  }

  /// Rounds of several indexes at least, and how long one has its turn if its queries are short.
  private static let fewestRounds = 3
  private static let shortestTime = 2e-3
  /// Seconds of a turn that are long beside what disturbs it.
  private static let longTime = 1e-2

  /// Shares of the pairs that an index decides or reports, and that fire, for these queries or those
  /// it is calibrated with: as many as there is time for, because rates differ from query to query.
  func rates(
    of index: any ForkableIndex, asked sample: Matrix? = nil
  ) -> (candidates: Double, fired: Double) {
    var report = FiringReport()
    let before = index.work
    ask(index, sample ?? queries, until: clock() + Self.secondsForRate, into: &report)
    let after = index.work
    let pairs = Double(after.queries - before.queries) * Double(max(1, index.count))
    return (
      Double(after.candidates(since: before)) / pairs,
      Double(after.reported - before.reported) / pairs
    )
  }

  /// The least seconds per query of some passes over the sample of queries.
  private func time(_ index: any ForkableIndex) -> Double {
    var report = FiringReport()
    var least = Double.infinity
    let start = clock()
    // The first batch makes rows and scratch warm.
    ask(index, queries, until: start, into: &report)
    let end = start + Self.secondsPerCandidate
    for _ in 0..<8 {
      let begin = clock()
      let asked = ask(index, queries, until: end, into: &report)
      let now = clock()
      least = min(least, (now - begin) / Double(asked))
      if now > end { break }
    }
    return least
  }

  /// Asks queries, in batches of the size that is calibrated for, until time is over but at least one
  /// batch.
  @discardableResult
  private func ask(
    _ index: any ForkableIndex, _ queries: Matrix, until end: Double,
    into report: inout FiringReport
  ) -> Int {
    for k in 0..<queries.rows / batch {
      ask(index, queries, k * batch..<(k + 1) * batch, into: &report)
      if clock() > end { return (k + 1) * batch }
    }
    return queries.rows / batch * batch
  }

  private func ask(
    _ index: any ForkableIndex, _ queries: Matrix, _ rows: Range<Int>,
    into report: inout FiringReport
  ) {
    var index = index
    index.report(queries: queries, rows: rows, above: threshold, into: &report)
  }

  /// Seconds to hear that a row has moved, on average over some moves of every row: what a structure
  /// puts off must show. In truth nothing moves; the distances are upper bounds all the same.
  private func timeOfMoves(_ index: any ForkableIndex) -> Double {
    var index = index
    let part = 8
    let distances = [Float](repeating: distance ?? 0, count: (index.count + part - 1) / part)
    var moved = 0
    let begin = clock()
    for round in 0..<4 * part {
      let rows = stride(from: round % part, to: index.count, by: part).map { Int32($0) }
      moved += rows.count
      unsafe rows.withUnsafeBufferPointer { rows in
        guard distance != nil else { return unsafe index.update(rows: rows) }
        unsafe distances[..<rows.count].withUnsafeBufferPointer {
          unsafe index.update(rows: rows, displacements: $0)
        }
      }
      if clock() - begin > Self.secondsPerCandidate { break }
    }
    return (clock() - begin) / Double(max(1, moved))
  }

  // MARK: Samples

  private static func rowLimit(_ weights: Matrix) -> Int {
    min(max(sampleSize / max(1, weights.stride), sampleRows.lowerBound), sampleRows.upperBound)
  }

  /// About so many rows, in blocks of neighbors at equal distances.
  private static func sample(_ weights: Matrix, rows: Int) -> Matrix {
    let blocks = (weights.rows + block - 1) / block
    let taken = min(blocks, max(1, rows / block))
    return weights.gather(
      (0..<taken).flatMap { k in
        let first = blocks * k / taken * block
        return first..<min(weights.rows, first + block)
      })
  }
}
