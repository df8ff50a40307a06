// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg
internal import HalfspaceReporting

/// A function of known norm: `f(x) = sum_j c_j K(x, z_j)` has the norm `sqrt(cᵀ K c)` in the space
/// of the kernel, exactly.
///
/// ```swift
/// let target = KernelExpansion.random(
///   kernel: ShiftedReLUKernel(threshold: 1), terms: 10, dimension: 8, norm: 4, seed: 1)
/// let y = target.values(at: inputs)
/// ```
public struct KernelExpansion: Sendable {
  /// The kernel.
  public let kernel: ShiftedReLUKernel
  /// The centers `z_j`, `[k, d]`.
  public let centers: Matrix
  /// The coefficients `c_j`.
  public let coefficients: [Double]
  /// The norm of the function.
  public let norm: Double

  /// The function with the given coefficients, one per center. O(k² d).
  public init(kernel: ShiftedReLUKernel, centers: Matrix, coefficients: [Double]) {
    precondition(
      centers.rows == coefficients.count && centers.rows > 0,
      "\(coefficients.count) coefficients for centers [\(centers.rows), \(centers.columns)]")
    self.kernel = kernel
    self.centers = centers
    self.coefficients = coefficients
    let gram = kernel.gramMatrix(of: centers)
    var squared = 0.0
    for i in 0..<centers.rows {
      for j in 0..<centers.rows { squared += coefficients[i] * gram[i, j] * coefficients[j] }
    }
    norm = max(0, squared).squareRoot()
  }

  /// A function of norm `norm` with `terms` centers drawn uniformly from the unit sphere and
  /// Gaussian coefficients, a function of the seed. O(terms² dimension).
  public static func random(
    kernel: ShiftedReLUKernel, terms: Int, dimension: Int, norm: Double, seed: UInt64
  ) -> KernelExpansion {
    precondition(terms > 0 && dimension > 0, "\(terms) terms in \(dimension) dimensions")
    let centers = UnitSphere.points(terms, dimension: dimension, seed: seed)
    let deviates = UnitSphere.deviates(terms, dimension: 1, seed: seed &+ 0x5851_F42D_4C95_7F2D)
    let free = KernelExpansion(
      kernel: kernel, centers: centers,
      coefficients: (0..<terms).map { Double(deviates[$0, 0]) })
    return free.scaled(toNorm: norm)
  }

  /// This function times the factor that gives it the norm `norm`. O(k² d).
  public func scaled(toNorm norm: Double) -> KernelExpansion {
    precondition(norm >= 0 && self.norm > 0, "a function of norm \(self.norm) to \(norm)")
    return KernelExpansion(
      kernel: kernel, centers: centers, coefficients: coefficients.map { $0 * norm / self.norm })
  }

  /// The values at rows `[n, d]`. O(n k d).
  public func values(at inputs: Matrix, threads: Int = 1) -> [Double] {
    let cross = kernel.matrix(of: inputs, against: centers, threads: threads)
    let k = coefficients.count
    return (0..<inputs.rows).map { row in
      (0..<k).reduce(0) { $0 + coefficients[$1] * cross.elements[row * k + $1] }
    }
  }

  /// `g(w) = sum_j c_j z_j 1{<w, z_j> > b}`, the representation of the function over random rows:
  /// `f(x) = E <g(w), x> 1{<w, x> > b}` and `E ‖g(w)‖² = norm²`.
  ///
  /// A network with rows `w_r` and output weights `a_r` whose rows are displaced by
  /// `a_r g(w_r) / (B sqrt(m))` represents the function up to its finite width.
  /// `row` is `[d]`; the kernel must be that of the first layer alone. O(k d).
  public func displacement(at row: [Float]) -> [Double] {
    precondition(kernel.trained == .hidden, "the kernel has terms of other layers")
    precondition(
      row.count == centers.columns, "row of \(row.count) for \(centers.columns) coordinates")
    var result = [Double](repeating: 0, count: row.count)
    for j in 0..<centers.rows {
      var sum = 0.0
      for l in row.indices { sum += Double(row[l]) * Double(centers[j, l]) }
      guard sum > kernel.threshold else { continue }
      for l in row.indices { result[l] += coefficients[j] * Double(centers[j, l]) }
    }
    return result
  }
}

/// Points of the unit sphere and normal deviates, functions of a seed.
public enum UnitSphere {
  /// Points distributed uniformly, `[count, dimension]`. O(count * dimension).
  public static func points(_ count: Int, dimension: Int, seed: UInt64) -> Matrix {
    let points = deviates(count, dimension: dimension, seed: seed)
    for r in 0..<count {
      let row = points.rowArray(r)
      let norm = row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      points.setRow(r, to: row.map { Float(Double($0) / norm) })
    }
    return points
  }

  /// Independent normal deviates, `[count, dimension]`. O(count * dimension).
  static func deviates(_ count: Int, dimension: Int, seed: UInt64) -> Matrix {
    let rows = IndependentGaussian(count: count, dimension: dimension, seed: seed)
    let matrix = Matrix(rows: count, columns: dimension)
    for r in 0..<count { unsafe rows.copyRow(r, to: matrix.row(r)) }
    return matrix
  }
}
