// SPDX-License-Identifier: Apache-2.0
//
// What does a training step cost, part by part, beside the dense step of the same network with
// OpenBLAS and beside the oracle's, which is told which neurons fire? One thread each, early and
// late in training. And: how does the step grow with the width?
//
//   TrainingStep [results folder [workload [m batch strategy]]]
//                                              QUICK=1, HALFSPACE_DATA=folder in the environment
//   TrainingStep [results folder] threads [workload [batch [lookup]]]
//                                              one thread against two; needs two free processors
import Foundation
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

let run = BenchmarkRun()
let plan =
  run.isQuick
  ? TimingPlan(warmUp: 0.02, samples: 7, budget: 0.3, sampleDuration: 0.002)
  : TimingPlan(warmUp: 0.1, samples: 21, budget: 2, sampleDuration: 0.005)

/// The one workload asked for, or all, and what is wanted of it: a width, a batch size, a strategy.
let wanted = CommandLine.arguments.dropFirst(2).first
let details = CommandLine.arguments.dropFirst(3)

func isWanted(_ workload: Workload) -> Bool {
  (wanted == nil || workload.name == wanted)
    && (details.isEmpty
      || details.starts(with: ["\(workload.network.width)", "\(workload.batch)"]))
}

do {
  if wanted == "threads" {
    let name = CommandLine.arguments.dropFirst(3).first
    let batch = CommandLine.arguments.dropFirst(4).first
    let lookup = CommandLine.arguments.dropFirst(5).first.flatMap(LookupStrategy.init) ?? .automatic
    let workloads = try Workload.all(quick: run.isQuick, data: run.data).filter {
      (name == nil || $0.name == name) && (batch == nil || "\($0.batch)" == batch)
    }
    let (text, rows) = try ThreadContest.report(
      workloads, lookup: lookup, plan: plan,
      run: ("\(run.machine.summary) · \(run.machine.date)", run.note))
    print(text)
    var json = run.header("training-step-threads")
    json["results"] = rows
    run.write([
      ("training-step-threads.md", text), ("training-step-threads.json", try json.text() + "\n"),
    ])
    exit(0)
  }
  var rows: [StepMeasurement] = []
  for workload in try Workload.all(quick: run.isQuick, data: run.data)
  where isWanted(workload) {
    run.note(
      "\(workload.name), m = \(Format.count(workload.network.width)), batch \(workload.batch)")
    let one = details.dropFirst(2).first.map { [LookupStrategy(rawValue: $0) ?? .automatic] }
    let contest = StepContest(
      workload: workload, strategies: one ?? workload.strategies(quick: run.isQuick), plan: plan,
      comparesDense: true)
    rows += try contest.measurements()
  }

  let exponents = run.isQuick ? [16, 20, 24, 30] : Array(stride(from: 16, through: 30, by: 2))
  // Two gigabytes of dense network, and it would take seconds to step.
  let denseMemory = run.isQuick ? 1 << 28 : 1 << 31
  var sweeps = [Workload.digits(try .digits(), width: 1, epochs: 3)]
  if !run.isQuick, let letter = try TableProblem.letter(in: run.data) {
    var workload = Workload.letter(letter, width: 1, threshold: 0, epochs: 2)
    workload.network.threshold = .expectedFiring(64)
    sweeps.append(workload)
  }
  if wanted != nil { sweeps = [] }
  var files: [(name: String, text: String)] = []
  var sweepRows: [StepMeasurement] = []
  for workload in sweeps {
    let measured = try WidthSweep.measurements(
      workload, exponents: exponents, plan: plan, denseMemory: denseMemory, note: run.note)
    sweepRows += measured
    let subtitle =
      "\(workload.name), \(workload.inputs.rows) rows of \(workload.inputs.columns), batch "
      + "\(workload.batch), one thread, \(run.machine.processor)"
    files.append(
      (
        "training-step-width-\(workload.name).svg",
        WidthSweep.chart(measured, subtitle: subtitle).svg
      ))
  }

  func table(_ rows: [StepMeasurement]) -> String {
    var table = TextTable(columns: StepMeasurement.columns)
    for row in rows { table.append(row: row.cells) }
    return "\(table)"
  }
  let text = """
    # Training step

    \(run.machine.summary) · \(run.machine.date)

    One thread, medians. *Mean*: of all steps of the row, with what is done now and then, such as the
    refreshing of candidate lists. Steps know which rows follow, as in training. *Oracle*: the same
    kernels, told which neurons fire, on rows that were gathered before. *Dense*: the network of nominal
    width with five OpenBLAS products over tiles, in the faster of two layouts. *Stored*: neurons that
    fire on some training row; the others are at their initial weights and cost nothing. The static
    report that finds them, once per training row, is not in these figures.

    \(table(rows))

    ## Against the width

    Expected firing 64, late in training.

    \(table(sweepRows))
    \(Goal.section(StepMeasurement.goals(rows, sweep: sweepRows)))\(StepMeasurement.bounds(rows))
    """
  print(text)

  var json = run.header("training-step")
  json["results"] = .array(rows.map(\.json))
  json["widths"] = .array(sweepRows.map(\.json))
  run.write(
    [
      ("training-step.md", text), ("training-step.json", try json.text() + "\n"),
      ("training-step.csv", StepMeasurement.csv(rows + sweepRows)),
    ] + files)
  let wrong = (rows + sweepRows).reduce(0) { $0 + $1.mismatches }
  if wrong > 0 { run.fail("\(wrong) neurons differ from exhaustive computation") }
} catch {
  run.fail("\(error)")
}
