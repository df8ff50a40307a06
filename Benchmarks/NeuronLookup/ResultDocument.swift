// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// The results as text, JSON, CSV and pictures.
struct ResultDocument {
  private let results: [Measurement]
  private let seconds: Double
  private let isQuick: Bool
  private let machine: MachineFacts
  private let limits: MachineLimits

  init(_ results: [Measurement], limits: MachineLimits, seconds: Double, isQuick: Bool) {
    self.limits = limits
    self.results = results
    self.seconds = seconds
    self.isQuick = isQuick
    var machine = MachineFacts.current(
      repository: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
    machine.others = [
      ("instructionSet", Runtime.instructionSet.rawValue), ("blasCore", Runtime.blasCore),
      ("threadsUsed", "1"),
    ]
    self.machine = machine
  }

  var text: String {
    var table = TextTable(columns: Measurement.columns)
    for result in results { table.append(row: result.cells) }
    let wrong = results.reduce(0) { $0 + ($1.mismatches ?? 0) }
    let worst = Summary.automatic(results).first?.factor
    return """
      # Neuron lookup

      \(machine.summary) · commit \(machine.commit ?? "–") · \(machine.date)

      Medians per query, one thread, its processor time. × sgemv: times as fast as the better orientation of sgemv for
      one query; × sgemm: as blocked sgemm with a threshold over the batch. Where rows move, telling
      the structure is on the clock. Candidates: pairs decided by the canonical kernel. Mismatches
      against exhaustive computation, over everything below: \(wrong).

      ## Targets

      Bytes' limit: no filter over codes of a byte for each weight can be faster, given what this
      processor reads and multiplies (below): all codes are read once for a batch and multiplied
      for each query, and rows of the firing pairs are read here and there (batches: from cache).

      \(Target.table(results, limits))

      ## Missed targets and their limits

      Beside the times of the target, of the best structure and of firing sets given: what no way
      to find them can save. The floats of the rows that fire are read for their canonical values
      and their pairs written, 8 bytes each; a filter that looks at all rows reads a byte for each
      weight, a product grid its tables. Bytes at the rate at which so many are read again and
      again, multiply-adds at the processor's peak, below. Pairs that a tree finds come in its
      order, and are put in that of their numbers: at the rate of that alone, below.

      \(MissedTargets.text(results, limits))

      ## Machine limits

      \(limits.table)

      ## Automatic against the best single structure

      Worst first\(worst.map { "; the worst is \(Format.significant($0)) times the best" } ?? "").

      \(Summary.automaticTable(results))

      ## Where structures lose to a dense way

      \(Summary.losses(results))

      ## Everything

      \(table)

      """
  }

  func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    func write(_ text: String, _ name: String) throws {
      try AtomicFile.write(text, to: folder.appendingPathComponent(name).path)
    }
    try write(try json.text() + "\n", "neuron-lookup.json")
    try write(text, "neuron-lookup.md")
    if let columns = results.first?.csvColumns {
      var csv = CSVWriter(columns: columns)
      for result in results { csv.append(result.csvFields) }
      try write(csv.text, "neuron-lookup.csv")
    }
    let subtitle =
      "unseen queries, one thread, \(machine.processor), \(Runtime.instructionSet.rawValue)"
    for (name, svg) in Figures.charts(results, subtitle: subtitle) { try write(svg, name) }
  }

  private var json: JSONObject {
    var json = JSONObject()
    json["benchmark"] = "neuron-lookup"
    json["quick"] = .bool(isQuick)
    json["machine"] = .object(machine.json)
    json["machine.blas"] = .string(Runtime.blasConfiguration)
    json["limits"] = .object(limits.json)
    json["seconds"] = .number(seconds)
    json["peakMemoryBytes"] = PeakMemory.bytes.map { .integer($0) }
    json["results"] = .array(results.map(\.json))
    return json
  }
}
