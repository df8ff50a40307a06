// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Puts rows on the unit sphere, as a part of a model: `y = (x, constant) / ||(x, constant)||`.
///
/// Wide layers want inputs of norm 1; the constant coordinate lets half-spaces lie away from the
/// origin and keeps something of a row's length (see `FeatureTransform`, whose last two steps these
/// are). Without a constant a zero row stays zero, and its gradient is zero.
///
/// ```swift
/// var normalization = RowNormalization(constant: 1)
/// let inputs = normalization.forward(rows)                  // [B, d + 1]
/// let rowGradient = normalization.backward(inputGradient)   // [B, d]
/// ```
public struct RowNormalization: Sendable {
  /// The coordinate appended to every row; nil: none.
  public let constant: Float?
  /// Normalized rows and inverse norms of the last batch.
  private var outputs: Matrix?
  private var inverseNorms: [Double] = []

  /// A normalization. Traps unless the constant is finite.
  public init(constant: Float? = nil) {
    precondition(constant?.isFinite ?? true, "the constant \(constant ?? 0) is not finite")
    self.constant = constant
  }

  /// Number of coordinates of a normalized row of d.
  public func outputCount(of dimension: Int) -> Int { dimension + (constant == nil ? 0 : 1) }

  /// The normalized rows `[B, d]` or `[B, d + 1]` of a batch `[B, d]`, kept for `backward`. Norms are
  /// taken in `Double`. O(B d).
  public mutating func forward(_ rows: Matrix) -> Matrix {
    let (result, inverses) = normalize(rows)
    outputs = result
    inverseNorms = inverses
    return result
  }

  /// As `forward(_:)`, with nothing kept.
  public func apply(to rows: Matrix) -> Matrix { normalize(rows).rows }

  private func normalize(_ rows: Matrix) -> (rows: Matrix, inverseNorms: [Double]) {
    let columns = rows.columns
    let result = Matrix(rows: rows.rows, columns: outputCount(of: columns))
    var inverses: [Double] = []
    for k in 0..<rows.rows {
      let (x, y) = unsafe (rows.row(k), result.row(k))
      var square = constant.map { Double($0) * Double($0) } ?? 0
      for c in 0..<columns { square += unsafe Double(x[c]) * Double(x[c]) }
      let inverse = square > 0 ? 1 / square.squareRoot() : 0
      for c in 0..<columns { unsafe y[c] = Float(Double(x[c]) * inverse) }
      if let constant { unsafe y[columns] = Float(Double(constant) * inverse) }
      inverses.append(inverse)
    }
    return (result, inverses)
  }

  /// The gradient with respect to the rows `[B, d]` of the last `forward`, from the one with respect
  /// to its results: `(g - <g, y> y) / ||(x, constant)||`, the constant's coordinate left out.
  /// O(B d).
  public func backward(_ gradient: Matrix) -> Matrix {
    guard let outputs else { preconditionFailure("a backward pass needs a forward pass") }
    precondition(
      gradient.rows == outputs.rows && gradient.columns == outputs.columns,
      "a gradient [\(gradient.rows), \(gradient.columns)] for rows [\(outputs.rows), "
        + "\(outputs.columns)]")
    let columns = outputs.columns - (constant == nil ? 0 : 1)
    let result = Matrix(rows: outputs.rows, columns: columns)
    for k in 0..<outputs.rows where inverseNorms[k] > 0 {
      let (g, y, x) = unsafe (gradient.row(k), outputs.row(k), result.row(k))
      var product = 0.0
      for c in 0..<outputs.columns { product += unsafe Double(g[c]) * Double(y[c]) }
      for c in 0..<columns {
        unsafe x[c] = Float((Double(g[c]) - product * Double(y[c])) * inverseNorms[k])
      }
    }
    return result
  }
}
