// SPDX-License-Identifier: Apache-2.0
import _HalfspaceBenchmark
import _HalfspaceReport

extension StepMeasurement {
  /// What the figures of the full run are to show.
  static func goals(_ rows: [StepMeasurement], sweep: [StepMeasurement]) -> [Goal] {
    var goals: [Goal] = []
    func add(_ name: String, m: Int, batch: Int, dense: Double, oracle: Double) {
      let late = rows.filter {
        $0.workload == name && $0.m == m && $0.batch == batch && $0.phase == "late"
      }
      guard let best = late.min(by: { $0.stepSeconds < $1.stepSeconds }) else { return }
      let text = "\(name), m = \(Format.count(m)), batch \(batch), \(best.strategy)"
      if let ratio = best.againstDense {
        goals.append(Goal("\(text): faster than dense", ratio, atLeast: dense))
      }
      goals.append(Goal("\(text): time of the oracle step", best.againstOracle, atMost: oracle))
    }
    add("letter", m: 32_768, batch: 64, dense: 80, oracle: 1.6)
    add("letter", m: 32_768, batch: 1, dense: 300, oracle: 2)
    add("letter", m: 262_144, batch: 64, dense: 300, oracle: 1.6)
    add("16 inputs", m: 1_000_000, batch: 64, dense: 25, oracle: 2)
    add("512 inputs", m: 32_768, batch: 512, dense: 8, oracle: 2)
    add("784 inputs, low rank", m: 65_536, batch: 128, dense: 20, oracle: 2.5)
    for name in Set(sweep.map(\.workload)).sorted() {
      let times = sweep.filter { $0.workload == name }.map(\.stepSeconds)
      guard let least = times.min(), let most = times.max() else { continue }
      goals.append(
        Goal("\(name): slowest width against the fastest", most / least, atMost: 2))
    }
    return goals
  }
}
