// SPDX-License-Identifier: Apache-2.0
//
// The claims of the theory of wide shifted-ReLU networks, put to the test on real networks.
//
//   Convergence [results folder] [experiments, such as C7 C14]
//
//   QUICK=1               few seeds and short runs
//   HALFSPACE_DATA=...    folder with letter.csv; without it that plan is left out
//
// Writes convergence.md, convergence.json and a picture for each experiment.
import Foundation
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

let run = BenchmarkRun(threads: ThreadCount.available)
let setup = Setup(isQuick: run.isQuick, threads: ThreadCount.available, data: run.data)
let experiments: [any Experiment] = [
  FiringProbability(), FiringGrowth(), KernelConcentration(), StepsLaw(), NormLaw(), WidthLaw(),
  PlanSufficiency(), DriftLaw(), StaticIndexRun(), QueryExponent(), CandidateCaching(),
  DegreeTradeOff(), StepScaling(), DataPlan(),
]
let chosen = Set(CommandLine.arguments.dropFirst(2))
let unknown = chosen.subtracting(experiments.map(\.id))
guard unknown.isEmpty else {
  run.fail(
    "there is no experiment \(unknown.sorted().joined(separator: ", ")); there are "
      + experiments.map(\.id).joined(separator: ", "))
}

var report = Report()
for experiment in experiments where chosen.isEmpty || chosen.contains(experiment.id) {
  run.note("\(experiment.id): \(experiment.title)")
  let start = MonotonicClock.now
  do {
    let outcome = try experiment.run(setup)
    report.append(experiment, outcome, seconds: MonotonicClock.now - start)
    for finding in outcome.findings {
      run.note("  \(finding.quantity): \(finding.measured), \(finding.verdict)")
    }
    run.note("  \(Format.duration(MonotonicClock.now - start))")
  } catch {
    run.fail("\(experiment.id): \(error)")
  }
}

do {
  let text = report.text(machine: run.machine, isQuick: run.isQuick)
  print(text)
  run.write(
    [
      ("convergence.md", text),
      ("convergence.json", try report.json(header: run.header("convergence"))),
    ] + report.pictures)
} catch {
  run.fail("\(error)")
}
