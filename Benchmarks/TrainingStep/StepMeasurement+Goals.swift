// SPDX-License-Identifier: Apache-2.0
import _HalfspaceBenchmark
import _HalfspaceReport

extension StepMeasurement {
  /// A workload late in training, how many times as fast as its dense step a step is to be, and how many
  /// times as long as the oracle's at most.
  private struct Aim {
    let workload: String
    let m: Int
    let batch: Int
    let dense: Double
    let oracle: Double
  }

  private static let aims = [
    Aim(workload: "letter", m: 32_768, batch: 64, dense: 80, oracle: 1.6),
    Aim(workload: "letter", m: 32_768, batch: 1, dense: 300, oracle: 2),
    Aim(workload: "letter", m: 262_144, batch: 64, dense: 300, oracle: 1.6),
    Aim(workload: "16 inputs", m: 1_000_000, batch: 64, dense: 25, oracle: 2),
    Aim(workload: "512 inputs", m: 32_768, batch: 512, dense: 8, oracle: 2),
    Aim(workload: "784 inputs, low rank", m: 65_536, batch: 128, dense: 20, oracle: 2.5),
  ]

  /// The fastest strategy of every aim that was measured.
  private static func best(_ rows: [StepMeasurement]) -> [(aim: Aim, row: StepMeasurement)] {
    aims.compactMap { aim in
      rows.filter {
        $0.workload == aim.workload && $0.m == aim.m && $0.batch == aim.batch && $0.phase == "late"
      }.min { $0.stepSeconds < $1.stepSeconds }.map { (aim, $0) }
    }
  }

  /// What the steps that the aims are about would take at the processor's limits.
  static func bounds(_ rows: [StepMeasurement]) -> String {
    StepBounds(peak: .measured()).section(best(rows).map { ($0.row, $0.aim.dense) })
  }

  /// What the figures of the full run are to show.
  static func goals(_ rows: [StepMeasurement], sweep: [StepMeasurement]) -> [Goal] {
    var goals: [Goal] = []
    for (aim, best) in best(rows) {
      let text =
        "\(aim.workload), m = \(Format.count(aim.m)), batch \(aim.batch), \(best.strategy)"
      if let ratio = best.againstDense {
        goals.append(Goal("\(text): faster than dense", ratio, atLeast: aim.dense))
      }
      goals.append(
        Goal("\(text): time of the oracle step", best.againstOracle, atMost: aim.oracle))
    }
    for name in Set(sweep.map(\.workload)).sorted() {
      let times = sweep.filter { $0.workload == name }.map(\.stepSeconds)
      guard let least = times.min(), let most = times.max() else { continue }
      goals.append(
        Goal("\(name): slowest width against the fastest", most / least, atMost: 2))
    }
    return goals
  }
}
