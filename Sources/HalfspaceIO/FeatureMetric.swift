// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// A linear map of scaled features, `[q, p]`: rows are compared in the directions, and at the scale,
/// in which it matters where they lie.
///
/// A network's rows are drawn without regard to direction; a target that changes along a few
/// directions only is learned from fewer rows when these are stretched. Which directions matter is
/// known from the gradients of a network that has been trained for a while; see
/// `init(gradientsOf:through:at:threads:)`.
public struct FeatureMetric: Sendable, Equatable {
  /// Features beyond which no metric is learned: the map takes p² numbers, and learning it p³
  /// operations.
  public static let featureLimit = 256

  /// The map, `[q, p]`.
  public let map: DoubleMatrix

  /// A metric of a map `[q, p]` that is not empty, of numbers of at most `FeatureTransform.limit`.
  public init(map: DoubleMatrix) {
    precondition(
      Self.isSound(map), "a map [\(map.rows), \(map.columns)] that is empty or not finite")
    self.map = map
  }

  /// Mapped rows must not overflow.
  private static func isSound(_ map: DoubleMatrix) -> Bool {
    map.rows > 0 && map.columns > 0
      && map.elements.allSatisfy { abs($0) <= FeatureTransform.limit }
  }

  /// Number p of features.
  public var inputCount: Int { map.columns }
  /// Number q of coordinates.
  public var outputCount: Int { map.rows }

  /// How many directions the map attends to, from 1 to p: `(tr S)² / tr S²` of `S = mapᵀ map`, as many
  /// as there are where all of them count the same. O(q p²).
  public var directions: Double {
    var trace = 0.0
    var squares = 0.0
    for i in 0..<inputCount {
      for j in 0..<inputCount {
        var sum = 0.0
        for k in 0..<outputCount { sum += map[k, i] * map[k, j] }
        if i == j { trace += sum }
        squares += sum * sum
      }
    }
    return squares > 0 ? trace * trace / squares : 0
  }

  /// Writes `map * features` to `coordinates` (q numbers). O(q p).
  ///
  /// One order of summation: the same bits everywhere.
  func apply(to features: Span<Double>, into coordinates: inout MutableSpan<Double>) {
    precondition(
      features.count >= inputCount && coordinates.count >= outputCount,
      "\(features.count) features and room for \(coordinates.count) for a map [\(outputCount), "
        + "\(inputCount)]")
    let elements = map.elements.span
    var position = 0
    for row in 0..<outputCount {
      var sum = 0.0
      for column in 0..<inputCount {
        sum += elements[position] * features[column]
        position += 1
      }
      coordinates[row] = sum
    }
  }
}

extension FeatureMetric: Codable {
  private enum CodingKeys: String, CodingKey {
    case rows, columns, elements
  }

  /// Decodes a metric and checks it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let rows = try container.decode(Int.self, forKey: .rows)
    let columns = try container.decode(Int.self, forKey: .columns)
    let elements = try container.decode([Double].self, forKey: .elements)
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    var map: DoubleMatrix?
    if rows > 0, columns > 0, !overflow, count == elements.count {
      map = DoubleMatrix(rows: rows, columns: columns, elements: elements)
    }
    guard let map, Self.isSound(map) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: container.codingPath, debugDescription: "the metric is not sound"))
    }
    self.map = map
  }

  /// Encodes the metric.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(map.rows, forKey: .rows)
    try container.encode(map.columns, forKey: .columns)
    try container.encode(map.elements, forKey: .elements)
  }
}
