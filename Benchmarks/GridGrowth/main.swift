// SPDX-License-Identifier: Apache-2.0
//
// How does the time of a static report grow with the width, when the number of neurons that fire
// stays the same? Product grids of 2^16 to 2^30 rows, 64 expected firings, one thread.
//
//   GridGrowth [results folder]      QUICK=1 in the environment: fewer widths
//
// Up to 2^20 rows every answer is compared, pair by pair and bit by bit, with exhaustive
// computation; beyond, every reported pair is computed again from its assembled row. Any mismatch
// makes the program fail.
import Foundation
import Halfspace
import _HalfspaceReport

let isQuick = ["1", "true", "yes"].contains(ProcessInfo.processInfo.environment["QUICK"] ?? "")
let folder = URL(
  fileURLWithPath: CommandLine.arguments.count > 1
    ? CommandLine.arguments[1] : "Benchmarks/Results", isDirectory: true)
let exponents = isQuick ? [16, 20, 26, 30] : Array(stride(from: 16, through: 30, by: 2))
let dimensions = [16, 128]
/// Every two-way grid up to 2^28 as well: what the third part saves.
let alternatives: [(name: String, parts: Int?, largest: Int)] = [
  ("product grid", nil, 30), ("two parts", 2, isQuick ? 26 : 28),
]
let plan =
  isQuick
  ? TimingPlan(warmUp: 0.02, samples: 9, budget: 0.2, sampleDuration: 0.001)
  : TimingPlan(warmUp: 0.1, samples: 31, budget: 1.5, sampleDuration: 0.002)
let expectedFirings = 64.0
/// The exponent that the growth must not exceed.
let largestExponent = 0.6

Runtime.setBLASThreads(1)
var machine = MachineFacts.current(
  repository: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
machine.others = [
  ("instructionSet", Runtime.instructionSet.rawValue), ("blasCore", Runtime.blasCore),
  ("threadsUsed", "1"),
]

let start = MonotonicClock.now
var growths: [Growth] = []
for d in dimensions {
  for (name, parts, largest) in alternatives {
    let widths = exponents.filter { exponent in
      guard exponent <= largest else { return false }
      // Only where it is not what the grid does anyway.
      return parts == nil || ProductGrid.defaultPartCount(count: 1 << exponent, dimension: d) != 2
    }
    let points = widths.map { exponent in
      FileHandle.standardError.write(Data("\(name), d = \(d), m = 2^\(exponent)\n".utf8))
      return GrowthPoint.measure(
        count: 1 << exponent, dimension: d, parts: parts, firings: expectedFirings, plan: plan)
    }
    growths.append(Growth(name: name, dimension: d, points: points))
  }
}

// MARK: - What came out

var table = TextTable(columns: GrowthPoint.columns)
for growth in growths {
  for point in growth.points { table.append(row: [growth.name] + point.cells) }
}
var text = """
  # Growth of a static report with the width

  \(machine.summary) · \(machine.date)

  Unit queries, \(Int(expectedFirings)) firings expected. Mismatches: up to 2^20 rows against exhaustive
  computation; beyond, reported pairs against their assembled rows.

  \(table)


  """
var exponentTable = TextTable(columns: ["inputs", "asked", "fitted exponent of m", "at most"])
for growth in growths where growth.name == alternatives[0].name {
  for (kind, exponent) in [
    ("one query", growth.singleExponent),
    ("\(GrowthPoint.batch) queries", growth.batchExponent),
  ] {
    exponentTable.append(
      row: [
        "\(growth.dimension)", kind, Format.fixed(exponent, decimals: 2), "\(largestExponent)",
      ])
  }
}
text += "Time of the product grid over the width, least squares:\n\n\(exponentTable)\n"
print(text)

var json = JSONObject()
json["benchmark"] = "grid-growth"
json["quick"] = .bool(isQuick)
json["machine"] = .object(machine.json)
json["machine.blas"] = .string(Runtime.blasConfiguration)
json["seconds"] = .number(MonotonicClock.now - start)
json["peakMemoryBytes"] = PeakMemory.bytes.map { .integer($0) }
for growth in growths where growth.name == alternatives[0].name {
  json["exponents.d\(growth.dimension).one"] = .number(growth.singleExponent)
  json["exponents.d\(growth.dimension).batch"] = .number(growth.batchExponent)
}
json["results"] = .array(growths.flatMap(\.json))

do {
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  try AtomicFile.write(
    try json.text() + "\n", to: folder.appendingPathComponent("grid-growth.json").path)
  try AtomicFile.write(text, to: folder.appendingPathComponent("grid-growth.md").path)
  try AtomicFile.write(
    Growth.csv(growths), to: folder.appendingPathComponent("grid-growth.csv").path)
  let subtitle =
    "\(Int(expectedFirings)) of m fire, one thread, \(machine.processor), "
    + Runtime.instructionSet.rawValue
  try AtomicFile.write(
    Growth.chart(growths, exponent: largestExponent, subtitle: subtitle).svg,
    to: folder.appendingPathComponent("grid-growth.svg").path)
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}

let wrong = growths.flatMap(\.points).reduce(0) { $0 + $1.mismatches }
if wrong > 0 {
  FileHandle.standardError.write(Data("error: \(wrong) pairs are wrong\n".utf8))
  exit(1)
}
