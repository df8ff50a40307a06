// SPDX-License-Identifier: Apache-2.0
import Foundation
import _HalfspaceReport

/// A claim of the theory, put to the test.
protocol Experiment: Sendable {
  /// Its number among the claims, "C7".
  var id: String { get }
  /// The claim, in a few words.
  var title: String { get }
  /// What is done and what is measured.
  var protocolText: String { get }

  func run(_ setup: Setup) throws -> Outcome
}

/// How experiments are run.
struct Setup: Sendable {
  /// Fewer seeds, shorter runs.
  var isQuick: Bool
  /// Runs at the same time.
  var threads: Int
  /// Where tables are that do not come with the package.
  var data: URL?

  /// Seeds of repetitions: `full` of them, or `quick`.
  func seeds(_ full: Int, quick: Int) -> [UInt64] {
    (1...UInt64(isQuick ? quick : full)).map { $0 }
  }
}

/// What came out of an experiment.
struct Outcome: Sendable {
  var findings: [Finding] = []
  var table: TextTable?
  /// Names, without ending, and pictures.
  var figures: [(name: String, chart: LineChart)] = []
  /// What has to be said about findings that are not as predicted, or that need a word.
  var remarks: [String] = []
  /// The measured points.
  var points: [JSONValue] = []
}

/// One figure that was measured, and the band that was predicted for it.
struct Finding: Sendable {
  var quantity: String
  var expected: String
  var measured: String
  /// nil: shown without being judged.
  var isAsPredicted: Bool?

  /// A value that is to lie in a band.
  static func value(
    _ quantity: String, _ value: Double, interval: ClosedRange<Double>? = nil,
    in band: ClosedRange<Double>
  ) -> Finding {
    Finding(
      quantity: quantity,
      expected: "\(text(band.lowerBound)) to \(text(band.upperBound))",
      measured: text(value) + (interval.map { " (\(range($0)))" } ?? ""),
      isAsPredicted: band.contains(value))
  }

  /// A value that is to be at most a bound.
  static func value(_ quantity: String, _ value: Double, atMost bound: Double) -> Finding {
    Finding(
      quantity: quantity, expected: "at most \(text(bound))", measured: text(value),
      isAsPredicted: value <= bound)
  }

  /// A value that is to be above a bound.
  static func value(_ quantity: String, _ value: Double, above bound: Double) -> Finding {
    Finding(
      quantity: quantity, expected: "above \(text(bound))", measured: text(value),
      isAsPredicted: value > bound)
  }

  static func text(_ value: Double) -> String { Format.significant(value, digits: 4) }

  static func range(_ interval: ClosedRange<Double>) -> String {
    "\(Format.significant(interval.lowerBound)) to \(Format.significant(interval.upperBound))"
  }

  var verdict: String {
    switch isAsPredicted {
    case nil: "shown"
    case true?: "as predicted"
    case false?: "differs"
    }
  }

  var json: JSONValue {
    var object = JSONObject()
    object["quantity"] = .string(quantity)
    object["expected"] = .string(expected)
    object["measured"] = .string(measured)
    object["asPredicted"] = isAsPredicted.map { .bool($0) } ?? .null
    return .object(object)
  }
}
