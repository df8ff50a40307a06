// SPDX-License-Identifier: Apache-2.0
public import Foundation
public import Halfspace

/// A table, split and transformed as `halfspace train` does it, and how it would train on it.
public struct TableProblem {
  /// What it is called in reports.
  public let name: String
  /// Training rows, transformed, and their targets.
  public let training: (inputs: Matrix, targets: Targets)
  /// Test rows, transformed, and their targets.
  public let test: (inputs: Matrix, targets: Targets)
  /// The untransformed features of both parts.
  public let features: (training: Matrix, test: Matrix)
  /// The default settings for it.
  public let recipe: TrainingRecipe

  /// Splits `table` by `seed` (a fifth to test on) and transforms it.
  public init(name: String, table: Table, target column: String, seed: UInt64) throws {
    self.name = name
    let whole = try TargetEncoder(fitting: table, column: column)
    let split =
      switch whole.task {
      case .classification:
        TrainTestSplit(stratifying: try whole.classes(of: table), seed: seed)
      case .regression, .multiLabel: TrainTestSplit(rowCount: table.rowCount, seed: seed)
      }
    let parts = (table.selecting(rows: split.training), table.selecting(rows: split.test))
    let target =
      whole.task == .classification
      ? whole : try TargetEncoder(fitting: parts.0, column: column, task: .regression)
    let encoder = try TableEncoder(fitting: parts.0, target: column, unknownCategories: .ignore)
    features = (try encoder.encode(parts.0), try encoder.encode(parts.1))
    var options = TrainingOptions()
    options.seed = seed
    options.threads = 1
    recipe = TrainingRecipe(features: features.training, target: target, options: options)
    let transform = try FeatureTransform(
      fitting: features.training, scaling: recipe.scaling, constant: recipe.constant)
    training = (
      try transform.apply(to: features.training), try recipe.targets(of: parts.0, by: target)
    )
    test = (try transform.apply(to: features.test), try recipe.targets(of: parts.1, by: target))
  }

  /// The embedded digits.
  public static func digits(seed: UInt64 = 1) throws -> TableProblem {
    try TableProblem(name: "digits", table: EmbeddedData.digits, target: "digit", seed: seed)
  }

  /// Letter Recognition; nil without its file.
  public static func letter(in folder: URL?, seed: UInt64 = 1) throws -> TableProblem? {
    try file("letter", in: folder, target: "Letter", seed: seed)
  }

  /// California housing; nil without its file.
  public static func housing(in folder: URL?, seed: UInt64 = 1) throws -> TableProblem? {
    try file("housing", in: folder, target: "median_house_value", seed: seed)
  }

  private static func file(
    _ name: String, in folder: URL?, target: String, seed: UInt64
  ) throws -> TableProblem? {
    guard let path = folder?.appendingPathComponent("\(name).csv").path,
      FileManager.default.fileExists(atPath: path)
    else { return nil }
    return try TableProblem(
      name: name, table: Table(contentsOf: path), target: target, seed: seed)
  }
}
