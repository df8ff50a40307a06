// SPDX-License-Identifier: Apache-2.0
//
// How long does it take to train a model that is this good? Test accuracy (R² for numbers) against
// seconds of one thread, the static report included, by the defaults of `halfspace train`.
//
//   TimeToAccuracy [results folder [exchange folder]]
//   QUICK=1, HALFSPACE_DATA=folder in the environment
//
// With an exchange folder, the rows are written there for other programs, and the curves that they
// have left there join the report (`make bench-peers`).
import Foundation
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

let run = BenchmarkRun()
let seeds = run.isQuick ? 1 : 5

do {
  let tables: [(UInt64) throws -> TableProblem?] = [
    { try .digits(seed: $0) }, { try .letter(in: run.data, seed: $0) },
    { try .housing(in: run.data, seed: $0) },
  ]
  var problems: [TableProblem] = []
  var curves: [Curve] = []
  for table in tables {
    for seed in 1...seeds {
      guard let problem = try table(UInt64(seed)) else { break }
      if seed == 1 { problems.append(problem) }
      run.note("\(problem.name), seed \(seed)")
      for strategy in Strategy.all {
        curves.append(try TrainingRun(problem: problem, strategy: strategy, seed: seed).curve())
      }
    }
  }
  if let path = CommandLine.arguments.dropFirst(2).first {
    let exchange = Exchange(folder: URL(fileURLWithPath: path, isDirectory: true))
    try exchange.write(problems)
    curves += try exchange.read()
  }

  var text = """
    # Time to accuracy

    \(run.machine.summary) · \(run.machine.date)

    One thread, \(seeds == 1 ? "one seed" : "\(seeds) seeds"). Seconds include all that is done with
    the training rows once they are numbers, for Halfspace the static report. *Alone*: one row asked
    for by itself; *in batch*: per row, all test rows at once. Test rows are a fifth of the table, the
    same ones for every method.

    """
  var files: [(name: String, text: String)] = []
  for problem in problems {
    let mine = curves.filter { $0.problem == problem.name }
    text += "\n## \(problem.name)\n\n\(Summary.table(mine, of: problem))\n"
    let chart = Summary.chart(
      mine.filter { $0.seed == 1 }, of: problem, subtitle: "one thread, \(run.machine.processor)")
    files.append(("time-to-accuracy-\(problem.name).svg", chart.svg))
  }
  text += Goal.section(Summary.goals(curves))
  print(text)
  var json = run.header("time-to-accuracy")
  json["results"] = .array(curves.map(\.json))
  run.write(
    [
      ("time-to-accuracy.md", text), ("time-to-accuracy.json", try json.text() + "\n"),
      ("time-to-accuracy.csv", Summary.csv(curves)),
    ] + files)
} catch {
  run.fail("\(error)")
}
