// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

extension ShiftedReLUKernel {
  /// The kernel of every two rows of `inputs` `[n, d]`: symmetric `[n, n]`, in double precision.
  ///
  /// The result does not depend on `threads`. Traps when an element is not finite.
  ///
  /// - Complexity: O(n² (d + 16)) divided among the threads; about a third of a microsecond per
  ///   pair and small `d`.
  public func gramMatrix(of inputs: Matrix, threads: Int = 1) -> DoubleMatrix {
    let rows = RowLengths(of: inputs, kernel: self)
    var gram = DoubleMatrix(rows: inputs.rows, columns: inputs.rows)
    fill(&gram, inputs, rows, against: inputs, rows, lowerTriangle: true, threads: threads)
    for i in 0..<gram.rows {
      for j in 0..<i { gram.elements[j * gram.columns + i] = gram.elements[i * gram.columns + j] }
    }
    return gram
  }

  /// The kernel of every row of `inputs` `[n, d]` with every row of `others` `[k, d]`: `[n, k]`.
  /// O(n k (d + 16)).
  public func matrix(
    of inputs: Matrix, against others: Matrix, threads: Int = 1
  ) -> DoubleMatrix {
    precondition(
      inputs.columns == others.columns,
      "rows of [\(inputs.rows), \(inputs.columns)] against [\(others.rows), \(others.columns)]")
    var result = DoubleMatrix(rows: inputs.rows, columns: others.rows)
    fill(
      &result, inputs, RowLengths(of: inputs, kernel: self), against: others,
      RowLengths(of: others, kernel: self), lowerTriangle: false, threads: threads)
    return result
  }

  /// Squared lengths of the rows of a matrix, summed as `hs_kernel_row_f64` sums, and the
  /// thresholds divided by the lengths.
  private struct RowLengths {
    var squared: [Double] = []
    var thresholds: [Double] = []

    init(of inputs: Matrix, kernel: ShiftedReLUKernel) {
      precondition(inputs.isFinite, "an input of shape [\(inputs.rows), \(inputs.columns)] is NaN")
      for r in 0..<inputs.rows {
        let row = unsafe inputs.row(r)
        var sum = 0.0
        for l in 0..<inputs.columns { sum += unsafe Double(row[l]) * Double(row[l]) }
        squared.append(sum)
        // A unit row stored in Float is off by its rounding; that is not a length of its own.
        let isUnit = abs(sum - 1) < 1e-5
        thresholds.append(kernel.scaledThreshold(length: isUnit ? 1 : sum.squareRoot()))
      }
    }
  }

  private func fill(
    _ result: inout DoubleMatrix, _ inputs: Matrix, _ rows: RowLengths, against others: Matrix,
    _ otherRows: RowLengths, lowerTriangle: Bool, threads: Int
  ) {
    precondition(
      threshold >= 0 || !(rows.squared + otherRows.squared).contains(0),
      "a row of zeros at the negative threshold \(threshold)")
    let columns = result.columns
    guard columns > 0 else { return }
    let sigma2 = deviation * deviation
    let trained = trained
    unsafe result.elements.withUnsafeMutableBufferPointer { elements in
      let view = unsafe View(elements: elements.baseAddress!)
      parallelFor(inputs.rows, grain: 8, threads: threads) { range in
        var product = [Double](repeating: 0, count: columns)
        var kappa0 = product
        var kappa1 = product
        for i in range {
          let count = lowerTriangle ? i + 1 : columns
          unsafe hs_kernel_row_f64(
            count, inputs.columns, others.stride, inputs.row(i), rows.squared[i],
            rows.thresholds[i], others.pointer, otherRows.squared, otherRows.thresholds, &product,
            &kappa0, &kappa1)
          let line = unsafe view.elements + i * columns
          for j in 0..<count {
            var sum = 0.0
            if trained.contains(.hidden) { sum += product[j] * kappa0[j] }
            if trained.contains(.shift) { sum += kappa0[j] }
            if trained.contains(.outputs) {
              let lengths = (rows.squared[i] * otherRows.squared[j]).squareRoot()
              sum += sigma2 * lengths * kappa1[j]
            }
            unsafe line[j] = sum
          }
        }
      }
    }
  }

  /// The result as the parallel loop sees it; every row is written by one thread.
  @unsafe private struct View: @unchecked Sendable {
    let elements: UnsafeMutablePointer<Double>
  }
}
