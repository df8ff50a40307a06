// SPDX-License-Identifier: Apache-2.0
//
// How much faster do several processes train one network? Strong scaling (the same network on 1, 2
// and 4 ranks) and weak scaling (as many neurons on each rank), the bytes that travel in a step, and
// a cost model that is compared with these figures and then asked about machines that are not here.
//
//   Scaling [results folder]      in a build with --traits MPI; it calls mpirun itself
//   QUICK=1 in the environment: fewer steps
//
// Every case ends with a checksum of the weights; if one differs from that of a single process, the
// program fails.
import Foundation
import Halfspace
import HalfspaceMPI
import _HalfspaceBenchmark
import _HalfspaceReport

if CommandLine.arguments.dropFirst().first == "--rank" {
  Runtime.setBLASThreads(1)
  do {
    let request = Data(CommandLine.arguments[2].utf8)
    let scaling = try JSONDecoder().decode(ScalingCase.self, from: request)
    let processes = try ProcessGroup.join()
    let result = try RankWork.measure(scaling, processes)
    if processes.rank == 0 {
      FileHandle.standardOutput.write(try JSONEncoder().encode(result))
    }
    ProcessGroup.leave()
    exit(0)
  } catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    ProcessGroup.abort(exitCode: 1)
  }
}

var run = BenchmarkRun()
guard ProcessGroup.isAvailable else {
  run.fail("this build is for one process; build with --traits MPI")
}
let cores = ProcessInfo.processInfo.activeProcessorCount
do {
  let launcher = Launcher(cores: cores)
  var results: [ScalingMeasurement] = []
  for scaling in ScalingCase.all(quick: run.isQuick, cores: cores) {
    run.note("\(scaling.kind.rawValue), \(scaling.lookup.rawValue), \(scaling.ranks) ranks")
    results.append(try launcher.run(scaling))
  }
  let summary = ScalingSummary(results: results, cores: cores)
  for (name, difference) in summary.differences { run.fail("\(name): \(difference)") }
  let text = """
    # Scaling over processes

    \(run.machine.summary) · \(run.machine.date)

    Open MPI, one thread for each rank, \(cores) processors. Points in 10 clouds, 64 coordinates,
    batches of 256. *Exchange* is what a rank spends on telling and hearing sums of shards, the waiting
    for others included; *bytes* are those one rank receives in a step.

    \(summary.text)
    """
  print(text)
  var json = run.header("scaling")
  json["results"] = .array(results.map { .object(summary.json($0)) })
  run.write([
    ("scaling.md", text), ("scaling.json", try json.text() + "\n"),
    ("scaling.svg", summary.chart.svg),
  ])
} catch {
  run.fail("\(error)")
}
