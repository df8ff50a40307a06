// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// One row of the result: a strategy on a workload, early or late in training.
struct StepMeasurement {
  let workload: String
  let phase: String
  let m: Int
  let d: Int
  let outputs: Int
  let batch: Int
  /// Share of the neurons that fire on a row.
  let firing: Double
  let materialized: Int
  let strategy: String
  /// Seconds per step, medians.
  let stepSeconds: Double
  /// The mean of all steps of the measurement, with what is done now and then: a median leaves that out.
  let meanSeconds: Double
  /// How a step divides: means, scaled to the median.
  let parts: TrainingTimes
  /// What the lookup did.
  let lookup: LookupFigures
  let denseSeconds: Double?
  let oracleSeconds: Double
  /// How many times as fast as the dense step, and how many times as long as the oracle's.
  let againstDense: Double?
  let againstOracle: Double
  /// Neurons that the lookup missed or invented on the batches checked.
  let mismatches: Int
  /// The static report before training, once per training row.
  let reportSeconds: Double

  static let columns = [
    "workload", "m", "d", "outputs", "batch", "firing", "stored", "phase", "strategy", "step",
    "mean", "lookup", "forward", "loss", "backward", "upkeep", "oracle", "× oracle", "dense",
    "× dense",
    "mismatches",
  ]

  var cells: [String] {
    [
      workload, Format.count(m), "\(d)", "\(outputs)", "\(batch)",
      Format.percent(firing, decimals: 3), Format.count(materialized), phase, strategy,
      Format.duration(stepSeconds), Format.duration(meanSeconds), Format.duration(parts.lookup),
      Format.duration(parts.forward), Format.duration(parts.loss), Format.duration(parts.backward),
      Format.duration(parts.maintenance), Format.duration(oracleSeconds),
      Format.significant(againstOracle), denseSeconds.map { Format.duration($0) } ?? "–",
      againstDense.map { Format.significant($0) } ?? "–", Format.count(mismatches),
    ]
  }

  private var fields: [(String, JSONValue)] {
    [
      ("workload", .string(workload)), ("m", .integer(m)), ("d", .integer(d)),
      ("outputs", .integer(outputs)), ("batch", .integer(batch)), ("firing", .number(firing)),
      ("strategy", .string(strategy)), ("phase", .string(phase)),
      ("materialized", .integer(materialized)), ("stepSeconds", .number(stepSeconds)),
      ("meanSeconds", .number(meanSeconds)),
      ("denseSeconds", denseSeconds.map { .number($0) } ?? .null),
      ("oracleSeconds", .number(oracleSeconds)), ("lookupSeconds", .number(parts.lookup)),
      ("forwardSeconds", .number(parts.forward)), ("lossSeconds", .number(parts.loss)),
      ("backwardSeconds", .number(parts.backward)),
      ("maintenanceSeconds", .number(parts.maintenance)),
      ("timesDense", againstDense.map { .number($0) } ?? .null),
      ("timesOracle", .number(againstOracle)), ("mismatches", .integer(mismatches)),
      ("reportSeconds", .number(reportSeconds)),
    ] + lookup.fields
  }

  var json: JSONValue {
    var object = JSONObject()
    for (name, value) in fields { object[key: name] = value }
    return .object(object)
  }

  static func csv(_ rows: [StepMeasurement]) -> String {
    guard let first = rows.first else { return "" }
    var csv = CSVWriter(columns: first.fields.map(\.0))
    for row in rows {
      csv.append(
        row.fields.map { _, value -> any CustomStringConvertible in
          switch value {
          case .integer(let number): number
          case .number(let number): number
          case .string(let text): text
          default: ""
          }
        })
    }
    return csv.text
  }
}
