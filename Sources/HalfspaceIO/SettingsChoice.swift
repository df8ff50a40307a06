// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
public import HalfspaceNN

/// How far trials are.
public struct TrialProgress: Sendable, Equatable {
  /// Trials made, with the part of the one under way.
  public var done: Double
  /// Trials there are at most.
  public var count: Int
  /// What the last trial that ended came to; nil: nothing, or there was none.
  public var last: TrialResult?
}

/// Settings for a table when nobody has chosen any: those of the recipe, unless trials say clearly
/// that others are better.
///
/// The recipe's network is narrow in what fires and learns fast: right for thousands of rows with
/// little noise. On few rows a *smooth* network generalizes better, one half of whose neurons fire;
/// on noisy rows a *gentle* one, with a tenth of the learning rate; and where a linear model is hard to
/// beat, a network on top of one (`LinearFit`), or none. None is a setting one would think of, so all are
/// tried; then other scalings, a learned metric, and both of them; at last, where the rows are so few that
/// a run takes few steps, a longer run.
///
/// Of few rows, set apart several times, what is as good as the best but for chance and *simplest* is
/// taken, and what is clearly worse on the first of these times is given up. Of many, all are looked at
/// for a short while first; the best of them, and those that it replaces, for four times as long
/// (successive halving).
public final class SettingsChoice {
  /// Elements of a table up to which a smooth network is tried: it costs what its width does.
  private static let smoothElements = 1 << 16
  private static let smoothWidth = 1024
  /// Fewer rows than this tell nothing.
  static let fewestRows = 40
  /// A short look's share of the row visits of the run that follows.
  private static let shortShare = 0.01
  /// A long one's.
  private static let longShare = 0.04
  /// How many visits are always granted for each time that rows are set apart.
  private static let fewestVisits = 8192
  /// How many visits are granted where they make the run a whole one: the part of a run on noisy rows looks
  /// better than all of it.
  private static let fewestWholeVisits = 16384
  /// A run of fewer steps than this may be too short,
  private static let fewSteps = 2000
  /// and is tried with so many times the epochs.
  private static let longerFactor = 4
  /// Of how many settings a second look is taken, beside those that lead.
  private static let finalists = 2

  let trial: SettingsTrial
  private let recipe: TrainingRecipe
  /// What was tried, in order.
  public private(set) var results: [TrialResult] = []
  /// The best settings so far.
  public private(set) var best = TrialSettings()
  /// What takes part, and the count of all trials there can be.
  private var (made, planned) = (0, 0)
  /// What short looks are longer by, when longer runs are looked at.
  private var stretch = 1

  /// The choice for a table, to be made by `run`.
  ///
  /// - Throws: as `SettingsTrial`.
  init(
    for prepared: PreparedTable, options: TrainingOptions, communicator: any Communicator
  ) throws {
    trial = try SettingsTrial(prepared, options: options, communicator: communicator)
    recipe = trial.recipe(TrialSettings())
  }

  /// Makes the trials. Takes one or two seconds where there are few rows, otherwise one or two times as
  /// long as the run that follows.
  ///
  /// - Parameter onStep: called after each step; may end the trials, with the best so far. Of several
  ///   processes, what that of rank 0 says is done.
  public func run(onStep: (TrialProgress) -> TrainingAction = { _ in .proceed }) {
    let rows = trial.prepared.training.rowCount
    guard rows >= Self.fewestRows else { return }
    planned = 1 + shapes(best).count + scalings(best).count + metrics(best).count
    if isStaged { planned += 1 + 2 * Self.finalists }
    if !longer(best).isEmpty { planned += 1 + longer(best).count }
    do throws(TrialStopped) {
      guard let first = try look(at: best, visits: shortVisits, onStep) else { return }
      var leader = Standing(settings: best, short: first)
      leader = try contest(leader, shapes(best), onStep)
      best = leader.settings
      leader = try contest(leader, scalings(best), onStep)
      best = leader.settings
      // Of few rows no metric can be learned that is worth a look.
      // One that is no better than none will not be refined.
      for settings in metrics(best) where settings.metric == .learned || best.metric == .learned {
        // On all of many rows it will be learned better than here: it is enough not to be worse.
        leader =
          prefersSimple
          ? try contest(leader, [settings], onStep)
          : try decide(leader, [Standing(settings: settings)], favorsRivals: isStaged, onStep)
        best = leader.settings
      }
      best = try lengthened(leader, onStep).settings
    } catch {
      // What was found before it was stopped counts.
    }
  }

  // MARK: Looks

