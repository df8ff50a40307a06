// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension Predictor {
  /// The same network plus a linear function `<c_k, x>` of its inputs for each output k, held by two
  /// neurons more for each: with t large,
  ///
  ///     relu(<t c, x> - b) / t - relu(<-t c, x> - b) / t = <c, x>,  up to |b| / t.
  ///
  /// t is 2^16 |b| or more, a power of two: scores are off by at most 2^-16, and nothing that reads a
  /// network of two layers has to know of it. O(M (d + C)).
  ///
  /// - Parameter coefficients: `[C, d]`.
  /// - Precondition: latent neurons contribute nothing (`latent` is nil).
  public func adding(linear coefficients: Matrix) -> Predictor {
    precondition(
      coefficients.rows == outputCount && coefficients.columns == dimension,
      "coefficients [\(coefficients.rows), \(coefficients.columns)] for \(outputCount) outputs of "
        + "\(dimension) inputs")
    precondition(latent == nil, "neurons that are not stored have no place for a linear part")
    let slope = Self.slope(over: threshold)
    let total = count + 2 * outputCount
    let weights = weights.growing(toRows: total)
    let outputs = outputs.growing(toRows: total)
    for output in 0..<outputCount {
      for (side, sign) in [Float(1), -1].enumerated() {
        let row = count + 2 * output + side
        weights.setRow(row, to: coefficients.rowArray(output).map { sign * slope * $0 })
        outputs[row, output] = sign / (slope * factor)
      }
    }
    return Predictor(
      weights: weights, outputs: outputs, threshold: threshold, factor: factor,
      shards: shards.dropLast() + [total])
  }

  /// A network of the same shape that says nothing.
  package func withoutNeurons() -> Predictor {
    Predictor(
      weights: weights.gather(0..<0), outputs: outputs.gather(0..<0), threshold: threshold,
      factor: factor, shards: [0, 0])
  }

  /// The power of two that makes `threshold` small.
  private static func slope(over threshold: Float) -> Float {
    let size = max(abs(threshold), 0x1p-16)
    return Float(sign: .plus, exponent: Int(size.exponent) + 17, significand: 1)
  }
}
