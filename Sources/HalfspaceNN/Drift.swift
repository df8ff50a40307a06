// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// How far rows have gone: figures for decisions and reports, not for certificates.
enum Drift {
  /// The distance of two rows. O(d).
  static func distance(_ a: Matrix, _ i: Int, _ b: Matrix, _ j: Int) -> Double {
    let p = unsafe UnsafeRawPointer(a.row(i))
    let q = unsafe UnsafeRawPointer(b.row(j))
    // Rows are padded to whole vectors.
    var sum = SIMD16<Float>()
    for l in stride(from: 0, to: 4 * a.stride, by: 64) {
      let difference =
        unsafe p.loadUnaligned(fromByteOffset: l, as: SIMD16<Float>.self)
        - q.loadUnaligned(fromByteOffset: l, as: SIMD16<Float>.self)
      sum += difference * difference
    }
    return Double(sum.sum()).squareRoot()
  }

  /// An upper bound of a distance that `distance` has computed, over rows of `stride` floats.
  static func upperBound(_ distance: Double, stride: Int) -> Float {
    // Squares lose at most stride 2^-149 each way by underflow, sums stride 2^-24 of themselves.
    Float(distance * (1 + Double(stride) * 0x1p-22) + Double(stride) * 0x1p-70).nextUp
  }

  /// The minimum, the quartiles and the maximum; empty for no values.
  static func quantiles(_ values: [Double]) -> [Double] {
    guard !values.isEmpty else { return [] }
    let sorted = values.sorted()
    return [0, 0.25, 0.5, 0.75, 1].map { sorted[Int($0 * Double(sorted.count - 1))] }
  }
}
