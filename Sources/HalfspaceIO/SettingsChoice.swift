// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN

/// Settings for a table when nobody has chosen any: those of the recipe, unless trials say clearly
/// that others are better.
///
/// The recipe's network is narrow in what fires and learns fast: right for thousands of rows with
/// little noise. On few rows a *smooth* network generalizes better, one half of whose neurons fire;
/// on noisy rows a *gentle* one, with a tenth of the learning rate, which ends nearer to a linear
/// model. Neither is a setting one would think of, so both are tried; then a learned metric, another
/// scaling, and both of them.
struct SettingsChoice {
  /// Elements of a table up to which a smooth network is tried: it costs what its width does.
  private static let smoothElements = 1 << 16
  private static let smoothWidth = 1024
  /// Fewer rows than this tell nothing.
  static let fewestRows = 40
  /// A trial's share of the row visits of the run that follows.
  private static let visitShare = 0.125
  /// How many visits are always granted: more for few rows, which are set apart several times.
  private static func fewestVisits(rows: Int) -> Int { rows <= 1000 ? 32_768 : 16_384 }

  let trial: SettingsTrial
  /// What was tried, in order.
  private(set) var results: [TrialResult] = []
  /// The best settings so far.
  private(set) var best = TrialSettings()

  private init(_ trial: SettingsTrial) { self.trial = trial }

  /// The choice for a table. Takes about as long as the run that follows, at most; about a second
  /// where there are few rows.
  ///
  /// - Throws: as `SettingsTrial`.
  init(
    for prepared: PreparedTable, options: TrainingOptions, communicator: any Communicator
  ) throws {
    self.init(try SettingsTrial(prepared, options: options, communicator: communicator))
    guard prepared.training.rowCount >= Self.fewestRows else { return }
    let recipe = trial.recipe(best)
    let run = Double(prepared.training.rowCount * recipe.training.epochs)
    let visits = max(
      Self.fewestVisits(rows: prepared.training.rowCount), Int(Self.visitShare * run))
    guard var leader = trial.result(of: best, visits: visits) else { return }
    results = [leader]
    for stage in [shapes, geometries] {
      for settings in stage(best, recipe) {
        guard let result = trial.result(of: settings, visits: visits) else { continue }
        results.append(result)
        if result.isClearlyBetter(than: leader) { leader = result }
      }
      best = leader.settings
    }
  }

  private func shapes(_ settings: TrialSettings, _ recipe: TrainingRecipe) -> [TrialSettings] {
    var gentle = settings
    gentle.learningRate = recipe.training.learningRate / 10
    let features = trial.prepared.features
    guard features.rows * features.columns <= Self.smoothElements else { return [gentle] }
    return [gentle]
      + [settings, gentle].map { settings in
        var settings = settings
        settings.width = Self.smoothWidth
        settings.firingFraction = 0.5
        return settings
      }
  }

  /// A metric, another scaling, and both.
  private func geometries(
    _ settings: TrialSettings, _ recipe: TrainingRecipe
  ) -> [TrialSettings] {
    let count = trial.prepared.features.columns
    var result: [TrialSettings] = []
    let learnsMetric =
      count > 1 && MetricPilot.obstacle(to: recipe.network, features: count) == nil
    for scaling in [nil, Self.alternative(to: recipe.scaling)] {
      for metric in learnsMetric ? TrainingOptions.Metric.allCases : [.none] {
        var other = settings
        other.scaling = scaling
        other.metric = metric
        if other != settings, !result.contains(other) { result.append(other) }
      }
    }
    return result
  }

  /// What else features could be scaled by.
  private static func alternative(
    to scaling: FeatureTransform.Scaling
  ) -> FeatureTransform.Scaling? {
    switch scaling {
    case .rank: .standardize
    case .standardize: .rank
    case .commonScale, .maximum, .rootMeanSquare: nil
    }
  }
}
