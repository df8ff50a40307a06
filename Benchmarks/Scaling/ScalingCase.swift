// SPDX-License-Identifier: Apache-2.0
import Halfspace

/// A network that so many processes train, and how.
struct ScalingCase: Codable {
  /// Whether the network is the same for all numbers of ranks, or has as many neurons on each.
  enum Kind: String, Codable {
    case strong
    case weak
  }

  var kind: Kind
  var ranks: Int
  var rows: Int
  var dimension: Int
  var classes: Int
  var width: Int
  /// Share of the neurons that fire on a row.
  var firing: Double
  var batch: Int
  var lookup: LookupStrategy
  /// Steps measured, after a few that are not.
  var steps: Int

  /// Points in clouds, one for each class.
  func problem() -> (inputs: Matrix, targets: Targets) {
    var generator = SeededGenerator(seed: 5)
    /// Nearly normal: the sum of twelve uniform numbers.
    func deviate() -> Float {
      (0..<12).reduce(-6) { sum, _ in sum + Float(generator.below(1 << 20)) / Float(1 << 20) }
    }
    let centers = (0..<classes).map { _ in (0..<dimension).map { _ in deviate() } }
    let inputs = Matrix(rows: rows, columns: dimension)
    let labels = (0..<rows).map { Int32($0 % classes) }
    for row in 0..<rows {
      let point = centers[Int(labels[row])].map { $0 + deviate() }
      let norm = point.reduce(0) { $0 + $1 * $1 }.squareRoot()
      inputs.setRow(row, to: point.map { $0 / norm })
    }
    return (inputs, .classes(labels, count: classes))
  }

  func trainer(_ communicator: any Communicator) throws -> Trainer {
    let (inputs, targets) = problem()
    return try Trainer(
      inputs: inputs, targets: targets,
      network: .init(width: width, threshold: .firingFraction(firing)),
      training: .init(
        loss: .softmaxCrossEntropy, epochs: 1000, batchSize: batch, learningRate: 1,
        schedule: .constant, lookup: lookup, threads: 1),
      communicator: communicator)
  }

  /// The cases of one run of the benchmark.
  static func all(quick: Bool, cores: Int) -> [ScalingCase] {
    let base = ScalingCase(
      kind: .strong, ranks: 1, rows: 4096, dimension: 64, classes: 10, width: 1 << 18,
      firing: 0.001, batch: 256, lookup: .dense, steps: quick ? 10 : 40)
    var cases: [ScalingCase] = []
    for lookup in [LookupStrategy.dense, .tiles, .candidateLists] {
      for ranks in [1, 2, 4] {
        var next = base
        next.lookup = lookup
        next.ranks = ranks
        cases.append(next)
      }
    }
    for ranks in [1, 2, 4] where ranks <= max(2, cores) {
      var next = base
      next.kind = .weak
      next.width = ranks << 17
      next.ranks = ranks
      cases.append(next)
    }
    return cases
  }
}
