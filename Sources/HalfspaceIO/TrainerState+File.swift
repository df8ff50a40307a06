// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg
public import HalfspaceNN

// A checkpoint is a safetensors file:
//
//     neurons             [M]     I64: numbers in the initial network
//     shards              [S]     I64: offsets
//     hidden.rows         [M, d]  the first layer, without the factor of weight decay
//     hidden.optimizer.k  [M, d]  k-th matrix of the optimizer
//     hidden.average      [M, d]  sum of the running average, while there is one
//     output.rows, output.optimizer.k, output.average  [M, C]
//     best.hidden, best.output    what early stopping returns to, once there is something
//
// The metadata hold, as JSON, the settings, the data's fingerprint, counts and scalars, where there is
// one a note, and a checksum of everything.
extension TrainerState {
  /// Version of the file format.
  static let formatVersion = "1"

  /// What stands beside the rows.
  private struct Scalars: Codable {
    struct Best: Codable {
      var loss: Double
      var epoch: Int
      var decay: Double
      var outputDecay: Double
    }

    var decay: Double
    var outputDecay: Double
    var best: Best?
  }

  /// Writes the state to `path`; the file appears all at once. Equal states give equal bytes.
  /// O(M (d + C)).
  ///
  /// - Throws: `SafetensorsError` with the path and the reason.
  public func save(to path: String) throws { try file().write(to: path) }

  /// The contents of the checkpoint's file. O(M (d + C)).
  public func file() throws -> Safetensors {
    let best = best.map {
      Scalars.Best(
        loss: $0.loss, epoch: $0.epoch, decay: $0.iterates.decay,
        outputDecay: $0.iterates.outputDecay)
    }
    var file = Safetensors(metadata: [
      CheckpointKey.version: Self.formatVersion,
      CheckpointKey.network: try Self.json(network),
      CheckpointKey.training: try Self.json(training),
      CheckpointKey.data: try Self.json(data),
      CheckpointKey.counts: try Self.json(counts),
      CheckpointKey.scalars: try Self.json(
        Scalars(decay: hidden.decay, outputDecay: output.decay, best: best)),
    ])
    file.metadata[CheckpointKey.note] = note
    file.set(neurons.map(Int64.init), shape: [neurons.count], for: "neurons")
    file.set(shards.map(Int64.init), shape: [shards.count], for: "shards")
    for (layer, name) in [(hidden, "hidden"), (output, "output")] {
      file.set(layer.rows, for: "\(name).rows")
      for (k, matrix) in layer.optimizer.enumerated() {
        file.set(matrix, for: "\(name).optimizer.\(k)")
      }
      if let sum = layer.averageSum { file.set(sum, for: "\(name).average") }
    }
    if let best = self.best {
      file.set(best.iterates.weights, for: "best.hidden")
      file.set(best.iterates.outputs, for: "best.output")
    }
    file.metadata[CheckpointKey.checksum] = Self.checksum(file)
    return file
  }

  /// Reads the state in the file at `path`. O(bytes).
  ///
  /// - Throws: `SafetensorsError` or `CheckpointError`: whatever is not a complete, undamaged and
  ///   consistent checkpoint is refused.
  public init(contentsOf path: String) throws {
    try self.init(file: try Safetensors(contentsOf: path))
  }

  /// The state in the given file. Throws as `init(contentsOf:)`.
  public init(file: Safetensors) throws {
    guard let version = file.metadata[CheckpointKey.version] else {
      throw CheckpointError(path: file.name, reason: .notACheckpoint)
    }
    guard version == Self.formatVersion else {
      throw CheckpointError(
        path: file.name, reason: .version(found: version, supported: Self.formatVersion))
    }
    guard file.metadata[CheckpointKey.checksum] == Self.checksum(file) else {
      throw Self.damaged(file, "its checksum is not that of its contents")
    }
    let scalars = try Self.decode(Scalars.self, CheckpointKey.scalars, file)
    let neurons = try file.int64s("neurons", shape: [nil]).map { Int($0) }
    let hidden = try Self.layer("hidden", rows: neurons.count, decay: scalars.decay, file)
    let output = try Self.layer("output", rows: neurons.count, decay: scalars.outputDecay, file)
    self.init(
      network: try Self.decode(NetworkConfiguration.self, CheckpointKey.network, file),
      training: try Self.decode(TrainingConfiguration.self, CheckpointKey.training, file),
      data: try Self.decode(DataFingerprint.self, CheckpointKey.data, file),
      neurons: neurons, shards: try file.int64s("shards", shape: [nil]).map { Int($0) },
      hidden: hidden, output: output, best: try scalars.best.map { try Self.best($0, file) },
      counts: try Self.decode(Counts.self, CheckpointKey.counts, file),
      note: file.metadata[CheckpointKey.note])
    do throws(ConfigurationError) {
      try validate()
    } catch {
      if case .unusableState(let problem) = error { throw Self.damaged(file, problem) }
      throw error
    }
  }

  private static func layer(
    _ name: String, rows: Int, decay: Double, _ file: Safetensors
  ) throws -> Layer {
    func matrix(_ part: String) throws -> Matrix {
      try file.matrix("\(name).\(part)", rows: rows, packedSingleColumn: name == "output")
    }
    var optimizer: [Matrix] = []
    while file.tensors["\(name).optimizer.\(optimizer.count)"] != nil {
      optimizer.append(try matrix("optimizer.\(optimizer.count)"))
    }
    let hasAverage = file.tensors["\(name).average"] != nil
    return Layer(
      rows: try matrix("rows"), decay: decay, optimizer: optimizer,
      averageSum: hasAverage ? try matrix("average") : nil)
  }

  private static func best(_ best: Scalars.Best, _ file: Safetensors) throws -> BestIterates {
    BestIterates(
      loss: best.loss, epoch: best.epoch,
      iterates: Iterates(
        weights: try file.matrix("best.hidden"), decay: best.decay,
        outputs: try file.matrix("best.output", packedSingleColumn: true),
        outputDecay: best.outputDecay))
  }

  // MARK: Metadata

  private static func checksum(_ file: Safetensors) -> String {
    String(file.checksum(leavingOut: CheckpointKey.checksum), radix: 16)
  }

  private static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // A validation loss may overflow and come back.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  private static func decode<T: Decodable>(
    _ type: T.Type, _ key: String, _ file: Safetensors
  ) throws -> T {
    guard let text = file.metadata[key] else {
      throw damaged(file, "its metadata \"\(key)\" is missing")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(type, from: Data(text.utf8))
    } catch {
      throw damaged(file, "its metadata \"\(key)\" \(DecodingError.problem(error))")
    }
  }

  private static func damaged(_ file: Safetensors, _ problem: String) -> CheckpointError {
    CheckpointError(path: file.name, reason: .damaged(problem))
  }
}
