// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceReporting

/// The network before training: `f(x) = scale * sum_r a_r relu(<w_r, x> - b)`.
public struct NetworkConfiguration: Sendable, Equatable, Codable {
  /// How the rows of the first layer are drawn. Each row by itself is N(0, I_d) either way.
  public enum Rows: Sendable, Equatable, Codable {
    /// Structured rows whose static report costs O(sqrt(m)), or less where rows have three parts;
    /// where `groups` or `parts` is nil the shape decides.
    case productGrid(groups: Int? = nil, parts: Int? = nil)
    /// Independent rows, the paper's literal initialization; a static report scans all of them.
    case gaussian
  }

  /// The largest width, 2^48.
  public static let largestWidth = 1 << 48

  /// Number of neurons `m`.
  public var width: Int
  /// The threshold `b`.
  public var threshold: Threshold
  /// The first layer.
  public var rows: Rows
  /// The output weights.
  public var outputs: InitialOutputs
  /// Whether the output weights are trained; the first layer always is.
  public var trainsOutputs: Bool
  /// Seed of all initial weights.
  public var seed: UInt64
  /// `B` of `scale = B / sqrt(m)`; nil: `1 / sqrt(Q(b))`, which keeps learning rates independent
  /// of width and sparsity. A larger one keeps training closer to the initial weights, when the
  /// learning rate falls with its square.
  public var outputScale: Double?

  /// A network of `width` neurons.
  public init(
    width: Int, threshold: Threshold, rows: Rows = .productGrid(), outputs: InitialOutputs = .zero,
    trainsOutputs: Bool = true, seed: UInt64 = 1, outputScale: Double? = nil
  ) {
    self.width = width
    self.threshold = threshold
    self.rows = rows
    self.outputs = outputs
    self.trainsOutputs = trainsOutputs
    self.seed = seed
    self.outputScale = outputScale
  }

  /// The initial network for inputs of `dimension` coordinates.
  ///
  /// - Throws: `ConfigurationError` when the settings contradict each other, or ask for more memory
  ///   than this machine can give.
  public func makeInitialNetwork(
    dimension: Int, outputCount: Int
  ) throws(ConfigurationError) -> InitialNetwork {
    guard width > 0 else { throw .invalid("the width \(width) is not positive") }
    guard width <= Self.largestWidth else {
      throw .invalid("the width \(width) is more than 2^48")
    }
    guard dimension > 0 else { throw .invalid("the inputs have no columns") }
    if let outputScale, !(outputScale > 0 && outputScale.isFinite) {
      throw .invalid("the output scale \(outputScale) is not a positive number")
    }
    if case .zero = outputs, !trainsOutputs {
      throw .invalid("output weights that start at zero and are not trained stay zero")
    }
    var count = width
    if case .symmetricPairs = outputs {
      guard width.isMultiple(of: 2) else {
        throw .invalid("symmetric pairs need an even width, got \(width)")
      }
      count /= 2
    }
    let weights: any InitialWeights
    switch rows {
    case .productGrid(let groups, let parts):
      if let groups, groups < 1 || groups > min(count, 1 << 30) {
        throw .invalid("\(groups) groups for \(count) rows")
      }
      if let parts, parts < 2 || parts > 3 || (parts == 3 && dimension < 3) {
        throw .invalid("\(parts) parts of \(dimension) coordinates")
      }
      try Self.checkMemory(count: count, dimension: dimension, groups: groups, parts: parts)
      weights = ProductGrid(
        count: count, dimension: dimension, seed: seed, groups: groups, parts: parts,
        nonFinite: .decided)
    case .gaussian:
      weights = IndependentGaussian(
        count: count, dimension: dimension, seed: seed, nonFinite: .decided)
    }
    return InitialNetwork(
      rows: weights, outputs: outputs, outputCount: outputCount, seed: seed)
  }

  /// Half of the memory is for the rest: the rows that fire, the data, other programs.
  private static func checkMemory(
    count: Int, dimension: Int, groups: Int?, parts: Int?
  ) throws(ConfigurationError) {
    let bytes = ProductGrid.memoryBytes(
      count: count, dimension: dimension, groups: groups, parts: parts)
    guard UInt64(bytes) <= ProcessInfo.processInfo.physicalMemory / 2 else {
      throw .invalid(
        "a product grid of \(count) rows of \(dimension) takes \(bytes) bytes, more than half of "
          + "this machine's memory")
    }
  }
}
