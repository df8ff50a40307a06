// SPDX-License-Identifier: Apache-2.0
//
// What does a training step cost once it is known which neurons fire? Nanoseconds per firing pair
// of the sparse passes, part by part, beside the dense step of the same network with OpenBLAS,
// one thread each.
//
//   TrainingStep [results folder]      QUICK=1 in the environment: fewer samples
import Foundation
import Halfspace
import _HalfspaceReport

struct Shape {
  var neurons: Int
  var dimension: Int
  var outputs: Int
  var batch: Int
  var firing: Double
}

let isQuick = ["1", "true", "yes"].contains(ProcessInfo.processInfo.environment["QUICK"] ?? "")
let folder = URL(
  fileURLWithPath: CommandLine.arguments.count > 1
    ? CommandLine.arguments[1] : "Benchmarks/Results", isDirectory: true)
let plan =
  isQuick
  ? TimingPlan(warmUp: 0.05, samples: 9, budget: 1, sampleDuration: 0.001)
  : TimingPlan(warmUp: 0.2, samples: 31, budget: 10, sampleDuration: 0.002)

let shapes = [
  Shape(neurons: 4096, dimension: 17, outputs: 26, batch: 64, firing: 0.025),
  Shape(neurons: 32_768, dimension: 17, outputs: 26, batch: 64, firing: 0.01),
  Shape(neurons: 262_144, dimension: 17, outputs: 26, batch: 64, firing: 0.01),
  Shape(neurons: 32_768, dimension: 17, outputs: 1, batch: 64, firing: 0.01),
  Shape(neurons: 32_768, dimension: 17, outputs: 26, batch: 1, firing: 0.01),
  Shape(neurons: 32_768, dimension: 65, outputs: 10, batch: 64, firing: 0.01),
]

Runtime.setBLASThreads(1)
var machine = MachineFacts.current(
  repository: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
machine.others = [
  ("instructionSet", Runtime.instructionSet.rawValue), ("blasCore", Runtime.blasCore),
  ("threadsUsed", "1"),
]

var table = TextTable(
  "neurons", "d", "outputs", "batch", "firing", "pairs", "pre-activation ns", "forward ns",
  "backward + update ns", "sparse step ns/pair", "sparse step", "dense step", "ratio")
var rows: [JSONValue] = []
for shape in shapes {
  FileHandle.standardError.write(
    Data("\(Format.count(shape.neurons)) neurons, batch \(shape.batch)\n".utf8))
  let data = FiringBatches(
    neurons: shape.neurons, dimension: shape.dimension, outputCount: shape.outputs,
    batch: shape.batch, firing: shape.firing, count: shape.batch == 1 ? 64 : 8)
  let sparse = SparsePasses(data)
  let dense = DenseStep(data)
  let times = Timing.interleaved(
    plan,
    [
      { sparse.preactivations() }, { sparse.forward() }, { sparse.backward() },
      { sparse.step() }, { dense.step() },
    ])
  let perPair = times.map { 1e9 * $0.median / data.pairs }
  let ratio = times[4].ratio(to: times[3])
  table.append(
    Format.count(shape.neurons), "\(shape.dimension)", "\(shape.outputs)", "\(shape.batch)",
    Format.percent(shape.firing, decimals: 1), Format.count(Int(data.pairs)),
    Format.fixed(perPair[0], decimals: 1), Format.fixed(perPair[1], decimals: 1),
    Format.fixed(perPair[2], decimals: 1), Format.fixed(perPair[3], decimals: 1),
    Format.duration(times[3].median), Format.duration(times[4].median),
    Format.significant(ratio))
  var row = JSONObject()
  row["m"] = .integer(shape.neurons)
  row["d"] = .integer(shape.dimension)
  row["outputs"] = .integer(shape.outputs)
  row["batch"] = .integer(shape.batch)
  row["firing"] = .number(shape.firing)
  row["pairs"] = .number(data.pairs)
  row["activeNeurons"] = .number(data.active)
  row["preactivationNanoseconds"] = .number(perPair[0])
  row["forwardNanoseconds"] = .number(perPair[1])
  row["backwardNanoseconds"] = .number(perPair[2])
  row["stepNanosecondsPerPair"] = .number(perPair[3])
  row["stepSeconds"] = .number(times[3].median)
  row["denseSeconds"] = .number(times[4].median)
  rows.append(.object(row))
}

let text = """
  # Training step

  \(machine.summary) · \(machine.date)

  The firing sets are given; ns are per firing pair of neuron and row. Dense step: the same network
  with five OpenBLAS products.

  \(table)

  """
print(text)

var json = JSONObject()
json["benchmark"] = "training-step"
json["quick"] = .bool(isQuick)
json["machine"] = .object(machine.json)
json["results"] = .array(rows)
do {
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  try AtomicFile.write(text, to: folder.appendingPathComponent("training-step.md").path)
  try AtomicFile.write(
    try json.text() + "\n", to: folder.appendingPathComponent("training-step.json").path)
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}
