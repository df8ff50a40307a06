// SPDX-License-Identifier: Apache-2.0
import Foundation
import _HalfspaceReport

/// What the command line and the environment say.
struct Options {
  /// Where results go.
  var folder = URL(fileURLWithPath: "Benchmarks/Results", isDirectory: true)
  /// Only cases whose name contains this.
  var only: String?
  /// Where rows, queries and thresholds go for programs of others to be measured with; nothing is
  /// measured then.
  var exportFolder: URL?
  /// Whether to keep the results in the folder and to measure the other cases only.
  var goesOn = false
  /// Whether to measure nothing but sgemm, and to print it as JSON.
  var measuresProducts = false
  /// Fewer cases, less time for each.
  let isQuick: Bool

  init(_ arguments: ArraySlice<String>, environment: [String: String]) {
    isQuick = ["1", "true", "yes"].contains(environment["QUICK"] ?? "")
    var rest = arguments
    while let argument = rest.popFirst() {
      switch argument {
      case "--only": only = rest.popFirst()
      case "--continue": goesOn = true
      case "--sgemm": measuresProducts = true
      case "--export":
        exportFolder = rest.popFirst().map { URL(fileURLWithPath: $0, isDirectory: true) }
      default: folder = URL(fileURLWithPath: argument, isDirectory: true)
      }
    }
  }

  var plan: TimingPlan {
    isQuick
      ? TimingPlan(warmUp: 0.01, samples: 9, budget: 0.2, sampleDuration: 0.002)
      : TimingPlan(warmUp: 0.01, samples: 15, budget: 1, sampleDuration: 0.003)
  }

  func includes(_ lookup: LookupCase) -> Bool {
    guard let only else { return true }
    return "\(lookup.distribution.label) \(lookup.m)x\(lookup.d)".contains(only)
  }
}