  private var runVisits: Double {
    Double(trial.prepared.training.rowCount * recipe.training.epochs)
  }
  /// Those of runs to the end on the rows that are not set apart.
  private var wholeVisits: Int { trial.keptRows * recipe.training.epochs }
  private var fewestVisits: Int {
    let isGranted = wholeVisits <= Self.fewestWholeVisits * trial.splitCount
    return max(Self.fewestVisits * trial.splitCount, isGranted ? wholeVisits : 0)
  }
  private var shortVisits: Int { stretch * max(fewestVisits, Int(Self.shortShare * runVisits)) }
  private var longVisits: Int { max(fewestVisits, Int(Self.longShare * runVisits)) }
  /// Whether there are rows enough for a second look to tell more.
  private var isStaged: Bool { longVisits > shortVisits }
  /// Whether rows are set apart often enough to tell what is worse only by chance.
  private var prefersSimple: Bool { trial.splitCount >= 4 }

  private func look(
    at settings: TrialSettings, visits: Int, against rival: TrialResult? = nil,
    _ onStep: (TrialProgress) -> TrainingAction
  ) throws(TrialStopped) -> TrialResult? {
    let last = results.last
    let result = try trial.result(of: settings, visits: visits, against: rival) { share in
      onStep(TrialProgress(done: Double(made) + share, count: planned, last: last))
    }
    made += 1
    if let result { results.append(result) }
    return result
  }

  /// Settings, and what they have come to.
  private struct Standing {
    let settings: TrialSettings
    var short: TrialResult?
    var long: TrialResult?
  }

  /// The best of the leader and its rivals: the leader, unless one is clearly better, or the simplest of
  /// those that are not worse but for chance, which rows that are set apart often enough tell.
  private func contest(
    _ leader: Standing, _ rivals: [TrialSettings], _ onStep: (TrialProgress) -> TrainingAction
  ) throws(TrialStopped) -> Standing {
    if prefersSimple { return try simplest(leader, rivals, onStep) }
    var left: [Standing] = []
    for settings in rivals {
      if let short = try look(at: settings, visits: shortVisits, onStep) {
        left.append(Standing(settings: settings, short: short))
      }
    }
    guard isStaged, let lead = leader.short else { return winner(leader, left, by: \.short) }
    // What is clearly worse already needs no second look.
    let finalists = left.filter { $0.short.map { !lead.isClearlyBetter(than: $0) } ?? false }
      .sorted { ($0.short?.error ?? 1) < ($1.short?.error ?? 1) }.prefix(Self.finalists)
    return try decide(leader, Array(finalists), onStep)
  }

  /// The simplest of those that are as good as any but for chance.
  private func simplest(
    _ leader: Standing, _ rivals: [TrialSettings], _ onStep: (TrialProgress) -> TrainingAction
  ) throws(TrialStopped) -> Standing {
    var (all, best) = ([leader], leader.short)
    // The simplest take the least time, and spare others theirs.
    for settings in rivals.sorted(by: { $0.complexity < $1.complexity }) {
      guard
        let short = try look(at: settings, visits: shortVisits, against: best, onStep)
      else { continue }
      all.append(Standing(settings: settings, short: short))
      if short.cost < best?.cost ?? .infinity { best = short }
    }
    all.sort { $0.settings.complexity < $1.settings.complexity }
    let chosen = TrialResult.simplest(of: all.compactMap(\.short))
    return all.first { $0.settings == chosen.settings } ?? leader
  }

  /// The leader, or the same with a longer run, where that is better: it is less left to chance.
  private func lengthened(
    _ leader: Standing, _ onStep: (TrialProgress) -> TrainingAction
  ) throws(TrialStopped) -> Standing {
    let rivals = longer(leader.settings)
    guard !rivals.isEmpty else { return leader }
    // What is to be told apart needs as long a look as the longer run.
    stretch = Self.longerFactor
    defer { stretch = 1 }
    var best: Standing?
    // A run that was short enough to be looked at whole comes to the same again.
    if wholeVisits <= fewestVisits { best = leader }
    for settings in (best == nil ? [leader.settings] : []) + rivals {
      guard
        let short = try look(at: settings, visits: shortVisits, against: best?.short, onStep),
        short.cost < best?.short?.cost ?? .infinity
      else { continue }
      best = Standing(settings: settings, short: short)
    }
    return best ?? leader
  }

