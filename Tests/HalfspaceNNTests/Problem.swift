// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Training rows with targets, and rows that no test trains on.
struct Problem {
  var inputs: Matrix
  var targets: Targets
  var unseen: Matrix

  /// Unit rows in clouds, one per class.
  static func classes(
    _ classes: Int, rows: Int, dimension: Int, seed: UInt64 = 1
  ) -> Problem {
    let data = TestData.clusters(
      rows: rows, dimension: dimension, classes: classes, seed: seed)
    return Problem(
      inputs: data.inputs, targets: .classes(data.labels, count: classes),
      unseen: TestData.unitRows(70, dimension, seed: seed + 1000))
  }

  /// Unit rows with `outputs` smooth real targets each.
  static func values(
    _ outputs: Int, rows: Int, dimension: Int, seed: UInt64 = 1
  ) -> Problem {
    let inputs = TestData.unitRows(rows, dimension, seed: seed)
    let directions = TestData.gaussian(outputs, dimension, seed: seed + 2000)
    let targets = inputs.canonicalProduct(with: directions)
    return Problem(
      inputs: inputs, targets: .values(targets),
      unseen: TestData.unitRows(70, dimension, seed: seed + 1000))
  }

  /// Unit rows with 0/1 targets.
  static func labels(
    _ outputs: Int, rows: Int, dimension: Int, seed: UInt64 = 1
  ) -> Problem {
    var problem = values(outputs, rows: rows, dimension: dimension, seed: seed)
    let labels = Matrix(rows: rows, columns: outputs)
    for r in 0..<rows {
      for c in 0..<outputs { labels[r, c] = problem.targets.matrix![r, c] > 0 ? 1 : 0 }
    }
    problem.targets = .values(labels)
    return problem
  }

  func trainer(
    _ network: NetworkConfiguration, _ training: TrainingConfiguration
  ) throws -> Trainer {
    try Trainer(inputs: inputs, targets: targets, network: network, training: training)
  }
}

extension MaterializedNetwork {
  /// Whether both networks have the same stored rows, bit for bit, in the same order.
  func isIdentical(to other: MaterializedNetwork) -> Bool {
    neurons == other.neurons && weights.isIdentical(to: other.weights)
      && outputs.isIdentical(to: other.outputs) && shards == other.shards
      && decay == other.decay && outputDecay == other.outputDecay
  }
}
