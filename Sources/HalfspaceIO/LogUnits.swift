// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg

/// Which columns of a matrix are better looked at on a logarithmic scale, and how.
///
/// A column with unit u becomes `sign(x) ln(1 + |x| / u)`: linear for values below u, logarithmic above.
enum LogUnits {
  /// Skewness up to which a column stays as it is.
  private static let skewness = 1.0
  /// Candidates, of the mean magnitude, from nearly linear to nearly a logarithm.
  private static let shares = stride(from: 0, through: -16, by: -2).map { exp2(Double($0)) }

  /// A value on the scale of a unit; 0: as it is.
  static func value(_ x: Double, unit: Double) -> Double {
    guard unit > 0 else { return x }
    let size = log1p(abs(x) / unit)
    return x < 0 ? -size : size
  }

  /// The unit of each column, that which leaves the least skewness; 0 for one that has little, or none
  /// that is better. O(n p), with a factor of 9 logarithms for skewed columns.
  static func suggested(for matrix: Matrix) -> [Double] {
    (0..<matrix.columns).map { column in
      let values = (0..<matrix.rows).map { Double(matrix[$0, column]) }
      let plain = abs(Self.skewness(of: values))
      guard plain > skewness else { return 0 }
      let size = values.reduce(0) { $0 + abs($1) / Double(values.count) }
      var best = (skewness: 0.5 * plain, unit: 0.0)
      for share in shares {
        let unit = share * size
        guard unit > 0, unit.isFinite else { continue }
        let left = abs(Self.skewness(of: values.map { value($0, unit: unit) }))
        if left < best.skewness { best = (left, unit) }
      }
      return best.unit
    }
  }

  /// The third moment over the cube of the standard deviation; 0 for constants.
  private static func skewness(of values: [Double]) -> Double {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    var (squares, cubes) = (0.0, 0.0)
    for value in values {
      let deviation = value - mean
      squares += deviation * deviation
      cubes += deviation * deviation * deviation
    }
    guard squares > 0 else { return 0 }
    let result = cubes / count / pow(squares / count, 1.5)
    return result.isFinite ? result : 0
  }
}
