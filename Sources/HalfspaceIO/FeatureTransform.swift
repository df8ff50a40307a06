// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Puts rows of features on the unit sphere, as fitted on the training rows.
///
/// Three steps, in this order:
/// 1. *Scaling*, feature by feature (`Scaling`). A feature that is constant in training becomes 0.
///    Scaled values are clipped to `-limit...limit`, which only outliers of a million standard
///    deviations notice.
/// 2. *Constant coordinate*: the value `constant`, if there is one, is appended. It lets half-spaces
///    lie away from the origin and keeps something of a row's length through step 3: standardized
///    rows of p features have lengths about sqrt(p), and the constant sets the scale to
///    which they are compared.
/// 3. *Unit norm*: the row is divided by its Euclidean norm; a zero row stays zero.
///
/// ```swift
/// let transform = try FeatureTransform(fitting: features, scaling: .standardize, constant: 2.5)
/// let inputs = try transform.apply(to: features)   // [n, p + 1], rows of norm 1
/// ```
///
/// Sums run in `Double` and in a fixed order, rows are independent: the same input gives the same
/// bits whatever the number of threads. The transform is `Codable` so that it can be part of a
/// model file; decoding checks that it is sound.
public struct FeatureTransform: Sendable, Equatable {
  /// How features are made comparable.
  public enum Scaling: String, Sendable, Codable, CaseIterable {
    /// Every feature is centered and divided by its own standard deviation: features of different
    /// units.
    case standardize
    /// Every feature is centered, and all are divided by one scale, the root of the mean
    /// variance: pixels and other features of one unit, whose spread is information.
    case commonScale = "common-scale"
    /// Every feature is replaced by the Gaussian quantile of its rank among the training values:
    /// skewed features. Ties share their middle rank; between the up to 1000 stored values the
    /// quantile is interpolated, beyond the first and last it stays.
    case rank
    /// Every feature is divided by its largest magnitude in training and not centered: zeros stay
    /// zeros. What sparse rows are scaled by unless something else is asked for.
    case maximum
    /// Every feature is divided by the root of its mean square in training and not centered: rare
    /// features weigh more than with `maximum`.
    case rootMeanSquare = "root-mean-square"
  }

  /// What scaling needs to know of the training rows.
  enum Fit: Sendable, Equatable, Codable {
    /// `(x - center) / scale` per feature; 0 where the scale is 0.
    case linear(centers: [Double], scales: [Double])
    /// A monotone curve per feature.
    case curves([QuantileCurve])
  }

  /// Scaled values are clipped to `-limit...limit`.
  public static let limit = 1e6

  /// How features are made comparable.
  public let scaling: Scaling
  /// The coordinate appended to every scaled row; nil: none.
  public let constant: Double?
  let fit: Fit

  /// Fits a transform on training rows of shape `[n, p]`, at least one. O(n p); O(n p log n) for
  /// ranks.
  ///
  /// - Throws: `FeatureTransformError` for NaN and infinities.
  public init(
    fitting matrix: Matrix, scaling: Scaling, constant: Double? = nil
  ) throws(FeatureTransformError) {
    precondition(
      matrix.rows > 0 && matrix.columns > 0,
      "a transform cannot be fitted on shape [\(matrix.rows), \(matrix.columns)]")
    precondition(constant?.isFinite ?? true, "constant \(constant ?? 0) is not finite")
    try FeatureTransformError.check(matrix)
    self.init(
      fitting: matrix, scaling: scaling, constant: constant, rows: matrix.rows
    ) { body in body(matrix) }
  }

