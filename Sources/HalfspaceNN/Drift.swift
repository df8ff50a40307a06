// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// How far rows have gone: figures for decisions and reports, not for certificates.
enum Drift {
  /// The distance of two rows. O(d).
  static func distance(_ a: Matrix, _ i: Int, _ b: Matrix, _ j: Int) -> Double {
    let p = unsafe a.row(i)
    let q = unsafe b.row(j)
    var sum: Float = 0
    for l in 0..<a.stride {
      let difference = unsafe p[l] - q[l]
      sum += difference * difference
    }
    return Double(sum).squareRoot()
  }

  /// The minimum, the quartiles and the maximum; empty for no values.
  static func quantiles(_ values: [Double]) -> [Double] {
    guard !values.isEmpty else { return [] }
    let sorted = values.sorted()
    return [0, 0.25, 0.5, 0.75, 1].map { sorted[Int($0 * Double(sorted.count - 1))] }
  }
}
