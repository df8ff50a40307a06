// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Foundation
internal import HalfspaceLinalg
internal import HalfspaceNN

/// A linear function of transformed inputs, fitted in closed form where the loss allows: what a network
/// begins with that is to be no worse than a linear model.
///
/// Numbers: ridge regression, `(XᵀX + λ)⁻¹ Xᵀ y`. Classes and labels: logistic regression with the
/// penalty `λ |B|² / 2`, by accelerated steps with the fixed bound of the curvature (Böhning, "Multinomial
/// logistic regression algorithm", 1992), each as cheap as ridge regression once XᵀX is decomposed. λ is
/// the one with the least generalized cross-validation error of ridge regression (Golub, Heath and Wahba,
/// 1979), for classes on their indicators. The last input, if it is the constant coordinate, is hardly
/// penalized.
struct LinearFit {
  /// Inputs beyond which none is fitted: it takes O(d³).
  static let inputLimit = 512
  /// Rows that are looked at, at most.
  static let rowLimit = 1 << 14
  private static let steps = 60
  private static let penalties = stride(from: -6.0, through: 3, by: 0.25).map { pow(10, $0) }
  /// What the constant coordinate is multiplied by.
  private static let constantFactor = 32.0

  /// The coefficients `[C, d]`.
  let coefficients: Matrix

  /// What is to be explained.
  enum Link {
    case identity, logistic, softmax

    init(_ loss: Loss) {
      switch loss {
      case .softmaxCrossEntropy: self = .softmax
      case .logistic, .oneVersusRestLogistic, .hinge: self = .logistic
      case .squared, .absolute, .huber: self = .identity
      }
    }

    /// The largest second derivative of the loss of a row.
    var curvature: Double {
      switch self {
      case .identity: 1
      case .logistic: 0.25
      case .softmax: 0.5
      }
    }
  }

  /// Fits to transformed rows `[n, d]`, d at most `inputLimit`; beyond `rowLimit` rows to some of them.
  /// The eigensystem is that of LAPACKE, whose last bits differ between processors; coefficients are
  /// rounded to 2^-20 of the largest.
  ///
  /// - Complexity: O(n d² + d³), for classes O(n d C) a step.
  /// - Throws: `FactorizationError`.
  init(
    to inputs: Matrix, targets: Targets, weights: [Double]?, loss: Loss, hasConstant: Bool
  ) throws {
    let chosen = EvenSample.rows(Self.rowLimit, of: Array(0..<inputs.rows))
    let problem = Problem(
      inputs: inputs, targets: targets, weights: weights, rows: chosen,
      constantFactor: hasConstant ? Self.constantFactor : 1)
    let size = inputs.columns
    let (values, vectors) = try problem.square.symmetricEigensystem()
    let basis = Basis(values: values.map { max(0, $0) }, vectors: vectors)
    let penalty = basis.penalty(problem, candidates: Self.penalties)
    let link = Link(loss)
    var solution: DoubleMatrix
    switch link {
    case .identity: solution = basis.solve(problem.moments, penalty: penalty, curvature: 1)
    case .logistic, .softmax:
      // What a penalty of least squares is to the likelihood, whose curvature is less.
      let count = Double(problem.outputs.columns)
      let share = link == .softmax ? 1 / max(2, count) : 0.25
      solution = problem.logistic(link, basis, penalty: penalty * share, steps: Self.steps)
    }
    if hasConstant {
      for c in 0..<solution.columns { solution[size - 1, c] *= Self.constantFactor }
    }
    coefficients = Self.rounded(solution)
  }

  private static func rounded(_ solution: DoubleMatrix) -> Matrix {
    let largest = solution.elements.reduce(0) { max($0, abs($1)) }
    let result = Matrix(rows: solution.columns, columns: solution.rows)
    guard largest > 0, largest.isFinite else { return result }
    let unit = Double(sign: .plus, exponent: largest.exponent - 20, significand: 1)
    for c in 0..<solution.columns {
      for j in 0..<solution.rows {
        result[c, j] = Float((solution[j, c] / unit).rounded() * unit)
      }
    }
    return result
  }

  /// What the fit says of transformed rows, `[n, C]`. O(n d C).
  func scores(of inputs: Matrix) -> Matrix {
    let result = Matrix(
      rows: inputs.rows, columns: coefficients.rows, packedSingleColumn: true)
    for row in 0..<inputs.rows {
      let x = inputs.rowArray(row)
      for c in 0..<coefficients.rows {
        var sum = 0.0
        for (j, value) in x.enumerated() { sum += Double(value) * Double(coefficients[c, j]) }
        result[row, c] = Float(sum)
      }
    }
    return result
  }
}

extension LinearFit {
  /// The eigensystem of XᵀX.
  fileprivate struct Basis {
    let values: [Double]
    let vectors: DoubleMatrix

    /// `(curvature XᵀX + penalty)⁻¹ right`, `[d, C]`.
    func solve(_ right: DoubleMatrix, penalty: Double, curvature: Double) -> DoubleMatrix {
      var turned = vectors.transposedTimes(right)
      for j in 0..<turned.rows {
        for c in 0..<turned.columns { turned[j, c] /= curvature * values[j] + penalty }
      }
      return vectors.times(turned)
    }

    /// The penalty with the least error of generalized cross-validation over all outputs.
    func penalty(_ problem: Problem, candidates: [Double]) -> Double {
      let turned = vectors.transposedTimes(problem.moments)
      let squares = (0..<turned.rows).map { j in
        (0..<turned.columns).reduce(0.0) { $0 + turned[j, $1] * turned[j, $1] }
      }
      let total = problem.outputs.elements.reduce(0) { $0 + $1 * $1 }
      let rows = Double(problem.inputs.rows)
      let unit = values.reduce(0, +) / Double(values.count)
      var best = (error: Double.infinity, penalty: unit)
      for candidate in candidates {
        let penalty = candidate * unit
        var (residual, freedom) = (total, 0.0)
        for (value, square) in zip(values, squares) where value > 0 {
          let share = value / (value + penalty)
          freedom += share
          residual -= square / value * share * (2 - share)
        }
        guard freedom < 0.99 * rows else { continue }
        let error = max(0, residual) / ((1 - freedom / rows) * (1 - freedom / rows))
        if error < best.error { best = (error, penalty) }
      }
      return best.penalty
    }
  }