  /// The best of the leader and its rivals after a long look, or the only one there is.
  private func decide(
    _ leader: Standing, _ rivals: [Standing], favorsRivals: Bool = false,
    _ onStep: (TrialProgress) -> TrainingAction
  ) throws(TrialStopped) -> Standing {
    guard !rivals.isEmpty else { return leader }
    var leader = leader
    if leader.long == nil {
      leader.long =
        isStaged ? try look(at: leader.settings, visits: longVisits, onStep) : leader.short
    }
    var looked: [Standing] = []
    for var rival in rivals {
      rival.long = try look(at: rival.settings, visits: longVisits, onStep)
      looked.append(rival)
    }
    return winner(leader, looked, by: \.long, favorsRivals: favorsRivals)
  }

  private func winner(
    _ leader: Standing, _ rivals: [Standing], by look: KeyPath<Standing, TrialResult?>,
    favorsRivals: Bool = false
  ) -> Standing {
    rivals.reduce(leader) { best, rival in
      guard let result = rival[keyPath: look] else { return best }
      guard let least = best[keyPath: look] else { return rival }
      let isBetter =
        favorsRivals ? result.error <= least.error : result.isClearlyBetter(than: least)
      return isBetter ? rival : best
    }
  }

  // MARK: Candidates

  private func shapes(_ settings: TrialSettings) -> [TrialSettings] {
    var gentle = settings
    gentle.learningRate = recipe.training.learningRate / 10
    var shapes = [settings, gentle]
    let features = trial.prepared.features
    if features.rows * features.columns <= Self.smoothElements {
      shapes += [settings, gentle].map { settings in
        var settings = settings
        settings.width = Self.smoothWidth
        settings.firingFraction = 0.5
        return settings
      }
    }
    guard LinearFit.obstacle(to: recipe.network, inputs: features.columns + 1) == nil else {
      return Array(shapes.dropFirst())
    }
    var flat = gentle
    flat.constant = 8 * recipe.constant
    // With a large constant, rows of length 1 are nearly linear in the features.
    var none = settings
    (none.epochs, none.constant) = (0, flat.constant)
    return shapes.dropFirst()
      + [settings, gentle, flat, none].map { settings in
        var settings = settings
        settings.linearPart = .fitted
        return settings
      }
  }

  /// The same with more epochs, at a calmer rate and at the same, where those of the recipe are few steps;
  /// none where they are not.
  private func longer(_ settings: TrialSettings) -> [TrialSettings] {
    let (rows, training) = (trial.prepared.training.rowCount, recipe.training)
    let steps = rows * training.epochs / training.batchSize
    guard prefersSimple, settings.epochs == nil, steps < Self.fewSteps else { return [] }
    var longer = settings
    longer.epochs = Self.longerFactor * training.epochs
    // What is gentle already need not be calmed.
    guard settings.learningRate == nil else { return [longer] }
    var calm = longer
    calm.learningRate = training.learningRate / 3
    return [calm, longer]
  }

  /// Other scalings: ranks for what is standardized and the reverse, and logarithms where features are
  /// skewed.
  private func scalings(_ settings: TrialSettings) -> [TrialSettings] {
    let features = trial.prepared.features
    var scalings: [FeatureTransform.Scaling] = []
    switch recipe.scaling {
    case .rank: scalings = [.standardize]
    case .standardize: scalings = [.rank]
    case .commonScale, .maximum, .rootMeanSquare, .log: break
    }
    if !scalings.isEmpty, LogUnits.suggested(for: features).contains(where: { $0 > 0 }) {
      scalings.append(.log)
    }
    return scalings.map { scaling in
      var settings = settings
      settings.scaling = scaling
      return settings
    }
  }

  private func metrics(_ settings: TrialSettings) -> [TrialSettings] {
    let count = trial.prepared.features.columns
    guard count > 1, MetricPilot.obstacle(to: recipe.network, features: count) == nil else {
      return []
    }
    return [TrainingOptions.Metric.learned, .refined].map { metric in
      var settings = settings
      settings.metric = metric
      return settings
    }
  }
}

extension TrialSettings {
  /// How much a model of such settings can bend, by rank: of those that are equally good the one that
  /// can least is to be trusted most. Of the same shape, longer runs, other scalings and metrics come
  /// behind.
  fileprivate var complexity: Int {
    let additions =
      ((epochs ?? 0) > 0 ? 4 : 0) + (metric == .none ? 0 : 2) + (scaling == nil ? 0 : 1)
    return 8 * shapeRank + additions
  }

  private var shapeRank: Int {
    switch (epochs, constant, linearPart) {
    case (0?, _, _): 0
    case (_, _?, _): 1
    case (_, nil, .fitted): learningRate == nil ? 3 : 2
    case (_, nil, .none):
      width == nil ? (learningRate == nil ? 7 : 4) : (learningRate == nil ? 6 : 5)
    }
  }
}
