// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg
public import HalfspaceNN

extension FeatureMetric {
  /// Rows whose gradients are averaged, at most: beyond some thousands the average stands still.
  static let rowLimit = 4096
  /// The share of the map's square that all directions have alike, so that none is lost that a short
  /// run has not found yet.
  static let evenShare = 0.05

  /// The metric that a trained network suggests: `map = ((1 - s) p G / tr G + s I)^(1/2)`, s being
  /// `evenShare`, where `G = E sum_c grad f_c(u) grad f_c(u)ᵀ` over the rows, the average gradient outer
  /// product of the outputs with respect to scaled features u (Radhakrishnan, Beaglehole, Pandit and
  /// Belkin, "Mechanism for feature learning in neural networks", Science 2024). It is then scaled so
  /// that rows are as long, in the root of the mean square, as they are without it: a constant
  /// coordinate keeps its meaning.
  ///
  /// The eigensystem is that of LAPACKE, whose last bits differ between processors; elements are
  /// rounded to 2^-20 of the largest, so that the metric does not.
  ///
  /// - Parameters:
  ///   - predictor: the network, whose latent neurons contribute nothing.
  ///   - transform: how its inputs were made; may have a metric already.
  ///   - features: rows `[n, p]`, of which up to 4096 at equal distances are taken.
  /// - Returns: nil where there is nothing to learn: the network is constant, or all rows are zero.
  /// - Throws: `FeatureTransformError` for NaN and infinities, `FactorizationError`.
  /// - Complexity: 4096 lookups and O(n k C p) for them, O(4096 C p² + p³).
  public init?(
    gradientsOf predictor: Predictor, through transform: FeatureTransform, at features: Matrix,
    threads: Int = 1
  ) throws {
    let rows = features.gather(EvenSample.rows(Self.rowLimit, of: Array(0..<features.rows)))
    var square = try Self.gradientSquare(predictor, transform, rows, threads: threads)
    let size = square.rows
    let trace = (0..<size).reduce(0.0) { $0 + square[$1, $1] }
    guard trace > 0, trace.isFinite else { return nil }
    let factor = (1 - Self.evenShare) * Double(size) / trace
    for i in square.elements.indices { square.elements[i] *= factor }
    for i in 0..<size { square[i, i] += Self.evenShare }
    let root = try Self.squareRoot(square)
    guard let scale = try Self.lengthRatio(of: root, transform, rows) else { return nil }
    self.init(map: Self.rounded(root, scale: scale))
  }

  /// `sum_i sum_c grad f_c grad f_cᵀ`, `[p, p]`.
  private static func gradientSquare(
    _ predictor: Predictor, _ transform: FeatureTransform, _ features: Matrix, threads: Int
  ) throws -> DoubleMatrix {
    let size = transform.inputCount
    var square = DoubleMatrix(rows: size, columns: size)
    for first in stride(from: 0, to: features.rows, by: 256) {
      let rows = features.gather(first..<min(first + 256, features.rows))
      for gradients in try transform.featureGradients(of: predictor, at: rows, threads: threads) {
        unsafe hs_gemm_f64(
          1, 0, size, size, rows.rows, 1, gradients.elements, size, gradients.elements, size, 1,
          &square.elements, size)
      }
    }
    return square
  }

  /// The symmetric root of a symmetric positive semidefinite matrix.
  private static func squareRoot(_ square: DoubleMatrix) throws -> DoubleMatrix {
    let size = square.rows
    let (values, vectors) = try square.symmetricEigensystem()
    var scaled = vectors
    for i in 0..<size {
      for j in 0..<size { scaled[i, j] *= max(0, values[j]).squareRoot() }
    }
    var root = DoubleMatrix(rows: size, columns: size)
    unsafe hs_gemm_f64(
      0, 1, size, size, size, 1, scaled.elements, size, vectors.elements, size, 0,
      &root.elements, size)
    return root
  }

  /// What makes mapped rows as long as scaled ones.
  private static func lengthRatio(
    of map: DoubleMatrix, _ transform: FeatureTransform, _ features: Matrix
  ) throws -> Double? {
    let size = map.rows
    let scaled = try transform.scaled(features)
    var mapped = DoubleMatrix(rows: scaled.rows, columns: size)
    unsafe hs_gemm_f64(
      0, 1, scaled.rows, size, size, 1, scaled.elements, size, map.elements, size, 0,
      &mapped.elements, size)
    func square(_ matrix: DoubleMatrix) -> Double { matrix.elements.reduce(0) { $0 + $1 * $1 } }
    let ratio = (square(scaled) / square(mapped)).squareRoot()
    return ratio.isFinite && ratio > 0 ? ratio : nil
  }

  private static func rounded(_ map: DoubleMatrix, scale: Double) -> DoubleMatrix {
    let largest = map.elements.reduce(0) { max($0, abs($1 * scale)) }
    let unit = Double(sign: .plus, exponent: largest.exponent - 20, significand: 1)
    return DoubleMatrix(
      rows: map.rows, columns: map.columns,
      elements: map.elements.map { ($0 * scale / unit).rounded() * unit })
  }
}

extension FeatureTransform {
  /// Gradients of a network's outputs with respect to the scaled and clipped features of some rows:
  /// matrix c holds that of output c at row i in its row i, `[p]`.
  ///
  /// `x = v / |v|` for `v = [map u; constant]`, so `grad_u = mapᵀ (g - x <x, g>) / |v|` without the
  /// constant's coordinate, `g` being the gradient with respect to x.
  func featureGradients(
    of predictor: Predictor, at features: Matrix, threads: Int
  ) throws(FeatureTransformError) -> [DoubleMatrix] {
    let inputs = Matrix(rows: features.rows, columns: outputCount)
    let norms = try apply(to: features, into: inputs, threads: threads)
    let size = metric?.outputCount ?? inputCount
    return predictor.inputGradients(at: inputs, threads: threads).map { gradients in
      var result = DoubleMatrix(rows: features.rows, columns: size)
      for row in 0..<features.rows where norms[row] > 0 {
        let (x, g) = (inputs.rowArray(row), gradients.rowArray(row))
        let along = zip(x, g).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        for column in 0..<size {
          result[row, column] = (Double(g[column]) - Double(x[column]) * along) / norms[row]
        }
      }
      guard let metric else { return result }
      var pulled = DoubleMatrix(rows: features.rows, columns: inputCount)
      unsafe hs_gemm_f64(
        0, 0, features.rows, inputCount, size, 1, result.elements, size, metric.map.elements,
        inputCount, 0, &pulled.elements, inputCount)
      return pulled
    }
  }
}
