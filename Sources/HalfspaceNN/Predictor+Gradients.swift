// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
internal import HalfspaceReporting

extension Predictor {
  /// Gradients of the outputs with respect to transformed inputs `[n, d]`: matrix c holds, in row i,
  /// the gradient `[d]` of output c at input i, `factor * sum_r a_rc w_r` over the neurons r that fire
  /// there. At a kink, where `<w_r, x>` equals the threshold, it is that of the side that is silent.
  ///
  /// - Complexity: a lookup over the M stored rows and O(k d C) per row, k neurons firing.
  /// - Precondition: latent neurons contribute nothing (`latent` is nil).
  public func inputGradients(at inputs: Matrix, threads: Int = 1) -> [Matrix] {
    precondition(
      inputs.columns == dimension,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(dimension)")
    precondition(latent == nil, "gradients of neurons that are not stored are not computed")
    let result = (0..<outputCount).map { _ in Matrix(rows: inputs.rows, columns: dimension) }
    parallelFor(inputs.rows, grain: PredictionScratch.rows, threads: threads) { range in
      writeGradients(inputs, range, to: result)
    }
    return result
  }

  private func writeGradients(_ inputs: Matrix, _ range: Range<Int>, to result: [Matrix]) {
    var report = FiringReport()
    index.report(queries: inputs, rows: range, above: threshold, into: &report)
    let step = SparseStep(threads: 1)
    let block = Matrix(rows: range.count, columns: dimension)
    var values = [Float](repeating: 0, count: max(1, report.count))
    for (c, gradients) in result.enumerated() {
      for e in 0..<report.count { values[e] = unsafe outputs[Int(report.neurons[e]), c] }
      unsafe values.withUnsafeBufferPointer { values in
        unsafe step.combine(
          report, values: values.baseAddress!, rows: weights, shards: shards, factor: factor,
          into: block)
      }
      for (k, row) in range.enumerated() {
        unsafe gradients.row(row).update(from: block.row(k), count: block.stride)
      }
    }
  }
}
