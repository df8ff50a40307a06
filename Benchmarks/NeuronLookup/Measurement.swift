// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// What was asked: results with the same setting are comparable.
struct Setting: Hashable {
  let distribution: String
  /// The distribution with its parameter.
  let label: String
  let m: Int
  let d: Int
  /// Probability that a neuron fires on a query.
  let firing: Double
  /// Queries asked at once.
  let batch: Int
  /// Share of the rows that move between two asks.
  let moved: Double

  /// One line for tables that have no columns for it.
  var summary: String {
    "\(label), m = \(Format.count(m)), d = \(d), batch \(batch)"
      + (moved > 0 ? ", \(Format.percent(moved, decimals: 0)) moved" : "")
  }
}

/// Median seconds per query of what everyone is compared with.
struct Baselines {
  var sgemvRow: Double
  var sgemvColumn: Double
  /// Blocked, with the comparison; for batches.
  var sgemm: Double?
  var scan: Double
  var oracle: Double

  var sgemv: Double { min(sgemvRow, sgemvColumn) }
}

/// One row of the result: a structure in a setting.
struct Measurement {
  let setting: Setting
  let structure: String
  /// Median seconds per query, moving included, and the median deviation from the median.
  let seconds: Double
  let deviation: Double
  let baselines: Baselines
  /// How many times as fast as the better sgemv, and as sgemm with its comparison.
  let timesSgemv: Double
  let timesSgemm: Double?
  /// Pairs per query that fire.
  let reported: Double
  /// Share of all pairs that the canonical kernel decided.
  let candidateRate: Double?
  /// Pairs that differ from exhaustive computation, over all queries.
  let mismatches: Int?
  let memoryBytes: Int
  let buildSeconds: Double
  /// Median seconds of one update, where rows move.
  let updateSeconds: Double?
  let remark: String?

  /// Whether it answers the question exactly and by itself.
  var isExactStructure: Bool { mismatches != nil && structure != "firing sets given" }
}

extension Measurement {
  static let columns = [
    "distribution", "m", "d", "firing", "batch", "moved", "structure", "time per query", "× sgemv",
    "× sgemm", "candidates", "mismatches", "memory", "build", "update", "remark",
  ]

  var cells: [String] {
    func factor(_ value: Double?) -> String { value.map { Format.significant($0) } ?? "–" }
    return [
      setting.label, Format.count(setting.m), "\(setting.d)",
      Format.percent(setting.firing, decimals: 1), "\(setting.batch)",
      setting.moved > 0 ? Format.percent(setting.moved, decimals: 0) : "–", structure,
      Format.duration(seconds), factor(timesSgemv), factor(timesSgemm),
      candidateRate.map { Format.percent($0) } ?? "–", mismatches.map { Format.count($0) } ?? "–",
      Format.bytes(memoryBytes), buildSeconds > 0 ? Format.duration(buildSeconds) : "–",
      updateSeconds.map { Format.duration($0) } ?? "–", remark ?? "",
    ]
  }

  /// Names and values, in the order of the columns of the CSV file.
  private var fields: [(name: String, value: JSONValue)] {
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    return [
      ("m", .integer(setting.m)), ("d", .integer(setting.d)), ("firing", .number(setting.firing)),
      ("distribution", .string(setting.distribution)), ("case", .string(setting.label)),
      ("batch", .integer(setting.batch)), ("movedShare", .number(setting.moved)),
      ("structure", .string(structure)), ("seconds", .number(seconds)),
      ("deviation", .number(deviation)), ("sgemvRowSeconds", .number(baselines.sgemvRow)),
      ("sgemvColumnSeconds", .number(baselines.sgemvColumn)),
      ("sgemmSeconds", number(baselines.sgemm)), ("scanSeconds", .number(baselines.scan)),
      ("oracleSeconds", .number(baselines.oracle)), ("timesSgemv", .number(timesSgemv)),
      ("timesSgemm", number(timesSgemm)), ("reported", .number(reported)),
      ("mismatches", mismatches.map { .integer($0) } ?? .null),
      ("candidateRate", number(candidateRate)), ("memoryBytes", .integer(memoryBytes)),
      ("buildSeconds", .number(buildSeconds)), ("updateSeconds", number(updateSeconds)),
      ("remark", remark.map { .string($0) } ?? .null),
    ]
  }

  var json: JSONValue {
    var object = JSONObject()
    for (name, value) in fields { object[key: name] = value }
    return .object(object)
  }

  var csvColumns: [String] { fields.map(\.name) }

  var csvFields: [any CustomStringConvertible] {
    fields.map {
      switch $0.value {
      case .integer(let value): value
      case .number(let value): value
      case .string(let value): value
      default: ""
      }
    }
  }
}
