// SPDX-License-Identifier: Apache-2.0
import _HalfspaceBenchmark
import _HalfspaceReport

/// What a step would take if the processor did nothing but some parts of it, at its peak.
struct StepBounds {
  /// Products of a pair with a row of its neuron: the value that decides, the outputs, the slope, and
  /// the updates of both layers.
  private static let inputProducts = 2.0
  private static let outputProducts = 3.0

  let peak: ProcessorPeak

  /// What tiles do: every stored row is looked at in codes of a byte for each weight.
  private func codes(_ row: StepMeasurement) -> Double {
    Double(row.materialized * row.batch * (row.d + 3) / 4 * 4) / peak.byte
  }

  private func pairs(_ row: StepMeasurement) -> Double {
    row.firing * Double(row.batch * row.m)
  }

  /// Products of floats for the pairs that fire.
  private func products(_ row: StepMeasurement) -> Double {
    pairs(row)
      * (Self.inputProducts * Double(row.d) + Self.outputProducts * Double(row.outputs))
      / peak.float
  }

  /// A section of a report about rows and how many times as fast as the dense step they are to be.
  func section(_ rows: [(row: StepMeasurement, wanted: Double)]) -> String {
    guard !rows.isEmpty else { return "" }
    var table = TextTable(
      "workload", "m", "batch", "firing pairs", "codes", "products", "firing sets given", "asked",
      "step", "")
    for (row, wanted) in rows {
      guard let dense = row.denseSeconds else { continue }
      let asked = dense / wanted
      table.append(
        row.workload, Format.count(row.m), "\(row.batch)", Format.count(Int(pairs(row).rounded())),
        Format.duration(codes(row)), Format.duration(products(row)),
        Format.duration(row.oracleSeconds), Format.duration(asked),
        Format.duration(row.stepSeconds), verdict(row, asked))
    }
    return """

      ## What bounds a step

      *Codes*: every stored row against every row of the batch, a byte for each weight, at
      \(Format.significant(peak.byte * 1e-9)) G/s, the processor's exact multiply-adds of bytes: what tiles
      need at least, and candidate lists, which look at fewer, do not. *Products*: those of
      the pairs that fire, at \(Format.significant(peak.float * 1e-9)) G/s, its multiply-adds of floats. Neither counts a byte
      read or written. *Firing sets given*: forward and backward passes alone, as they are. *Asked*: the
      dense step over the target.

      \(table)

      """
  }

  private func verdict(_ row: StepMeasurement, _ asked: Double) -> String {
    if row.stepSeconds <= asked { return "met" }
    if asked < products(row) { return "below the processor's limit" }
    if asked < row.oracleSeconds { return "below what firing sets given take" }
    return asked < row.oracleSeconds + codes(row)
      ? "below firing sets given and codes" : "above the limits, not reached"
  }
}
