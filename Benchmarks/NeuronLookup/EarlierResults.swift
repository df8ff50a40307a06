// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Results of a run that was interrupted, as `ResultDocument` has written them: its cases, which are
/// written when they are complete, need not be measured again.
struct EarlierResults: Decodable {
  private let results: [Row]
  /// What they took.
  let seconds: Double

  /// A row of the file, under the names it has there.
  private struct Row: Decodable {
    let m: Int
    let d: Int
    let firing: Double
    let distribution: String
    let `case`: String
    let batch: Int
    let movedShare: Double
    let structure: String
    let seconds: Double
    let deviation: Double
    let sgemvRowSeconds: Double
    let sgemvColumnSeconds: Double
    let sgemmSeconds: Double?
    let scanSeconds: Double
    let oracleSeconds: Double
    let timesSgemv: Double
    let timesSgemm: Double?
    let reported: Double
    let mismatches: Int?
    let candidateRate: Double?
    let memoryBytes: Int
    let buildSeconds: Double
    let updateSeconds: Double?
    let remark: String?

    var measurement: Measurement {
      Measurement(
        setting: Setting(
          distribution: distribution, label: self.case, m: m, d: d, firing: firing, batch: batch,
          moved: movedShare),
        structure: structure, seconds: seconds, deviation: deviation,
        baselines: Baselines(
          sgemvRow: sgemvRowSeconds, sgemvColumn: sgemvColumnSeconds, sgemm: sgemmSeconds,
          scan: scanSeconds, oracle: oracleSeconds),
        timesSgemv: timesSgemv, timesSgemm: timesSgemm, reported: reported,
        candidateRate: candidateRate, mismatches: mismatches, memoryBytes: memoryBytes,
        buildSeconds: buildSeconds, updateSeconds: updateSeconds, remark: remark)
    }
  }

  init(in folder: URL) throws {
    let url = folder.appendingPathComponent("neuron-lookup.json")
    self = try JSONDecoder().decode(EarlierResults.self, from: Data(contentsOf: url))
  }

  var measurements: [Measurement] { results.map(\.measurement) }

  /// Whether a case is among them. What shape trained rows have is not known beforehand.
  func include(_ lookup: LookupCase) -> Bool {
    results.contains {
      $0.case == lookup.distribution.label
        && (lookup.m == 0 || ($0.m == lookup.m && $0.d == lookup.d))
    }
  }
}
