// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Uses the lookup that costs least, measured on the way.
///
/// The first batches are answered by the indexes in turn, and the fastest stays. Meanwhile a sample
/// of neurons is watched: their speed tells what candidate lists would cost (`DriftWatch`). Lists
/// take over when they are forecast to be faster by a fifth over what is left of the run, their
/// making included. When they turn out slower than the index was, it comes back, and lists are not
/// tried again before twice as many rows have passed as the last time, or the forecast is half of
/// what it was.
///
/// Clocks decide about speed only, never about a report. Making structures is counted
/// (`LookupStatistics.calibrationSeconds`) and bounded: each index is made once for trial, and
/// lists are made only when they are forecast to pay.
final class AutomaticLookup: NeuronLookup {
  /// Rows that an index answers on trial, besides its first batch.
  private static let trialRows = 96
  /// Neurons below which nothing is gained by looking further than at all of them.
  private static let fewNeurons = 512
  /// Coordinates up to which a tree may prune.
  private static let mostTreeColumns = 24

  /// Rows of a batch up to which the dense lookup scans, and what a product takes of its time.
  private static let scannedRows = 4
  private static let productOfScan = 0.5

  private let rowCount: Int
  /// The training rows, where they are in memory; there are no candidate lists for others.
  private let inputs: Matrix?
  private let threads: Int
  private let expectedRows: Int
  private var weights: Matrix

  private var current: any NeuronLookup
  private var isOnTrial: Bool
  private var untried: [LookupStrategy]
  /// Seconds per row, reports and updates, when last measured.
  private var paces: [LookupStrategy: Double] = [:]

  private var rowsAnswered = 0
  /// The measurement under way. A first batch, which makes what is lazy, does not count.
  private var window = (rows: 0, seconds: 0.0, isWarm: false)
  private var timer = StepTimer()
  private var lastSeconds = 0.0
  private var lastRows = 0
  private var watch: DriftWatch
  /// Lists are not tried before that many rows have been answered.
  private var listsFrom: Int
  private var listsWait: Int
  /// What lists were last forecast to cost when they took over, in seconds per row.
  private var lastForecast = 0.0

  private var earlierWork = IndexStatistics()
  private var events = LookupStatistics()

  /// A lookup over `weights` for batches of rows of `inputs`, about `expectedRows` in all.
  init(inputs: InputRows, weights: Matrix, threads: Int, expectedRows: Int) {
    rowCount = inputs.rows
    self.inputs = inputs.inMemory
    self.weights = weights
    self.threads = threads
    self.expectedRows = expectedRows
    let isSmall = weights.rows < Self.fewNeurons
    untried = isSmall ? [] : weights.columns <= Self.mostTreeColumns ? [.tiles, .tree] : [.tiles]
    isOnTrial = true
    current = IndexLookup(.dense, weights: weights, threads: threads)
    watch = DriftWatch(weights)
    listsWait = max(Self.trialRows, rowCount / 4)
    listsFrom = listsWait
  }

  var strategy: LookupStrategy { current.strategy }

  // MARK: Reports and moves

  func report(
    _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport
  ) {
    timer.start(all: isOnTrial)
    current.report(batch, above: threshold, into: &report)
    note(batch, above: threshold, firings: report.count)
  }

  func report(
    _ batch: LookupBatch, above threshold: Float, byNeuron pairs: inout PairReport
  ) -> Bool {
    timer.start(all: isOnTrial)
    guard current.report(batch, above: threshold, byNeuron: &pairs) else {
      timer.takeBack()
      return false
    }
    note(batch, above: threshold, firings: pairs.count)
    return true
  }

  private func note(_ batch: LookupBatch, above threshold: Float, firings: Int) {
    lastSeconds = timer.lap()
    lastRows = batch.count
    rowsAnswered += batch.count
    watch.rows += batch.count
    watch.firings += firings
    watch.threshold = threshold
  }

  var wantsDisplacements: Bool { current.wantsDisplacements }

  func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?
  ) {
    timer.resume()
    unsafe current.update(rows: rows, displacements: displacements)
    guard window.isWarm else {
      window.isWarm = true
      return
    }
    window.rows += lastRows
    window.seconds += lastSeconds + timer.lap()
    guard window.rows >= windowRows else { return }
    let pace = window.seconds / Double(window.rows)
    window.rows = 0
    window.seconds = 0
    paces[strategy] = pace
    if isOnTrial { endTrial() } else { review(pace) }
  }

  func grow(to weights: Matrix) {
    self.weights = weights
    current.grow(to: weights)
    watch = DriftWatch(weights)
    window.isWarm = false
  }

  /// Rows to be measured before a choice. Lists are refreshed now and then: a pace that is theirs
  /// takes an epoch.
  private var windowRows: Int {
    if isOnTrial { return Self.trialRows }
    return max(Self.trialRows, strategy == .candidateLists ? rowCount : rowCount / 4)
  }

  // MARK: Choices

  private func endTrial() {
    if let next = untried.popLast() {
      use(next)
      return
    }
    isOnTrial = false
    watch = DriftWatch(weights)
    if fastestIndex != strategy { use(fastestIndex) }
  }

  private var fastestIndex: LookupStrategy {
    var fastest = LookupStrategy.dense
    // In the order of declaration, so that equals are decided alike.
    for strategy in LookupStrategy.allCases where strategy != .candidateLists {
      if let pace = paces[strategy], pace < paces[fastest] ?? .infinity { fastest = strategy }
    }
    return fastest
  }

  /// Looks at the pace of the last window.
  private func review(_ pace: Double) {
    if strategy == .candidateLists {
      if pace > 1.1 * (paces[fastestIndex] ?? .infinity) {
        use(fastestIndex)
        listsWait *= 2
        listsFrom = rowsAnswered + listsWait
      }
    } else if let forecast = forecastOfLists(insteadOf: pace),
      rowsAnswered >= listsFrom || 2 * forecast < lastForecast
    {
      lastForecast = forecast
      use(.candidateLists)
    }
    watch = DriftWatch(weights)
  }

  /// What lists are forecast to cost in seconds per row, where they pay.
  private func forecastOfLists(insteadOf pace: Double) -> Double? {
    guard inputs != nil, weights.rows > 0, var dense = paces[.dense] else { return nil }
    // Lists are made by products.
    if lastRows <= Self.scannedRows { dense *= Self.productOfScan }
    let left = Double(expectedRows - rowsAnswered)
    let forecast =
      watch.forecast(in: weights, trainingRows: rowCount) * dense / Double(weights.rows)
    let making = MarginCost.refresh * dense * Double(rowCount)
    return left > 0 && forecast * left + making < 0.8 * pace * left ? forecast : nil
  }

  private func use(_ strategy: LookupStrategy) {
    let clock = Stopwatch.now
    earlierWork.add(workOf: current.work)
    events.add(current.statistics)
    if strategy == .candidateLists, let inputs {
      current = CandidateLists(inputs: inputs, weights: weights, threads: threads)
    } else {
      current = IndexLookup(strategy, weights: weights, threads: threads)
    }
    events.switches += 1
    events.calibrationSeconds += clock.secondsToNow
    window.isWarm = false
  }

  // MARK: Statistics

  var work: IndexStatistics {
    var work = current.work
    work.add(workOf: earlierWork)
    return work
  }

  var statistics: LookupStatistics {
    var statistics = current.statistics
    statistics.add(events)
    if statistics.driftQuantiles.isEmpty {
      statistics.driftQuantiles = Drift.quantiles(watch.distances(in: weights))
    }
    return statistics
  }
}
