// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension FeatureTransform.Scaling {
  /// Whether zeros stay zeros, so that sparse rows stay sparse.
  public var keepsZeros: Bool {
    switch self {
    case .maximum, .rootMeanSquare: true
    case .standardize, .commonScale, .rank, .log: false
    }
  }
}

extension FeatureTransform {
  /// Fits a transform on sparse training rows `[n, p]`, at least one; the scaling keeps zeros.
  /// O(entries). The transform of the rows with their zeros is the same.
  ///
  /// - Throws: `FeatureTransformError` for NaN and infinities.
  public init(
    fitting matrix: SparseMatrix, scaling: Scaling, constant: Double? = nil
  ) throws(FeatureTransformError) {
    precondition(scaling.keepsZeros, "\(scaling) does not keep the zeros of sparse rows")
    precondition(
      matrix.rows > 0 && matrix.columns > 0,
      "a transform cannot be fitted on shape [\(matrix.rows), \(matrix.columns)]")
    try FeatureTransformError.check(matrix)
    var spread = ColumnSpread(columns: matrix.columns)
    for entry in 0..<matrix.count {
      spread.add(matrix.values[entry], column: Int(matrix.indices[entry]))
    }
    self.init(
      scaling: scaling, constant: constant,
      scales: scaling == .maximum ? spread.maxima : spread.rootMeanSquares(rows: matrix.rows))
  }

  /// The transformed rows of sparse rows `[n, p]`, sparse, `[n, outputCount]`: bit for bit those of
  /// the rows with their zeros. O(entries).
  ///
  /// - Throws: `FeatureTransformError` for NaN and infinities. Every output is finite.
  public func apply(to matrix: SparseMatrix) throws(FeatureTransformError) -> SparseMatrix {
    guard case .linear(_, let scales) = fit, scaling.keepsZeros, metric == nil else {
      preconditionFailure(
        "\(metric == nil ? "\(scaling)" : "a metric") does not keep the zeros of sparse rows")
    }
    precondition(
      matrix.columns == inputCount,
      "shape [\(matrix.rows), \(matrix.columns)] for a transform of \(inputCount) features")
    try FeatureTransformError.check(matrix)
    var offsets = [0]
    var indices: [Int32] = []
    var values: [Float] = []
    offsets.reserveCapacity(matrix.rows + 1)
    let room = matrix.count + (constant == nil ? 0 : matrix.rows)
    indices.reserveCapacity(room)
    values.reserveCapacity(room)
    var row: [Double] = []
    for number in 0..<matrix.rows {
      row.removeAll(keepingCapacity: true)
      var squaredNorm = 0.0
      for entry in matrix.entries(ofRow: number) {
        let scale = scales[Int(matrix.indices[entry])]
        let scaled = scale > 0 ? Double(matrix.values[entry]) / scale : 0
        let value = min(max(scaled, -Self.limit), Self.limit)
        squaredNorm += value * value
        row.append(value)
      }
      let constant = constant.map { min(max($0, -Self.limit), Self.limit) }
      if let constant { squaredNorm += constant * constant }
      let norm = squaredNorm > 0 ? squaredNorm.squareRoot() : 1
      for (entry, value) in zip(matrix.entries(ofRow: number), row) where value != 0 {
        indices.append(matrix.indices[entry])
        values.append(Float(value / norm))
      }
      if let constant, constant != 0 {
        indices.append(Int32(inputCount))
        values.append(Float(constant / norm))
      }
      offsets.append(indices.count)
    }
    return SparseMatrix(columns: outputCount, offsets: offsets, indices: indices, values: values)
  }

  /// The root of the mean squared length of scaled rows, before the constant joins. O(entries).
  func typicalLength(of matrix: SparseMatrix) -> Double {
    guard case .linear(_, let scales) = fit, matrix.rows > 0 else { return 1 }
    var sum = 0.0
    for entry in 0..<matrix.count {
      let scale = scales[Int(matrix.indices[entry])]
      guard scale > 0 else { continue }
      let scaled = Double(matrix.values[entry]) / scale
      let value = min(max(scaled, -Self.limit), Self.limit)
      sum += value * value
    }
    return (sum / Double(matrix.rows)).squareRoot()
  }
}

/// What scalings that keep zeros need to know of the columns.
struct ColumnSpread {
  /// The largest magnitude in each column.
  private(set) var maxima: [Double]
  private var squares: [Double]

  init(columns: Int) {
    maxima = .init(repeating: 0, count: columns)
    squares = maxima
  }

  /// Adds an element; zeros need not be added.
  mutating func add(_ value: Float, column: Int) {
    let value = abs(Double(value))
    if value > maxima[column] { maxima[column] = value }
    squares[column] += value * value
  }

  /// The root of each column's mean square over so many rows.
  func rootMeanSquares(rows: Int) -> [Double] {
    squares.map { ($0 / Double(rows)).squareRoot() }
  }
}
