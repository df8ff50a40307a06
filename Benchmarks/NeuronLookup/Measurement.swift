// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// One row of the result: a contender on a workload.
struct Measurement {
  let lookup: String
  let m: Int
  let d: Int
  /// Probability that a neuron fires on a unit query.
  let firing: Double
  /// Queries asked at once.
  let batch: Int
  /// Median and fastest seconds per query, and the median deviation from the median.
  let seconds: Double
  let fastest: Double
  let deviation: Double
  /// How many times as fast as the better sgemv, and as sgemm over the whole batch.
  var againstGemv: Double?
  var againstGemm: Double?
  /// Per query: pairs that fire, pairs decided by the canonical kernel.
  let reported: Double
  let candidates: Double?
  /// Pairs that differ from exhaustive computation, over all queries.
  let mismatches: Int?
  let memoryBytes: Int
  let buildSeconds: Double

  static let columns = [
    "m", "d", "firing", "batch", "lookup", "time per query", "× sgemv", "× sgemm", "reported",
    "candidates", "mismatches", "memory", "build",
  ]

  var cells: [String] {
    func factor(_ value: Double?) -> String { value.map { Format.significant($0) } ?? "–" }
    return [
      Format.count(m), "\(d)", Format.percent(firing, decimals: 1), "\(batch)", lookup,
      Format.duration(seconds), factor(againstGemv), factor(againstGemm),
      Format.count(Int(reported.rounded())),
      candidates.map { Format.count(Int($0.rounded())) } ?? "–",
      mismatches.map { Format.count($0) } ?? "–", Format.bytes(memoryBytes),
      buildSeconds > 0 ? Format.duration(buildSeconds) : "–",
    ]
  }

  static let csvColumns = [
    "m", "d", "firing", "batch", "lookup", "seconds", "fastest", "deviation", "times_sgemv",
    "times_sgemm", "reported", "candidates", "mismatches", "memory_bytes", "build_seconds",
  ]

  var csvFields: [any CustomStringConvertible] {
    [
      m, d, firing, batch, lookup, seconds, fastest, deviation, againstGemv ?? "",
      againstGemm ?? "", reported, candidates ?? "", mismatches ?? "", memoryBytes, buildSeconds,
    ] as [any CustomStringConvertible]
  }

  var json: JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    return [
      "m": .integer(m), "d": .integer(d), "firing": .number(firing), "batch": .integer(batch),
      "lookup": .string(lookup), "seconds": .number(seconds), "fastest": .number(fastest),
      "deviation": .number(deviation), "timesSgemv": number(againstGemv),
      "timesSgemm": number(againstGemm), "reported": .number(reported),
      "candidates": number(candidates), "mismatches": mismatches.map { .integer($0) } ?? .null,
      "memoryBytes": .integer(memoryBytes), "buildSeconds": .number(buildSeconds),
    ]
  }
}
