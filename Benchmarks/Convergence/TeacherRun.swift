// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace

/// A network in training on a teacher's labels, each row seen once: the setting of the theory.
///
/// Inputs are uniform on the sphere, labels carry Gaussian noise, the loss is the absolute one.
/// What is trained is the package's own network by the package's own trainer, nothing linearized.
final class TeacherRun {
  struct Settings: Sendable {
    var dimension = 8
    var width = 1 << 14
    var threshold = 1.0
    var outputScale = 1.0
    /// Rows, and steps of one row each.
    var steps = 1 << 14
    /// Step size in units of `V = B (W - W0)`; nil: `M / sqrt(Q T)`.
    var stepSize: Double?
    var noise = 0.3
    var lookup = LookupStrategy.staticIndex
    var seed: UInt64 = 1

    var firingProbability: Double { GaussianTail.probability(above: threshold) }

    /// `M / (B sqrt m)`: the unit of displacements.
    func drift(norm: Double) -> Double { norm / (outputScale * Double(width).squareRoot()) }

    /// How far rows are expected to move.
    func forecast(norm: Double) -> DriftForecast {
      DriftForecast(
        norm: norm, width: width, threshold: threshold, outputScale: outputScale,
        concentration: 1 / Double(dimension))
    }
  }

  let settings: Settings
  let teacher: Teacher
  let trainer: Trainer
  private let start: Matrix
  private let test: Matrix
  private let truth: [Double]

  init(_ teacher: Teacher, _ settings: Settings) throws {
    self.settings = settings
    self.teacher = teacher
    let noise = LabelNoise(deviation: settings.noise)
    let inputs = UnitSphere.points(
      settings.steps, dimension: settings.dimension, seed: settings.seed &+ 1000)
    let labels = zip(
      teacher.values(inputs), noise.values(settings.steps, seed: settings.seed &+ 2000)
    ).map { [Float($0 + $1)] }
    let step =
      settings.stepSize
      ?? teacher.norm / (settings.firingProbability * Double(settings.steps)).squareRoot()
    trainer = try Trainer(
      inputs: inputs, targets: .values(Matrix(labels)),
      network: NetworkConfiguration(
        width: settings.width, threshold: .value(Float(settings.threshold)), rows: .gaussian,
        outputs: .symmetricPairs(.signs), trainsOutputs: false, seed: settings.seed &+ 3000,
        outputScale: settings.outputScale),
      training: TrainingConfiguration(
        loss: .absolute, epochs: 1, batchSize: 1,
        learningRate: step / (settings.outputScale * settings.outputScale), schedule: .constant,
        shuffles: false, lookup: settings.lookup,
        indexMargin: teacher.norm.isFinite ? settings.forecast(norm: teacher.norm).largest : nil))
    start = trainer.network.weights.copy()
    test = Self.testRows(settings)
    truth = teacher.values(test)
  }

  /// Takes steps up to the given number in all.
  func advance(to step: Int) {
    let rows = Array(trainer.stepCount..<max(step, trainer.stepCount))
    for row in rows.indices { trainer.takeStep(rows[row...row]) }
  }

  // MARK: Excess

  /// Expected excess of the absolute loss over the teacher's, of the network as it is.
  var excess: Double {
    let scores = trainer.predictor().scores(for: test)
    return excess(of: (0..<test.rows).map { Double(scores[$0, 0]) })
  }

  /// The same of a network that says 0.
  var excessOfNothing: Double { Self.excessOfNothing(teacher, settings) }

  private func excess(of scores: [Double]) -> Double {
    let noise = LabelNoise(deviation: settings.noise)
    return Statistics.mean(zip(scores, truth).map { noise.absoluteExcess(error: $0 - $1) })
  }

  /// The excess of a network that says 0, without making one.
  static func excessOfNothing(_ teacher: Teacher, _ settings: Settings) -> Double {
    let noise = LabelNoise(deviation: settings.noise)
    return Statistics.mean(teacher.values(testRows(settings)).map(noise.absoluteExcess))
  }

  private static func testRows(_ settings: Settings) -> Matrix {
    UnitSphere.points(400, dimension: settings.dimension, seed: settings.seed &+ 4000)
  }

  /// Excess at `count` steps in even distances over the whole run.
  func excesses(_ count: Int) -> [Double] {
    (0..<count).map { k in
      advance(to: settings.steps * (2 * k + 1) / (2 * count))
      return excess
    }
  }

  /// The first step t at which the mean excess over `t / 2 ... t` is at most `limit`, looked at
  /// with every growth of t by a fifth; nil when the steps do not suffice.
  func stepsToReach(_ limit: Double) -> Int? {
    var seen: [(step: Int, excess: Double)] = []
    var next = 8.0
    while Int(next) <= settings.steps {
      advance(to: Int(next))
      seen.append((Int(next), excess))
      let window = seen.filter { 2 * $0.step >= Int(next) }.map(\.excess)
      if window.count > 3, Statistics.mean(window) <= limit { return Int(next) }
      next = max(next + 1, next * 1.2)
    }
    return nil
  }

  // MARK: Drift

  /// How far rows are from where they started, the mean over all neurons and the largest; those
  /// that are not stored have not moved.
  var drift: (mean: Double, largest: Double) {
    let weights = trainer.network.weights
    var (sum, largest) = (0.0, 0.0)
    for r in 0..<trainer.network.count {
      let square = zip(weights.rowArray(r), start.rowArray(r)).reduce(0.0) {
        let difference = Double($1.0) - Double($1.1)
        return $0 + difference * difference
      }
      sum += square.squareRoot()
      largest = max(largest, square.squareRoot())
    }
    return (sum / Double(settings.width), largest)
  }
}
