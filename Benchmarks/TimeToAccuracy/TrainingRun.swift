// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

/// Trains a network by the default settings and watches the score on the test rows. The clock
/// stands still while it is being watched.
struct TrainingRun {
  let problem: TableProblem
  let strategy: Strategy
  let seed: Int

  func curve() throws -> Curve {
    let recipe = problem.recipe
    let start = MonotonicClock.now
    let trainer = try Trainer(
      inputs: problem.training.inputs, targets: problem.training.targets, network: recipe.network,
      training: strategy.configuration(recipe.training))
    let preparation = MonotonicClock.now - start
    var watching = 0.0
    var points: [Curve.Point] = []
    try trainer.run { _ in
      let pause = MonotonicClock.now
      points.append(
        .init(
          seconds: pause - start - watching,
          score: score(trainer.predictor().scores(for: problem.test.inputs))))
      watching += MonotonicClock.now - pause
      return .proceed
    }
    let predictor = trainer.predictor()
    return Curve(
      problem: problem.name, method: "Halfspace, \(strategy.name)", seed: seed,
      settings: "\(recipe.network.width) neurons, \(trainer.network.count) stored, "
        + "\(recipe.training.epochs) epochs, batch \(recipe.training.batchSize)",
      points: points, preparationSeconds: preparation,
      predictionSeconds: secondsAlone(predictor),
      batchPredictionSeconds: secondsInBatch(predictor),
      modelBytes: 4 * predictor.count * (predictor.dimension + predictor.outputCount))
  }

  /// Accuracy, or the coefficient of determination.
  private func score(_ scores: Matrix) -> Double {
    switch problem.test.targets {
    case .classes(let classes, _):
      let predicted = (0..<scores.rows).map { row -> Int32 in
        let values = scores.rowArray(row)
        return Int32(values.indices.max { values[$0] < values[$1] } ?? 0)
      }
      return Metrics.accuracy(predicted: predicted, expected: classes)
    case .labelSets: preconditionFailure("no workload has sets of labels")
    case .values(let values):
      return Metrics.coefficientOfDetermination(
        predicted: (0..<scores.rows).map { Double(scores[$0, 0]) },
        expected: (0..<scores.rows).map { Double(values[$0, 0]) })
    }
  }

  private func secondsAlone(_ predictor: Predictor) -> Double {
    let inputs = problem.test.inputs
    let rows = (0..<min(200, inputs.rows)).map { inputs.gather([$0]) }
    var next = 0
    return Timing.measure(TimingPlan(warmUp: 0.02, samples: 9, budget: 0.2)) {
      blackHole(predictor.scores(for: rows[next]))
      next = (next + 1) % rows.count
    }.median
  }

  private func secondsInBatch(_ predictor: Predictor) -> Double {
    let inputs = problem.test.inputs
    return Timing.measure(TimingPlan(warmUp: 0.02, samples: 9, budget: 0.2)) {
      blackHole(predictor.scores(for: inputs))
    }.median / Double(inputs.rows)
  }
}
