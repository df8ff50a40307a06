// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@testable import HalfspaceNN

/// Passes everything on to a lookup, and compares each of its reports, in full, with that of brute
/// force.
final class CheckedLookup: NeuronLookup {
  private var lookup: any NeuronLookup
  private var weights: Matrix
  private var expected = FiringReport()
  /// Reports compared.
  private(set) var reports = 0
  /// Those of them that came neuron by neuron.
  private(set) var groupedReports = 0
  /// Reports that were not those of brute force.
  private(set) var mismatches = 0

  init(_ lookup: any NeuronLookup, weights: Matrix) {
    self.lookup = lookup
    self.weights = weights
  }

  var strategy: LookupStrategy { lookup.strategy }
  var work: IndexStatistics { lookup.work }
  var statistics: LookupStatistics { lookup.statistics }

  func report(
    _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport
  ) {
    lookup.report(batch, above: threshold, into: &report)
    BruteForceIndex(weights).report(
      queries: batch.inputs, rows: 0..<batch.count, above: threshold, into: &expected)
    reports += 1
    if !Self.areSame(report, expected) { mismatches += 1 }
  }

  func report(
    _ batch: LookupBatch, above threshold: Float, byNeuron found: PairParts,
    then next: @Sendable (_ part: Int) -> Void
  ) -> Bool {
    guard lookup.report(batch, above: threshold, byNeuron: found, then: next) else { return false }
    BruteForceIndex(weights).report(
      queries: batch.inputs, rows: 0..<batch.count, above: threshold, into: &expected)
    reports += 1
    groupedReports += 1
    if !Self.areSame(found, expected) { mismatches += 1 }
    return true
  }

  /// Whether the parts have the pairs of a report, sorted by neuron.
  private static func areSame(_ found: PairParts, _ expected: borrowing FiringReport) -> Bool {
    var pairs: [(neuron: Int32, query: Int32, value: Float)] = []
    for part in 0..<found.count {
      for e in 0..<(unsafe found[part].pointee.pairs.count) {
        unsafe pairs.append(
          (
            found[part].pointee.pairs.neurons[e], found[part].pointee.pairs.queries[e],
            found[part].pointee.pairs.values[e]
          ))
      }
    }
    var sorted: [(neuron: Int32, query: Int32, value: Float)] = []
    for q in 0..<expected.queryCount {
      for e in expected.range(of: q) {
        sorted.append(unsafe (expected.neurons[e], Int32(q), expected.values[e]))
      }
    }
    sorted.sort { ($0.neuron, $0.query) < ($1.neuron, $1.query) }
    guard sorted.count == pairs.count else { return false }
    return sorted.indices.allSatisfy { e in
      sorted[e].neuron == pairs[e].neuron && sorted[e].query == pairs[e].query
        && sorted[e].value.bitPattern == pairs[e].value.bitPattern
    }
  }

  private static func areSame(
    _ a: borrowing FiringReport, _ b: borrowing FiringReport
  ) -> Bool {
    guard a.queryCount == b.queryCount, a.count == b.count else { return false }
    return unsafe memcmp(a.offsets, b.offsets, 8 * (a.queryCount + 1)) == 0
      && memcmp(a.neurons, b.neurons, 4 * a.count) == 0
      && memcmp(a.values, b.values, 4 * a.count) == 0
  }

  var wantsDisplacements: Bool { lookup.wantsDisplacements }

  func update(rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?) {
    unsafe lookup.update(rows: rows, displacements: displacements)
  }

  func grow(to weights: Matrix) {
    self.weights = weights
    lookup.grow(to: weights)
  }
}

extension Trainer {
  /// Has every report of this trainer compared from now on.
  func checkLookups() -> CheckedLookup {
    let checked = CheckedLookup(lookup, weights: network.weights)
    lookup = checked
    return checked
  }
}
