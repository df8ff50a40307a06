// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing

@testable import HalfspaceIO

/// Models written to files and read again.
@Suite struct ModelFileTests {
  /// One way to make a model.
  struct Kind: Sendable, CustomTestStringConvertible {
    var outputs: InitialOutputs
    var trainsOutputs = true
    var rows: NetworkConfiguration.Rows = .productGrid()
    var weightDecay = 0.0

    var testDescription: String {
      "\(outputs), \(rows)\(trainsOutputs ? "" : ", fixed"), decay \(weightDecay)"
    }

    static let all: [Kind] = [
      Kind(outputs: .zero), Kind(outputs: .zero, rows: .gaussian, weightDecay: 0.001),
      Kind(outputs: .symmetricPairs()),
      Kind(outputs: .symmetricPairs(.signs), trainsOutputs: false),
      Kind(outputs: .independent()), Kind(outputs: .independent(.signs), rows: .gaussian),
      Kind(outputs: .independent(), trainsOutputs: false, weightDecay: 0.001),
    ]

    func model(of table: Table) throws -> TabularModel {
      var options = TrainingOptions()
      options.width = 128
      options.threshold = .value(1.2)
      options.outputs = outputs
      options.trainsOutputs = trainsOutputs
      options.rows = rows
      options.weightDecay = weightDecay
      options.learningRate = 1
      options.epochs = 2
      options.threads = 1
      let target = table.columnNames[table.columnNames.count - 1]
      return try TabularModel.train(on: table, target: target, options: options).model
    }
  }

  static let tables = [SampleTable.classification(), SampleTable.regression()]

  @Test(arguments: Kind.all)
  func `a model read again scores bit for bit as the one written`(kind: Kind) throws {
    let folder = TemporaryFolder()
    for table in Self.tables {
      let model = try kind.model(of: table)
      let path = folder.file("model")
      try model.save(to: path)
      let read = try TabularModel(contentsOf: path)
      // Rows that training never saw are where latent neurons fire.
      let strangers =
        table["y"] == nil
        ? SampleTable.classification(rows: 200, seed: 7)
        : SampleTable.regression(rows: 200, seed: 7)
      let scores = try model.scores(for: strangers)
      #expect(try read.scores(for: strangers, threads: 2).isIdentical(to: scores))
      #expect(try read.predict(strangers) == (try model.predict(strangers)))
      #expect(read.record == model.record && read.target == model.target)
      #expect(read.encoder == model.encoder && read.transform == model.transform)
      #expect(read.predictor.factor == 1)
      #expect((read.predictor.latent == nil) == (model.predictor.latent == nil))
    }
  }

  @Test(arguments: Kind.all)
  func `equal models give equal bytes, and a file read again is written again`(kind: Kind) throws {
    for table in Self.tables {
      let bytes = try kind.model(of: table).file().encoded()
      #expect(try kind.model(of: table).file().encoded() == bytes)
      let read = try TabularModel(file: Safetensors(bytes, name: "m"))
      #expect(try read.file().encoded() == bytes)
    }
  }

  @Test func `latent neurons have a say in independent networks only`() throws {
    for kind in Kind.all {
      let file = try kind.model(of: SampleTable.classification()).file()
      let isIndependent = kind.outputs == .independent() || kind.outputs == .independent(.signs)
      #expect((file.tensors["neurons"] != nil) == isIndependent)
    }
    // Without the latent part the scores would differ: the part is not there for show.
    let model = try Kind(outputs: .independent()).model(of: SampleTable.classification())
    let stored = model.predictor
    let without = Predictor(
      weights: stored.weights, outputs: stored.outputs, threshold: stored.threshold,
      factor: stored.factor, shards: stored.shards)
    let strangers = SampleTable.classification(rows: 200, seed: 7)
    let inputs = try model.transform.apply(to: try model.encoder.encode(strangers))
    #expect(!stored.scores(for: inputs).isIdentical(to: without.scores(for: inputs)))
  }

  @Test func `tensors are those of two linear layers with a ReLU between them`() throws {
    for table in Self.tables {
      let model = try Kind(outputs: .zero).model(of: table)
      let file = try model.file()
      let (m, d, c) = (
        model.predictor.count, model.predictor.dimension, model.predictor.outputCount
      )
      #expect(
        file.tensors.mapValues(\.shape) == [
          "fc1.weight": [m, d], "fc1.bias": [m], "fc2.weight": [c, m], "fc2.bias": [c],
        ])
      let inputs = try model.transform.apply(to: try model.encoder.encode(table))
      let scores = model.predictor.scores(for: inputs)
      let plain = try PlainNetwork(file).scores(for: inputs)
      let largest = plain.joined().map(\.magnitude).max() ?? 0
      #expect(largest > 0)
      for row in 0..<inputs.rows {
        for column in 0..<c {
          #expect(abs(Double(scores[row, column]) - plain[row][column]) <= 1e-5 * largest)
        }
      }
    }
  }

  @Test func `a header is what holds the model's columns`() throws {
    let folder = TemporaryFolder()
    let path = folder.file("t.csv")
    // Names that count up and are numbers: nothing but the model can tell them from values.
    let named = try Table(
      csv: "1,2,y\n" + (0..<40).map { "\($0 % 5),\($0 % 3),\($0 % 2)\n" }.joined(), name: "named",
      options: .init(hasHeader: true))
    let model = try Kind(outputs: .zero).model(of: named)
    try AtomicFile.write("2,1\n3,4\n", to: path)
    #expect(try model.readTable(contentsOf: path).columnNames == ["2", "1"])
    #expect(try model.predict(model.readTable(contentsOf: path)).texts.count == 1)
    // No header, as the names are not there: columns count by position, the target may lack.
    try AtomicFile.write("3,4\n1,2\n5,6\n", to: path)
    #expect(try model.predict(model.readTable(contentsOf: path)).texts.count == 3)

    let texts = (0..<40).map { "\(["a", "b"][$0 % 2]),\(["c", "d", "e"][$0 % 3])\n" }.joined()
    let nameless = try Table(csv: texts, name: "nameless", options: .init(hasHeader: false))
    let other = try Kind(outputs: .zero).model(of: nameless)
    // A row of its own looks like a header, but the model never had one.
    try AtomicFile.write("b\n", to: path)
    #expect(try other.predict(other.readTable(contentsOf: path)).texts.count == 1)
  }
}

/// relu(x fc1.weightᵀ + fc1.bias) fc2.weightᵀ + fc2.bias in Double, from the tensors alone.
struct PlainNetwork {
  private let hidden: (weight: Matrix, bias: [Float])
  private let output: (weight: Matrix, bias: [Float])

  init(_ file: Safetensors) throws {
    hidden = (try file.matrix("fc1.weight"), try file.floats("fc1.bias"))
    output = (try file.matrix("fc2.weight"), try file.floats("fc2.bias"))
  }

  func scores(for inputs: Matrix) -> [[Double]] {
    (0..<inputs.rows).map { row in
      let x = inputs.rowArray(row)
      let h = hidden.bias.indices.map {
        max(0, dot(hidden.weight.rowArray($0), x) + Double(hidden.bias[$0]))
      }
      return output.bias.indices.map { c in
        zip(output.weight.rowArray(c), h).reduce(Double(output.bias[c])) {
          $0 + Double($1.0) * $1.1
        }
      }
    }
  }

  private func dot(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
