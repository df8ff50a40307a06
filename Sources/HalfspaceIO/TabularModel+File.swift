// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg
internal import HalfspaceNN
internal import HalfspaceReporting

// A model file is a safetensors file:
//
//     fc1.weight [M, d]    the rows that fire on some training row
//     fc1.bias   [M]       -threshold
//     fc2.weight [C, M]    output weights, the network's scale multiplied in
//     fc2.bias   [C]       zero
//     neurons    [M]       I64, only where latent neurons matter: numbers in the initial network
//
// so that relu(x fc1.weightᵀ + fc1.bias) fc2.weightᵀ + fc2.bias is the network, as PyTorch's Linear,
// ReLU, Linear compute it. The metadata hold, as JSON, what turns a table's row into x and an
// output into an answer.
extension TabularModel {
  /// The latest version of the file format.
  public static let formatVersion = "4"
  /// The versions that are read.
  private static let formatVersions = ["1", "2", "3", formatVersion]
  /// The version that this model is written in: 2 brought the metric of the features, 3 logarithmic
  /// scaling, 4 several columns of labels; each is written where there is need of it, so that all other models can be read by whoever
  /// reads the format before.
  public var formatVersion: String {
    if target.columns.count > 1 { return "4" }
    if transform.scaling == .log { return "3" }
    return transform.metric == nil ? "1" : "2"
  }

  private enum Key {
    static let version = "halfspace"
    static let encoder = "halfspace.encoder"
    static let transform = "halfspace.transform"
    static let target = "halfspace.target"
    static let record = "halfspace.record"
    static let network = "halfspace.network"
  }

  /// What the network needs beside its weights.
  private struct NetworkLayout: Codable {
    var threshold: Float
    var shards: [Int]
    /// Scale of the initial output weights of latent neurons; nil when these contribute nothing.
    var latentScale: Float?
  }

  /// Writes the model to `path`; the file appears all at once. Equal models give equal bytes.
  /// O(M (d + C)).
  ///
  /// - Throws: `SafetensorsError` with the path and the reason.
  public func save(to path: String) throws { try file().write(to: path) }

  /// The contents of the model's file. O(M (d + C)).
  func file() throws -> Safetensors {
    let network = predictor.factor == 1 ? predictor : predictor.folded()
    var file = Safetensors(
      metadata: [
        "format": "pt",
        Key.version: formatVersion,
        Key.encoder: try Self.json(encoder),
        Key.transform: try Self.json(transform),
        Key.target: try Self.json(target),
        Key.record: try Self.json(record),
        Key.network: try Self.json(
          NetworkLayout(
            threshold: network.threshold, shards: network.shards,
            latentScale: network.latent?.outputScale)),
      ])
    let (m, c) = (network.count, network.outputCount)
    file.set(network.weights, for: "fc1.weight")
    file.set([Float](repeating: -network.threshold, count: m), shape: [m], for: "fc1.bias")
    file.set(network.outputs.transposed(), for: "fc2.weight")
    file.set([Float](repeating: 0, count: c), shape: [c], for: "fc2.bias")
    if let latent = network.latent {
      file.set(latent.materialized.map(Int64.init), shape: [m], for: "neurons")
    }
    return file
  }

  /// Reads the model in the file at `path`.
  ///
  /// - Throws: `SafetensorsError` or `ModelFileError`: whatever is not a complete and consistent
  ///   model is refused.
  public init(contentsOf path: String) throws {
    try self.init(file: try Safetensors(contentsOf: path))
  }

  /// The model in the given file. Throws as `init(contentsOf:)`.
  init(file: Safetensors) throws {
    guard let version = file.metadata[Key.version] else {
      throw ModelFileError(file: file.name, reason: .notAModel)
    }
    guard Self.formatVersions.contains(version) else {
      throw ModelFileError(
        file: file.name, reason: .version(found: version, supported: Self.formatVersion))
    }
    let transform = try Self.decode(FeatureTransform.self, Key.transform, file)
    guard transform.metric == nil || version != "1" else {
      throw Self.inconsistent(file, "format 1 has no metric")
    }
    guard transform.scaling != .log || version == "3" || version == "4" else {
      throw Self.inconsistent(file, "format \(version) has no logarithmic scaling")
    }
    let encoder = try Self.decode(TableEncoder.self, Key.encoder, file)
    guard transform.metric == nil || encoder.sparse == nil else {
      throw Self.inconsistent(file, "sparse rows have no metric")
    }
    let target = try Self.decode(TargetEncoder.self, Key.target, file)
    guard target.columns.count == 1 || version == "4" else {
      throw Self.inconsistent(file, "format \(version) has no columns of labels")
    }
    let record = try Self.decode(TrainingRecord.self, Key.record, file)
    guard encoder.featureCount == transform.inputCount else {
      throw Self.inconsistent(
        file, "\(encoder.featureCount) features for a transform of \(transform.inputCount)")
    }
    let predictor = try Self.predictor(
      file, inputs: transform.outputCount, target: target, record: record)
    self.init(
      encoder: encoder, transform: transform, target: target, predictor: predictor, record: record)
  }