  /// Rows and targets in double precision; rows that count w times are multiplied by its root.
  fileprivate struct Problem {
    let inputs: DoubleMatrix
    /// Numbers, or indicators of classes and labels, `[n, C]`.
    let outputs: DoubleMatrix
    private let roots: [Double]
    let square: DoubleMatrix
    /// `Xᵀ Y`.
    let moments: DoubleMatrix

    init(
      inputs: Matrix, targets: Targets, weights: [Double]?, rows: [Int], constantFactor: Double
    ) {
      let all = weights.map { weights in rows.map { weights[$0] } }
      let mean = (all?.reduce(0, +) ?? Double(rows.count)) / Double(rows.count)
      roots =
        all.map { $0.map { mean > 0 ? ($0 / mean).squareRoot() : 1 } }
        ?? .init(repeating: 1, count: rows.count)
      var x = DoubleMatrix(rows: rows.count, columns: inputs.columns)
      var y = Self.indicators(targets.gather(rows))
      for (k, row) in rows.enumerated() {
        for j in 0..<inputs.columns { x[k, j] = Double(inputs[row, j]) * roots[k] }
        x[k, inputs.columns - 1] *= constantFactor
        for c in 0..<y.columns { y[k, c] *= roots[k] }
      }
      (self.inputs, outputs) = (x, y)
      square = x.transposedTimes(x)
      moments = x.transposedTimes(y)
    }

    private static func indicators(_ targets: Targets) -> DoubleMatrix {
      switch targets {
      case .values(let values):
        var y = DoubleMatrix(rows: values.rows, columns: values.columns)
        for row in 0..<y.rows {
          for c in 0..<y.columns { y[row, c] = Double(values[row, c]) }
        }
        return y
      case .classes(let classes, let count):
        var y = DoubleMatrix(rows: classes.count, columns: count)
        for (row, label) in classes.enumerated() { y[row, Int(label)] = 1 }
        return y
      case .labelSets(let sets, let count):
        var y = DoubleMatrix(rows: sets.count, columns: count)
        for (row, labels) in sets.enumerated() {
          for label in labels { y[row, Int(label)] = 1 }
        }
        return y
      }
    }

    /// The minimum of the penalized likelihood, after some steps of Nesterov's method in the metric of
    /// the curvature's bound, from zero.
    func logistic(_ link: Link, _ basis: Basis, penalty: Double, steps: Int) -> DoubleMatrix {
      let shape = (rows: inputs.columns, columns: outputs.columns)
      var current = DoubleMatrix(rows: shape.rows, columns: shape.columns)
      var ahead = current
      for step in 0..<steps {
        var right = inputs.transposedTimes(residuals(link, inputs.times(ahead)))
        for i in right.elements.indices { right.elements[i] -= penalty * ahead.elements[i] }
        let move = basis.solve(right, penalty: penalty, curvature: link.curvature)
        let momentum = Double(step) / Double(step + 3)
        for i in move.elements.indices {
          let next = ahead.elements[i] + move.elements[i]
          ahead.elements[i] = next + momentum * (next - current.elements[i])
          current.elements[i] = next
        }
      }
      return current
    }

    /// What the outputs are above the probabilities that scores stand for, row by row times the row's
    /// root; scores and outputs come multiplied by it.
    private func residuals(_ link: Link, _ scores: DoubleMatrix) -> DoubleMatrix {
      var result = outputs
      for row in 0..<scores.rows where roots[row] > 0 {
        let values = (0..<scores.columns).map { scores[row, $0] / roots[row] }
        let probabilities: [Double]
        if link == .softmax {
          let largest = values.reduce(-.infinity, max)
          let powers = values.map { exp($0 - largest) }
          let sum = powers.reduce(0, +)
          probabilities = powers.map { $0 / sum }
        } else {
          probabilities = values.map { 1 / (1 + exp(-$0)) }
        }
        for (c, probability) in probabilities.enumerated() {
          result[row, c] -= probability * roots[row]
        }
      }
      return result
    }
  }
}

extension DoubleMatrix {
  /// `self * other`.
  fileprivate func times(_ other: DoubleMatrix) -> DoubleMatrix {
    product(other, isTransposed: false)
  }

  /// `selfᵀ * other`.
  fileprivate func transposedTimes(_ other: DoubleMatrix) -> DoubleMatrix {
    product(other, isTransposed: true)
  }

  /// `self * other`, `self` transposed or as it is.
  private func product(_ other: DoubleMatrix, isTransposed: Bool) -> DoubleMatrix {
    let (m, k) = isTransposed ? (columns, rows) : (rows, columns)
    var result = DoubleMatrix(rows: m, columns: other.columns)
    unsafe hs_gemm_f64(
      isTransposed ? 1 : 0, 0, m, other.columns, k, 1, elements, columns, other.elements,
      other.columns, 0, &result.elements, other.columns)
    return result
  }
}