  /// Fits a transform on `rows` rows that come in blocks `[b, p]`, each pass over them being a call;
  /// ranks on a sample of them.
  init<Failure>(
    fitting sample: Matrix, scaling: Scaling, constant: Double?, rows: Int,
    forEachBlock: ((Matrix) -> Void) throws(Failure) -> Void
  ) throws(Failure) {
    self.scaling = scaling
    self.constant = constant
    switch scaling {
    case .rank:
      fit = .curves(
        (0..<sample.columns).map { column in
          QuantileCurve(fitting: (0..<sample.rows).map { sample[$0, column] })
        })
    case .standardize, .commonScale:
      let moments = try Moments(rows: rows, columns: sample.columns, forEachBlock: forEachBlock)
      var scales = moments.variances.map { $0.squareRoot() }
      if scaling == .commonScale {
        let mean = moments.variances.reduce(0, +) / Double(sample.columns)
        // A constant feature would show the rounding of its mean, or a new value, at full size.
        scales = scales.map { $0 > 0 ? mean.squareRoot() : 0 }
      }
      fit = .linear(centers: moments.means, scales: scales)
    case .maximum, .rootMeanSquare:
      var spread = ColumnSpread(columns: sample.columns)
      try forEachBlock { block in
        for row in 0..<block.rows {
          for column in 0..<block.columns { spread.add(block[row, column], column: column) }
        }
      }
      let scales = scaling == .maximum ? spread.maxima : spread.rootMeanSquares(rows: rows)
      fit = .linear(centers: scales.map { _ in 0 }, scales: scales)
    }
  }

  /// A transform that divides by the given scales and keeps zeros.
  init(scaling: Scaling, constant: Double?, scales: [Double]) {
    self.scaling = scaling
    self.constant = constant
    fit = .linear(centers: scales.map { _ in 0 }, scales: scales)
  }

  /// The same scaling with another constant.
  func with(constant: Double?) -> FeatureTransform {
    FeatureTransform(scaling: scaling, constant: constant, fit: fit)
  }

  private init(scaling: Scaling, constant: Double?, fit: Fit) {
    self.scaling = scaling
    self.constant = constant
    self.fit = fit
  }

  /// Number p of features.
  public var inputCount: Int {
    switch fit {
    case .linear(let centers, _): centers.count
    case .curves(let curves): curves.count
    }
  }

  /// Number of coordinates of a transformed row: p, and one more with a constant.
  public var outputCount: Int { inputCount + (constant == nil ? 0 : 1) }

  /// The transformed rows of `matrix` [n, p], shape `[n, outputCount]`; traps when p differs.
  /// O(n p), for ranks with a factor log(1000).
  ///
  /// - Throws: `FeatureTransformError` for NaN and infinities. Every output is finite.
  public func apply(
    to matrix: Matrix, threads: Int = 1
  ) throws(FeatureTransformError) -> Matrix {
    precondition(
      matrix.columns == inputCount,
      "shape [\(matrix.rows), \(matrix.columns)] for a transform of \(inputCount) features")
    let result = Matrix(rows: matrix.rows, columns: outputCount)
    try apply(to: matrix, into: result, threads: threads)
    return result
  }

  /// Writes the transformed rows of `matrix` to the first rows of `result` `[>= n, outputCount]`.
  func apply(
    to matrix: Matrix, into result: Matrix, threads: Int = 1
  ) throws(FeatureTransformError) {
    precondition(
      result.columns == outputCount && result.rows >= matrix.rows,
      "[\(result.rows), \(result.columns)] for \(matrix.rows) rows of \(outputCount)")
    try FeatureTransformError.check(matrix)
    parallelFor(matrix.rows, grain: 64, threads: threads) { rows in
      var values = [Double](repeating: 0, count: outputCount)
      for row in rows {
        transform(matrix, row, &values)
        for column in values.indices { result[row, column] = Float(values[column]) }
      }
    }
  }

  /// Row `row` of `matrix`, scaled, extended and normalized.
  private func transform(_ matrix: Matrix, _ row: Int, _ values: inout [Double]) {
    switch fit {
    case .linear(let centers, let scales):
      for column in centers.indices {
        let centered = Double(matrix[row, column]) - centers[column]
        values[column] = scales[column] > 0 ? centered / scales[column] : 0
      }
    case .curves(let curves):
      for column in curves.indices {
        values[column] = curves[column].value(at: matrix[row, column])
      }
    }
    var squaredNorm = 0.0
    for column in 0..<inputCount {
      values[column] = min(max(values[column], -Self.limit), Self.limit)
      squaredNorm += values[column] * values[column]
    }
    if let constant {
      values[inputCount] = min(max(constant, -Self.limit), Self.limit)
      squaredNorm += values[inputCount] * values[inputCount]
    }
    guard squaredNorm > 0 else { return }
    let norm = squaredNorm.squareRoot()
    for column in values.indices { values[column] /= norm }
  }
}
