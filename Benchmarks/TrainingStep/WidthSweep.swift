// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

/// The time of a step against the width, the expected number of firing neurons fixed.
enum WidthSweep {
  static func measurements(
    _ workload: Workload, exponents: [Int], plan: TimingPlan,
    denseMemory: Int, note: (String) -> Void
  ) throws -> [StepMeasurement] {
    try exponents.map { exponent in
      var wide = workload
      wide.network.width = 1 << exponent
      note("\(wide.name), m = 2^\(exponent)")
      let contest = StepContest(
        workload: wide, strategies: [.automatic], plan: plan,
        comparesDense: DenseStep.memory(wide) <= denseMemory)
      return try contest.measurements()[1]
    }
  }

  static func chart(_ rows: [StepMeasurement], subtitle: String) -> LineChart {
    func points(_ value: (StepMeasurement) -> Double?) -> [LineChart.Point] {
      rows.compactMap { row in value(row).map { .init(Double(row.m), $0) } }
    }
    return LineChart(
      title: "A training step against the width, 64 neurons firing on a row", subtitle: subtitle,
      x: ChartAxis("neurons", scale: .powersOfTwo, labels: .powers),
      y: ChartAxis("time per step", scale: .logarithmic, labels: .duration),
      series: [
        .init("dense step, OpenBLAS", points(\.denseSeconds)),
        .init("Halfspace", points { $0.stepSeconds }),
        .init("firing sets given", points { $0.oracleSeconds }, isReference: true),
      ])
  }
}
