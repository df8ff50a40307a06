// SPDX-License-Identifier: Apache-2.0
public import Foundation
public import Halfspace

/// A table, split and transformed as `halfspace train` does it.
public struct TableProblem {
  /// What it is called in reports.
  public let name: String
  /// Training rows, transformed, and their targets.
  public let training: (inputs: Matrix, targets: Targets)
  /// Test rows, transformed, and their targets.
  public let test: (inputs: Matrix, targets: Targets)
  /// The untransformed features of both parts.
  public let features: (training: Matrix, test: Matrix)

  /// Splits `table` by `seed` (a fifth to test on) and transforms it.
  public init(
    name: String, table: Table, target: String, constant: Double,
    scaling: FeatureTransform.Scaling, seed: UInt64
  ) throws {
    self.name = name
    let whole = try TargetEncoder(fitting: table, column: target)
    let split =
      switch whole.task {
      case .classification:
        TrainTestSplit(stratifying: try whole.classes(of: table), seed: seed)
      case .regression: TrainTestSplit(rowCount: table.rowCount, seed: seed)
      }
    let parts = (table.selecting(rows: split.training), table.selecting(rows: split.test))
    let encoder = try TableEncoder(
      fitting: parts.0, target: target, unknownCategories: .ignore)
    features = (try encoder.encode(parts.0), try encoder.encode(parts.1))
    let transform = try FeatureTransform(
      fitting: features.training, scaling: scaling, constant: constant)
    func targets(_ part: Table) throws -> Targets {
      switch whole.task {
      case .classification:
        return .classes(try whole.classes(of: part), count: whole.labels.count)
      case .regression:
        let encoder = try TargetEncoder(fitting: parts.0, column: target, task: .regression)
        return .values(Matrix(try encoder.standardizedValues(of: part).map { [$0] }))
      }
    }
    training = (try transform.apply(to: features.training), try targets(parts.0))
    test = (try transform.apply(to: features.test), try targets(parts.1))
  }

  /// The embedded digits.
  public static func digits(seed: UInt64 = 1) throws -> TableProblem {
    try TableProblem(
      name: "digits", table: EmbeddedData.digits, target: "digit", constant: 8,
      scaling: .commonScale, seed: seed)
  }

  /// Letter Recognition; nil without its file.
  public static func letter(in folder: URL?, seed: UInt64 = 1) throws -> TableProblem? {
    try file("letter", in: folder, target: "Letter", constant: 2.5, seed: seed)
  }

  /// California housing; nil without its file.
  public static func housing(in folder: URL?, seed: UInt64 = 1) throws -> TableProblem? {
    try file("housing", in: folder, target: "median_house_value", constant: 2.25, seed: seed)
  }

  private static func file(
    _ name: String, in folder: URL?, target: String, constant: Double, seed: UInt64
  ) throws -> TableProblem? {
    guard let path = folder?.appendingPathComponent("\(name).csv").path,
      FileManager.default.fileExists(atPath: path)
    else { return nil }
    return try TableProblem(
      name: name, table: Table(contentsOf: path), target: target, constant: constant,
      scaling: .standardize, seed: seed)
  }
}