  private static func predictor(
    _ file: Safetensors, inputs: Int, target: TargetEncoder, record: TrainingRecord
  ) throws -> Predictor {
    let layout = try decode(NetworkLayout.self, Key.network, file)
    let m = try file.tensor("fc1.weight", .float32, shape: [nil, inputs]).shape[0]
    guard m > 0 else { throw inconsistent(file, "fc1.weight has no rows") }
    // Two classes may share one output, whose sign decides.
    let c = try file.tensor("fc2.weight", .float32, shape: [nil, m]).shape[0]
    guard
      c == target.outputCount
        || (c == 1 && target.labels.count == 2 && target.task == .classification)
    else {
      throw inconsistent(file, "\(c) outputs for \(target.outputCount) classes")
    }
    let weights = try file.matrix("fc1.weight")
    let outputs = try file.matrix("fc2.weight").transposed(packedSingleColumn: true)
    let biases = try file.floats("fc1.bias", shape: [m])
    let offsets = try file.floats("fc2.bias", shape: [c])
    guard layout.threshold.isFinite, biases.allSatisfy({ $0 == -layout.threshold }) else {
      throw inconsistent(file, "fc1.bias is not the negative threshold \(layout.threshold)")
    }
    guard offsets.allSatisfy({ $0 == 0 }) else { throw inconsistent(file, "fc2.bias is not zero") }
    guard
      (2...Self.shardLimit).contains(layout.shards.count), layout.shards.first == 0,
      layout.shards.last == m, zip(layout.shards, layout.shards.dropFirst()).allSatisfy(<=)
    else { throw inconsistent(file, "the shards do not cut \(m) neurons") }
    return Predictor(
      weights: weights, outputs: outputs, threshold: layout.threshold, factor: 1,
      shards: layout.shards, latent: try latentPart(file, layout, weights, outputs, record))
  }

  /// More offsets of shards than any network has; each shard takes memory in every prediction.
  private static let shardLimit = 1024

  /// The neurons that are not in the file, where they matter.
  private static func latentPart(
    _ file: Safetensors, _ layout: NetworkLayout, _ weights: Matrix, _ outputs: Matrix,
    _ record: TrainingRecord
  ) throws -> Predictor.LatentPart? {
    let isIndependent =
      switch record.network.outputs {
      case .independent: true
      case .zero, .symmetricPairs: false
      }
    guard isIndependent == (layout.latentScale != nil) else {
      throw inconsistent(file, "the scale of latent neurons does not fit the output weights")
    }
    guard let scale = layout.latentScale else { return nil }
    let neurons = try file.int64s("neurons", shape: [weights.rows]).map { Int($0) }
    let width = record.network.width
    guard neurons.allSatisfy({ $0 >= 0 && $0 < width }), Set(neurons).count == neurons.count else {
      throw inconsistent(file, "the neurons are not those of a network of \(width)")
    }
    do throws(ConfigurationError) {
      let initial = try record.network.makeInitialNetwork(
        dimension: weights.columns, outputCount: outputs.columns)
      return Predictor.LatentPart(initial: initial, materialized: neurons, outputScale: scale)
    } catch {
      throw inconsistent(file, error.description)
    }
  }

  // MARK: Metadata

  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  private static func decode<T: Decodable>(
    _ type: T.Type, _ key: String, _ file: Safetensors
  ) throws -> T {
    guard let text = file.metadata[key] else {
      throw ModelFileError(file: file.name, reason: .metadata(key: key, problem: "is missing"))
    }
    do {
      return try JSONDecoder().decode(type, from: Data(text.utf8))
    } catch {
      throw ModelFileError(
        file: file.name, reason: .metadata(key: key, problem: DecodingError.problem(error)))
    }
  }

  private static func inconsistent(_ file: Safetensors, _ problem: String) -> ModelFileError {
    ModelFileError(file: file.name, reason: .inconsistent(problem))
  }
}
