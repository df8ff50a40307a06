// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Uses the lookup that costs least, measured on the way.
///
/// The first batches are answered by the indexes in turn, and the fastest stays. Meanwhile a sample
/// of neurons is watched: their speed tells what candidate lists would cost (`DriftWatch`). Where
/// lists are forecast to pay over what is left of the run, their making included, all neurons are
/// watched for a while (the shorter the more lists promise), and lists take over with a margin for each that suits its speed. Those that
/// turn out slower than the index was give way to it again (`ListsTrial`).
///
/// Clocks decide about speed only, never about a report. Making structures is counted
/// (`LookupStatistics.calibrationSeconds`) and bounded: each index is made once for trial, lists are
/// made only when they are forecast to pay, and forecasts take a small share of the time.
final class AutomaticLookup: NeuronLookup {
  /// Rows that an index answers on trial, besides its first batch.
  private static let trialRows = 96
  /// Neurons below which nothing is gained by looking further than at all of them.
  private static let fewNeurons = 512
  /// Coordinates up to which a tree may prune so much that its upkeep pays.
  private static let mostTreeColumns = 8
  /// How many times as long as a forecast takes passes between two of them.
  private static let patience = 64.0
  /// Parts of an epoch after which there is a forecast.
  private static let forecastsPerEpoch = 16
  /// Parts of an epoch for which all neurons are watched: the longer one where lists are not far ahead. Over a
  /// shorter time rows look faster than they are, as steps go to and fro, and fewer have fired.
  private static let watchesPerEpoch = (far: 4, near: 2)

  private let rowCount: Int
  /// The training rows, where they are in memory; there are no candidate lists for others.
  private let inputs: Matrix?
  private let threads: Int
  private let expectedRows: Int
  private var weights: Matrix

  private var current: any NeuronLookup
  /// The lookup in use, where it is of lists, and how long it had refreshed them when they were made.
  private var lists: CandidateLists?
  private var listsMade = (rows: 0, refreshSeconds: 0.0)
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
  /// Whether lists were forecast to be far ahead when all neurons began to be watched.
  private var isFarAhead = false
  /// What a forecast takes.
  private var forecastSeconds: Double?
  private var trial: ListsTrial

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
    trial = ListsTrial(
      from: max(Self.trialRows, rowCount / Self.forecastsPerEpoch),
      wait: max(Self.trialRows, rowCount / Self.watchesPerEpoch.far))
  }

  var strategy: LookupStrategy { current.strategy }

  // MARK: Reports and moves

  func report(
    _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport
  ) {
    timer.start(all: isOnTrial)
    let maintained = maintenanceSeconds
    current.report(batch, above: threshold, into: &report)
    note(batch, above: threshold, firings: report.count, maintained: maintained)
  }

  func report(
    _ batch: LookupBatch, above threshold: Float, byNeuron found: PairParts,
    then next: @Sendable (_ part: Int) -> Void
  ) -> Bool {
    timer.start(all: isOnTrial)
    let maintained = maintenanceSeconds
    guard current.report(batch, above: threshold, byNeuron: found, then: next) else {
      timer.takeBack()
      return false
    }
    // What is done with the pairs is no part of finding them.
    note(
      batch, above: threshold, firings: found.total.pairs,
      maintained: maintained - found.secondsAfter)
    return true
  }

  /// Seconds of what lists do now and then: it is clocked by them, every time. A timed step stands for
  /// several and would count it as often.
  private var maintenanceSeconds: Double { lists?.maintenanceSeconds ?? 0 }

  private func note(
    _ batch: LookupBatch, above threshold: Float, firings: Int, maintained: Double
  ) {
    lastSeconds = timer.lap(without: maintenanceSeconds - maintained)
    lastRows = batch.count
    rowsAnswered += batch.count
    watch.rows += batch.count
    watch.firings += firings
    watch.batch = batch.count
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
      listsMade = (rowsAnswered, lists?.events.refreshSeconds ?? 0)
      return
    }
    window.rows += lastRows
    window.seconds += lastSeconds + timer.lap()
    guard isWindowFull else { return }
    let pace = window.seconds / Double(window.rows) + refreshPace
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

  /// Whether enough has been measured for a choice.
  private var isWindowFull: Bool {
    if isOnTrial { return window.rows >= Self.trialRows }
    if lists != nil { return window.rows >= max(Self.trialRows, rowCount) }
    if watch.isComplete {
      let parts = isFarAhead ? Self.watchesPerEpoch.far : Self.watchesPerEpoch.near
      return watch.rows >= max(Self.trialRows, rowCount / parts)
    }
    return window.rows >= max(Self.trialRows, rowCount / Self.forecastsPerEpoch)
      && window.seconds >= Self.patience * (forecastSeconds ?? 0)
  }

  /// What refreshing lists has taken since they were made, per row.
  private var refreshPace: Double {
    guard let lists, rowsAnswered > listsMade.rows else { return 0 }
    return (lists.events.refreshSeconds - listsMade.refreshSeconds)
      / Double(rowsAnswered - listsMade.rows)
  }

  // MARK: Choices

  private func endTrial() {
    if let next = untried.popLast() {
      use(next)
      return
    }
    isOnTrial = false
    let fastest = fastestIndex
    review(paces[fastest] ?? .infinity)
    if fastest != strategy { use(fastest) }
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
    if lists != nil {
      let isSlow = trial.isSlow(pace, index: paces[fastestIndex] ?? .infinity, at: rowsAnswered)
      if isSlow { use(fastestIndex) }
      watch = DriftWatch(weights)
      return
    }
    let clock = Stopwatch.now
    let forecast = forecastOfLists()
    let isPromising = trial.pays(
      forecast: forecast, index: pace, making: MarginCost.making(rows: rowCount, index: pace),
      rows: rowsAnswered..<max(rowsAnswered, expectedRows))
    if watch.isComplete, isPromising {
      events.calibrationSeconds += clock.secondsToNow
      return use(.candidateLists)
    }
    goOnWatching(isPromising, areFarAhead: trial.areFarAhead(forecast: forecast, index: pace))
    let seconds = clock.secondsToNow
    events.calibrationSeconds += seconds
    // Watching all neurons takes longer, but is seldom.
    if !watch.isComplete { forecastSeconds = min(seconds, forecastSeconds ?? seconds) }
  }

  /// After a forecast that was not enough for lists: all neurons are watched, or still, or some once more.
  private func goOnWatching(_ isPromising: Bool, areFarAhead: Bool) {
    if watch.isComplete, isFarAhead {
      // Not so far, as it seems now.
      isFarAhead = false
      return
    }
    if watch.isComplete { trial.postpone(to: rowsAnswered + rowCount) }
    if isPromising || watch.isComplete || watch.rows >= rowCount {
      watch = DriftWatch(weights, complete: isPromising)
      isFarAhead = isPromising && areFarAhead
    }
  }

  /// What lists would cost, in seconds per row, as fast as neurons are now.
  private func forecastOfLists() -> Double {
    guard inputs != nil, weights.rows > 0, let dense = paces[.dense] else { return .infinity }
    return watch.forecast(in: weights, trainingRows: rowCount)
      * MarginCost.pair(ofDense: dense, neurons: weights.rows)
  }

  private func use(_ strategy: LookupStrategy) {
    let clock = Stopwatch.now
    earlierWork.add(workOf: current.work)
    events.add(current.statistics)
    lists = nil
    if strategy == .candidateLists, let inputs {
      let made = CandidateLists(
        inputs: inputs, weights: weights, threads: threads,
        start: watch.start(in: weights, trainingRows: rowCount))
      lists = made
      current = made
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
