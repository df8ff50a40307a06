// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Scratch of one task of a report from candidate lists.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe final class CandidateWorker: @unchecked Sendable {
  /// The pairs of one task among several.
  var pairs = FiringReport()
  /// Pairs decided since the counter was read.
  var checked = 0
  private var first = FiringReport()
  private var second = FiringReport()
  private var third = FiringReport()
  /// Room for what fires of a list, and of neurons that are not listed, and for both.
  @unsafe private(set) var listed: Room
  @unsafe private(set) var moving: Room
  @unsafe private(set) var merged: Room
  private var capacity = 16

  typealias Room = (
    neurons: UnsafeMutablePointer<Int32>, values: UnsafeMutablePointer<Float>
  )

  init() {
    unsafe listed = first.reserve(capacity)
    unsafe moving = second.reserve(capacity)
    unsafe merged = third.reserve(capacity)
  }

  var byteCount: Int { 24 * capacity }

  /// Makes room for so many pairs of a row.
  func prepare(_ count: Int) {
    guard count > capacity else { return }
    capacity = count + count / 4
    unsafe listed = first.reserve(capacity)
    unsafe moving = second.reserve(capacity)
    unsafe merged = third.reserve(capacity)
  }
}
