// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg
internal import HalfspaceNN

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
  /// Version of the file format.
  static let formatVersion = "1"

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
  /// - Throws: `FileError`.
  public func save(to path: String) throws {
    let network = predictor.factor == 1 ? predictor : predictor.folded()
    var file = Safetensors(
      metadata: [
        "format": "pt",
        Key.version: Self.formatVersion,
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
    try file.write(to: path)
  }

  /// Reads the model in the file at `path`.
  ///
  /// - Throws: `FileError`, `SafetensorsError` or `ModelFileError`: whatever is not a complete and
  ///   consistent model is refused.
  public init(contentsOf path: String) throws {
    let file = try Safetensors(contentsOf: path)
    guard let version = file.metadata[Key.version] else {
      throw ModelFileError(file: path, reason: .notAModel)
    }
    guard version == Self.formatVersion else {
      throw ModelFileError(
        file: path, reason: .version(found: version, supported: Self.formatVersion))
    }
    let transform = try Self.decode(FeatureTransform.self, Key.transform, file)
    let encoder = try Self.decode(TableEncoder.self, Key.encoder, file)
    let target = try Self.decode(TargetEncoder.self, Key.target, file)
    let record = try Self.decode(TrainingRecord.self, Key.record, file)
    let predictor = try Self.predictor(file, inputs: transform.outputCount, record: record)
    guard encoder.featureCount == transform.inputCount else {
      throw Self.inconsistent(
        file, "\(encoder.featureCount) features for a transform of \(transform.inputCount)")
    }
    let single = target.labels.count <= 2
    guard
      predictor.outputCount == target.outputCount || (single && predictor.outputCount == 1)
    else {
      throw Self.inconsistent(
        file, "\(predictor.outputCount) outputs for \(target.outputCount) classes")
    }
    self.init(
      encoder: encoder, transform: transform, target: target, predictor: predictor, record: record)
  }

  private static func predictor(
    _ file: Safetensors, inputs: Int, record: TrainingRecord
  ) throws -> Predictor {
    let layout = try decode(NetworkLayout.self, Key.network, file)
    let weights = try file.matrix("fc1.weight", columns: inputs)
    let m = weights.rows
    let outputs = try file.matrix("fc2.weight", columns: m).transposed(packedSingleColumn: true)
    let biases = try file.floats("fc1.bias", shape: [m])
    let offsets = try file.floats("fc2.bias", shape: [outputs.columns])
    guard layout.threshold.isFinite, biases.allSatisfy({ $0 == -layout.threshold }) else {
      throw inconsistent(file, "fc1.bias is not the negative threshold \(layout.threshold)")
    }
    guard offsets.allSatisfy({ $0 == 0 }) else { throw inconsistent(file, "fc2.bias is not zero") }
    guard
      layout.shards.count >= 2, layout.shards.first == 0, layout.shards.last == m,
      zip(layout.shards, layout.shards.dropFirst()).allSatisfy(<=)
    else { throw inconsistent(file, "the shards \(layout.shards) do not cut \(m) neurons") }
    var latent: Predictor.LatentPart?
    if let scale = layout.latentScale {
      let neurons = try file.int64s("neurons", shape: [m]).map { Int($0) }
      guard scale.isFinite, neurons.allSatisfy({ $0 >= 0 && $0 < record.network.width }) else {
        throw inconsistent(file, "the neurons are not of a network of \(record.network.width)")
      }
      latent = .init(
        initial: try record.network.makeInitialNetwork(
          dimension: inputs, outputCount: outputs.columns),
        materialized: neurons, outputScale: scale)
    }
    return Predictor(
      weights: weights, outputs: outputs, threshold: layout.threshold, factor: 1,
      shards: layout.shards, latent: latent)
  }

  // MARK: Metadata

  private static func json(_ value: some Encodable) throws -> String {
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
        file: file.name, reason: .metadata(key: key, problem: "cannot be read: \(error)"))
    }
  }

  private static func inconsistent(_ file: Safetensors, _ problem: String) -> ModelFileError {
    ModelFileError(file: file.name, reason: .inconsistent(problem))
  }
}
