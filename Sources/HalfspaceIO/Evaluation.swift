// SPDX-License-Identifier: Apache-2.0

/// How good predictions are on rows whose targets are known.
public struct Evaluation: Sendable, Equatable, Codable {
  /// Rows judged.
  public var rows: Int
  /// Share of rows whose class is right; classification only.
  public var accuracy: Double?
  /// Root of the mean squared error, in units of the target; regression only.
  public var rmse: Double?
  /// Mean absolute error, in units of the target; regression only.
  public var mae: Double?
  /// Share of the target's variance that is explained; regression only.
  public var r2: Double?
  /// F1 of all decisions together, one for each row and label; sets of labels only.
  public var microF1: Double?
  /// Share of rows that have the label with the largest output; sets of labels only.
  public var precisionAt1: Double?
}
