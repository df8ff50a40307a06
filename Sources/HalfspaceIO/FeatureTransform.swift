// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Puts rows of features on the unit sphere, as fitted on the training rows.
///
/// Four steps, in this order, the second and third where there is what they need:
/// 1. *Scaling*, feature by feature (`Scaling`). A feature that is constant in training becomes 0.
///    Scaled values are clipped to `-limit...limit`, which only outliers of a million standard
///    deviations notice.
/// 2. *Metric*: the linear map `metric` takes the place of the scaled features (`FeatureMetric`).
/// 3. *Constant coordinate*: the value `constant`, if there is one, is appended. It lets half-spaces
///    lie away from the origin and keeps something of a row's length through step 4: standardized
///    rows of p features have lengths about sqrt(p), and the constant sets the scale to
///    which they are compared.
/// 4. *Unit norm*: the row is divided by its Euclidean norm; a zero row stays zero.
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
    /// As `standardize`, but skewed features are looked at on a logarithmic scale first, each with the
    /// unit that leaves the least skewness: amounts and counts, of which larger ones than in training
    /// may come.
    case log
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
    /// As `linear`, of values on the scale of a unit (`LogUnits`); 0: as they are.
    case logarithms(units: [Double], centers: [Double], scales: [Double])
    /// A monotone curve per feature.
    case curves([QuantileCurve])
  }

  /// Scaled values are clipped to `-limit...limit`.
  public static let limit = 1e6

  /// How features are made comparable.
  public let scaling: Scaling
  /// The coordinate appended to every scaled row; nil: none.
  public let constant: Double?
  /// The map of scaled features; nil: none.
  public let metric: FeatureMetric?
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
  /// ranks and units of logarithms on a sample of them.
  init<Failure>(
    fitting sample: Matrix, scaling: Scaling, constant: Double?, rows: Int,
    forEachBlock: ((Matrix) -> Void) throws(Failure) -> Void
  ) throws(Failure) {
    self.scaling = scaling
    self.constant = constant
    metric = nil
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
    case .log:
      let units = LogUnits.suggested(for: sample)
      let moments = try Moments(
        rows: rows, columns: sample.columns, of: { Self.logarithms(of: $0, units: units) },
        forEachBlock: forEachBlock)
      fit = .logarithms(
        units: units, centers: moments.means, scales: moments.variances.map { $0.squareRoot() })
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

  private static func logarithms(of block: Matrix, units: [Double]) -> Matrix {
    let result = Matrix(rows: block.rows, columns: block.columns)
    for row in 0..<block.rows {
      for column in 0..<block.columns {
        result[row, column] = Float(
          LogUnits.value(Double(block[row, column]), unit: units[column]))
      }
    }
    return result
  }

  /// A transform that divides by the given scales and keeps zeros.
  init(scaling: Scaling, constant: Double?, scales: [Double]) {
    self.scaling = scaling
    self.constant = constant
    metric = nil
    fit = .linear(centers: scales.map { _ in 0 }, scales: scales)
  }

  /// The same scaling with another constant.
  func with(constant: Double?) -> FeatureTransform {
    FeatureTransform(scaling: scaling, constant: constant, metric: metric, fit: fit)
  }

  /// The same scaling and constant with another metric, a map `[q, p]`, or none.
  public func with(metric: FeatureMetric?) -> FeatureTransform {
    precondition(
      metric?.inputCount ?? inputCount == inputCount,
      "a metric of \(metric?.inputCount ?? 0) features for a transform of \(inputCount)")
    return FeatureTransform(scaling: scaling, constant: constant, metric: metric, fit: fit)
  }

  private init(scaling: Scaling, constant: Double?, metric: FeatureMetric?, fit: Fit) {
    self.scaling = scaling
    self.constant = constant
    self.metric = metric
    self.fit = fit
  }

  /// Number p of features.
  public var inputCount: Int {
    switch fit {
    case .linear(let centers, _), .logarithms(_, let centers, _): centers.count
    case .curves(let curves): curves.count
    }
  }

  /// Number of coordinates of a transformed row: p, or as many as the metric gives, and one more with
  /// a constant.
  public var outputCount: Int { mappedCount + (constant == nil ? 0 : 1) }

  /// Number of coordinates before the constant joins.
  private var mappedCount: Int { metric?.outputCount ?? inputCount }

  /// The transformed rows of `matrix` [n, p], shape `[n, outputCount]`; traps when p differs.
  /// O(n p), for ranks with a factor log(1000); O(n p q) more with a metric `[q, p]`.
  ///
  /// - Throws: `FeatureTransformError` for NaN and infinities. Every output is finite.
  public func apply(
    to matrix: Matrix, threads: Int = 1
  ) throws(FeatureTransformError) -> Matrix {
    let result = Matrix(rows: matrix.rows, columns: outputCount)
    try apply(to: matrix, into: result, threads: threads)
    return result
  }

  /// Writes the transformed rows of `matrix` to the first rows of `result` `[>= n, outputCount]`.
  ///
  /// - Returns: what each row was divided by, its norm before the last step.
  @discardableResult
  func apply(
    to matrix: Matrix, into result: Matrix, threads: Int = 1
  ) throws(FeatureTransformError) -> [Double] {
    try check(matrix)
    precondition(
      result.columns == outputCount && result.rows >= matrix.rows,
      "[\(result.rows), \(result.columns)] for \(matrix.rows) rows of \(outputCount)")
    let norms = Guarded([Double](repeating: 0, count: matrix.rows))
    parallelFor(matrix.rows, grain: 64, threads: threads) { rows in
      var scaled = [Double](repeating: 0, count: inputCount)
      var values = [Double](repeating: 0, count: outputCount)
      var found: [Double] = []
      for row in rows {
        scale(matrix, row, &scaled)
        found.append(normalize(scaled, &values))
        for column in values.indices { result[row, column] = Float(values[column]) }
      }
      norms.withLock { $0.replaceSubrange(rows, with: found) }
    }
    return norms.withLock { $0 }
  }

  /// The scaled and clipped rows of `matrix` [n, p], before a metric and a constant. O(n p).
  func scaled(_ matrix: Matrix) throws(FeatureTransformError) -> DoubleMatrix {
    try check(matrix)
    var result = DoubleMatrix(rows: matrix.rows, columns: inputCount)
    var values = [Double](repeating: 0, count: inputCount)
    for row in 0..<matrix.rows {
      scale(matrix, row, &values)
      for column in values.indices { result[row, column] = values[column] }
    }
    return result
  }

  private func check(_ matrix: Matrix) throws(FeatureTransformError) {
    precondition(
      matrix.columns == inputCount,
      "shape [\(matrix.rows), \(matrix.columns)] for a transform of \(inputCount) features")
    try FeatureTransformError.check(matrix)
  }

  /// Row `row` of `matrix`, scaled and clipped.
  private func scale(_ matrix: Matrix, _ row: Int, _ values: inout [Double]) {
    switch fit {
    case .linear(let centers, let scales):
      for column in centers.indices {
        let centered = Double(matrix[row, column]) - centers[column]
        values[column] = scales[column] > 0 ? centered / scales[column] : 0
      }
    case .logarithms(let units, let centers, let scales):
      for column in centers.indices {
        let centered =
          LogUnits.value(Double(matrix[row, column]), unit: units[column]) - centers[column]
        values[column] = scales[column] > 0 ? centered / scales[column] : 0
      }
    case .curves(let curves):
      for column in curves.indices {
        values[column] = curves[column].value(at: matrix[row, column])
      }
    }
    for column in values.indices {
      values[column] = min(max(values[column], -Self.limit), Self.limit)
    }
  }

  /// A scaled row, mapped, extended and normalized; returns the norm.
  private func normalize(_ scaled: [Double], _ values: inout [Double]) -> Double {
    if let metric {
      var room = values.mutableSpan
      metric.apply(to: scaled.span, into: &room)
    } else {
      for column in scaled.indices { values[column] = scaled[column] }
    }
    if let constant { values[mappedCount] = min(max(constant, -Self.limit), Self.limit) }
    var squaredNorm = 0.0
    for value in values { squaredNorm += value * value }
    guard squaredNorm > 0 else { return 0 }
    let norm = squaredNorm.squareRoot()
    for column in values.indices { values[column] /= norm }
    return norm
  }
}
