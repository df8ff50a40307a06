// SPDX-License-Identifier: Apache-2.0

extension FeatureTransform: Codable {
  private enum CodingKeys: String, CodingKey {
    case scaling, constant, metric, fit
  }

  /// Decodes a transform and checks it, so that one from a damaged file is refused here rather
  /// than trusted later.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    scaling = try container.decode(Scaling.self, forKey: .scaling)
    constant = try container.decodeIfPresent(Double.self, forKey: .constant)
    metric = try container.decodeIfPresent(FeatureMetric.self, forKey: .metric)
    fit = try container.decode(Fit.self, forKey: .fit)
    guard isSound else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: container.codingPath, debugDescription: "the transform is not sound"))
    }
  }

  /// Encodes the transform.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(scaling, forKey: .scaling)
    try container.encodeIfPresent(constant, forKey: .constant)
    try container.encodeIfPresent(metric, forKey: .metric)
    try container.encode(fit, forKey: .fit)
  }

  private var isSound: Bool {
    guard constant?.isFinite ?? true, inputCount > 0,
      metric?.inputCount ?? inputCount == inputCount
    else { return false }
    return switch fit {
    case .linear(let centers, let scales):
      scaling != .rank && scaling != .log && centers.count == scales.count
        && centers.allSatisfy(\.isFinite)
        && scales.allSatisfy { $0.isFinite && $0 >= 0 }
        && (!scaling.keepsZeros || centers.allSatisfy { $0 == 0 })
    case .logarithms(let units, let centers, let scales):
      scaling == .log && centers.count == scales.count && units.count == scales.count
        && centers.allSatisfy(\.isFinite)
        && (scales + units).allSatisfy { $0.isFinite && $0 >= 0 }
    case .curves(let curves): scaling == .rank && curves.allSatisfy(\.isSound)
    }
  }
}
