// SPDX-License-Identifier: Apache-2.0
//
// How fast are the neurons found that fire on an unseen query? Brute force (as a scan and as a
// product), certified tiles and the product grid against plain sgemv in both orientations and
// plain sgemm, one thread each.
//
//   NeuronLookup [results folder]      QUICK=1 in the environment: a first look in a minute
//
// Every answer is compared, pair by pair and bit by bit, with exhaustive computation; any
// mismatch makes the program fail. Weights are those of a product grid, stored explicitly for
// everyone else: up to 1 GiB in both orientations.
import Foundation
import Halfspace
import _HalfspaceReport

let isQuick = ["1", "true", "yes"].contains(ProcessInfo.processInfo.environment["QUICK"] ?? "")
let folder = URL(
  fileURLWithPath: CommandLine.arguments.count > 1
    ? CommandLine.arguments[1] : "Benchmarks/Results", isDirectory: true)

let shapes: [(m: Int, d: Int)] =
  isQuick
  ? [(1 << 14, 16), (1 << 17, 16), (1 << 14, 128), (1 << 20, 128)]
  : [16, 128].flatMap { d in [14, 16, 18, 20].map { (1 << $0, d) } }
let firings = isQuick ? [0.001, 0.01] : [0.001, 0.01, 0.05]
let plan =
  isQuick
  ? TimingPlan(warmUp: 0.01, samples: 9, budget: 0.2, sampleDuration: 0.0005)
  : TimingPlan(warmUp: 0.05, samples: 31, budget: 1.5, sampleDuration: 0.001)

Runtime.setBLASThreads(1)
var machine = MachineFacts.current(
  repository: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
machine.others = [
  ("instructionSet", Runtime.instructionSet.rawValue), ("blasCore", Runtime.blasCore),
  ("threadsUsed", "1"),
]

let start = MonotonicClock.now
var results: [Measurement] = []
for (m, d) in shapes {
  FileHandle.standardError.write(Data("m = \(Format.count(m)), d = \(d)\n".utf8))
  let workload = Workload(m: m, d: d, queryCount: 64, seed: 1)
  let references = workload.references(
    above: firings.map { Float(GaussianTail.threshold(forProbability: $0)) })
  for (firing, reference) in zip(firings, references) {
    results += Contest(
      workload: workload, firing: firing, reference: reference, plan: plan
    ).measurements()
  }
}

// MARK: - What came out

var table = TextTable(columns: Measurement.columns)
var csv = CSVWriter(columns: Measurement.csvColumns)
for result in results {
  table.append(row: result.cells)
  csv.append(result.csvFields)
}
var text = """
  # Neuron lookup

  \(machine.summary) · \(machine.date)

  × sgemv: times as fast as the better orientation of sgemv for one query; × sgemm: as sgemm over the
  batch.

  \(table)

  """
for result in results
where result.lookup == "product grid" && result.m == 1 << 20 && result.d == 128 {
  text +=
    "\nProduct grid, 1,048,576 neurons, 128 inputs, \(Format.percent(result.firing, decimals: 1))"
    + " firing, batch \(result.batch): \(Format.significant(result.againstGemv ?? .nan)) times "
    + "as fast as the better sgemv.\n"
}
print(text)

var json = JSONObject()
json["benchmark"] = "neuron-lookup"
json["quick"] = .bool(isQuick)
json["machine"] = .object(machine.json)
json["machine.blas"] = .string(Runtime.blasConfiguration)
json["seconds"] = .number(MonotonicClock.now - start)
json["peakMemoryBytes"] = PeakMemory.bytes.map { .integer($0) }
json["results"] = .array(results.map(\.json))

do {
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  try AtomicFile.write(
    try json.text() + "\n", to: folder.appendingPathComponent("neuron-lookup.json").path)
  try AtomicFile.write(text, to: folder.appendingPathComponent("neuron-lookup.md").path)
  try AtomicFile.write(csv.text, to: folder.appendingPathComponent("neuron-lookup.csv").path)
  let subtitle =
    "unit queries, one thread, \(machine.processor), \(Runtime.instructionSet.rawValue)"
  for (name, chart) in Figures.charts(results, subtitle: subtitle) {
    try AtomicFile.write(chart.svg, to: folder.appendingPathComponent(name).path)
  }
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}

let wrong = results.reduce(0) { $0 + ($1.mismatches ?? 0) }
if wrong > 0 {
  FileHandle.standardError.write(
    Data("error: \(wrong) pairs differ from exhaustive computation\n".utf8))
  exit(1)
}
