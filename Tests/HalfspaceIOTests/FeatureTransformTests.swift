// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import HalfspaceLinalg
import Testing

@Suite struct FeatureTransformTests {
  /// Rows of features with different scales and skews, one feature constant.
  private func sample(rows: Int, seed: UInt64 = 1) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    func uniform() -> Double { Double(generator.next() >> 11) * 0x1p-53 }
    let matrix = Matrix(rows: rows, columns: 5)
    for row in 0..<rows {
      matrix[row, 0] = Float(uniform() - 0.5)
      matrix[row, 1] = Float(1000 + 7 * uniform())
      matrix[row, 2] = 0.1
      matrix[row, 3] = Float(exp(5 * uniform()))
      matrix[row, 4] = Float(generator.below(2))
    }
    return matrix
  }

  private func norm(_ row: [Float]) -> Double {
    row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  @Test(arguments: FeatureTransform.Scaling.allCases, [nil, 2.5])
  func `rows have norm one and the right number of coordinates`(
    _ scaling: FeatureTransform.Scaling, _ constant: Double?
  ) throws {
    let matrix = sample(rows: 200)
    let transform = try FeatureTransform(fitting: matrix, scaling: scaling, constant: constant)
    let result = try transform.apply(to: matrix)
    #expect(transform.inputCount == 5)
    #expect(transform.outputCount == (constant == nil ? 5 : 6))
    #expect(result.columns == transform.outputCount)
    for row in 0..<200 {
      #expect(abs(norm(result.rowArray(row)) - 1) < 1e-6)
      // A constant is at the center, or, where zeros stay zeros, as large as it may be.
      #expect(scaling.keepsZeros ? result[row, 2] > 0 : result[row, 2] == 0)
      if constant != nil { #expect(result[row, 5] > 0) }
    }
  }

  @Test func `the steps are scale, append, normalize`() throws {
    // Column 0: mean 2, deviation 1. Column 1: mean 0, deviation 10.
    let matrix = Matrix([[1, -10], [3, 10]])
    let standardized = try FeatureTransform(fitting: matrix, scaling: .standardize, constant: 2)
    let expected: [Float] = [-1, -1, 2].map { Float($0 / 6.0.squareRoot()) }
    #expect(try standardized.apply(to: matrix).rowArray(0) == expected)
    // One scale: the root of (1 + 100) / 2.
    let common = try FeatureTransform(fitting: matrix, scaling: .commonScale, constant: 2)
    let scale = 50.5.squareRoot()
    let row = [1 / scale, 10 / scale, 2]
    let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let result = try common.apply(to: matrix).rowArray(1)
    for (value, reference) in zip(result, row) {
      #expect(abs(Double(value) - reference / length) < 1e-7)
    }
  }

  @Test(arguments: [FeatureTransform.Scaling.standardize, .rank])
  func `positive scales and shifts of a feature do not matter`(
    _ scaling: FeatureTransform.Scaling
  ) throws {
    let matrix = sample(rows: 300)
    let changed = matrix.copy()
    for row in 0..<300 {
      for column in 0..<5 { changed[row, column] = 4 * matrix[row, column] }
    }
    let plain = try FeatureTransform(fitting: matrix, scaling: scaling, constant: 1)
    let other = try FeatureTransform(fitting: changed, scaling: scaling, constant: 1)
    #expect(try plain.apply(to: matrix).isIdentical(to: try other.apply(to: changed)))
  }

  @Test func `one common scale turns with all features together`() throws {
    let matrix = sample(rows: 100)
    let changed = matrix.copy()
    for row in 0..<100 {
      for column in 0..<5 { changed[row, column] = 8 * matrix[row, column] }
    }
    let plain = try FeatureTransform(fitting: matrix, scaling: .commonScale, constant: 1)
    let other = try FeatureTransform(fitting: changed, scaling: .commonScale, constant: 1)
    #expect(try plain.apply(to: matrix).isIdentical(to: try other.apply(to: changed)))
  }

  // MARK: Ranks

  @Test func `ranks become Gaussian quantiles, whatever the skew`() throws {
    let values: [Float] = [3, 1, 2, 2, 1000]
    let matrix = Matrix(values.map { [$0, 0] })
    let transform = try FeatureTransform(fitting: matrix, scaling: .rank, constant: 1)
    let result = try transform.apply(to: matrix)
    // Middle ranks over 5 rows: 1 -> 0.1, 2 and 2 -> 0.4, 3 -> 0.7, 1000 -> 0.9.
    let quantiles = [0.524400512708041, -1.2815515655446, -0.2533471031358, nil, 1.2815515655446]
    for (row, quantile) in quantiles.enumerated() {
      let expected = quantile ?? -0.2533471031358
      #expect(abs(Double(result[row, 0] / result[row, 2]) - expected) < 1e-6)
    }
    // Between training values it is interpolated, beyond them it stays.
    let others = try transform.apply(to: Matrix([[2.5, 0], [-7, 0], [3e38, 0]]))
    for (row, expected) in [0.13552670, -1.28155157, 1.28155157].enumerated() {
      #expect(abs(Double(others[row, 0] / others[row, 2]) - expected) < 1e-6)
    }
  }

  @Test func `a monotone change of a feature leaves its ranks alone`() throws {
    let matrix = sample(rows: 400)
    let changed = matrix.copy()
    for row in 0..<400 { changed[row, 3] = matrix[row, 3] * matrix[row, 3] * matrix[row, 3] }
    let plain = try FeatureTransform(fitting: matrix, scaling: .rank)
    let other = try FeatureTransform(fitting: changed, scaling: .rank)
    #expect(try plain.apply(to: matrix).isIdentical(to: try other.apply(to: changed)))
  }

  @Test func `a thousand knots stand for many values`() throws {
    let rows = 20_000
    let matrix = Matrix(rows: rows, columns: 1)
    for row in 0..<rows { matrix[row, 0] = Float((row * 7919) % rows) }
    let transform = try FeatureTransform(fitting: matrix, scaling: .rank, constant: 1)
    let result = try transform.apply(to: matrix)
    for row in stride(from: 0, to: rows, by: 131) {
      let rank = (Double(matrix[row, 0]) + 0.5) / Double(rows)
      guard rank > 0.01, rank < 0.99 else { continue }
      let expected = -GaussianTail.threshold(forProbability: rank)
      #expect(abs(Double(result[row, 0] / result[row, 1]) - expected) < 0.002)
    }
    // A few kilobytes however many rows there were.
    #expect(try JSONEncoder().encode(transform).count < 40_000)
  }

  // MARK: Unusual values

  @Test(arguments: FeatureTransform.Scaling.allCases)
  func `every finite input gives finite output`(_ scaling: FeatureTransform.Scaling) throws {
    let huge = Float.greatestFiniteMagnitude
    let tiny = Float.leastNonzeroMagnitude
    let odd = Matrix([
      [huge, 1, tiny, 0], [-huge, 1, 0, 0], [huge, 1.0000001, -tiny, 0], [0, 1, tiny, 0],
    ])
    let plain = Matrix([[1, 2, 3, 4], [2, 3, 5, 4], [0, 1, 1, 4]])
    for training in [odd, plain] {
      let transform = try FeatureTransform(fitting: training, scaling: scaling, constant: 2)
      for rows in [odd, plain] {
        let result = try transform.apply(to: rows)
        #expect(result.isFinite)
        for row in 0..<rows.rows { #expect(abs(norm(result.rowArray(row)) - 1) < 1e-6) }
      }
    }
  }

  @Test func `outliers are clipped to the limit`() throws {
    let transform = try FeatureTransform(
      fitting: Matrix([[-1, -1], [1, 1]]), scaling: .standardize, constant: 1)
    let result = try transform.apply(to: Matrix([[1e38, 0]]))
    #expect(result[0, 0] == 1)
    #expect(result[0, 2] == Float(1 / FeatureTransform.limit))
  }

  @Test(arguments: FeatureTransform.Scaling.allCases.filter { !$0.keepsZeros })
  func `a row at the center stays zero without a constant`(
    _ scaling: FeatureTransform.Scaling
  ) throws {
    let training = Matrix([[-1, 5, -3], [0, 5, 0], [1, 5, 3]])
    let center = Matrix([[0, 5, 0], [0, 9, 0]])
    let zero = try FeatureTransform(fitting: training, scaling: scaling).apply(to: center)
    #expect(zero.rowArray(0) == [0, 0, 0])
    #expect(zero.rowArray(1) == [0, 0, 0])
    let one = try FeatureTransform(fitting: training, scaling: scaling, constant: -3)
      .apply(to: center)
    #expect(one.rowArray(0) == [0, 0, 0, -1])
  }

  @Test func `NaN and infinities are refused with their place`() throws {
    let matrix = sample(rows: 3)
    let transform = try FeatureTransform(fitting: matrix, scaling: .standardize)
    for value in [Float.nan, .infinity, -.infinity] {
      let bad = matrix.copy()
      bad[1, 3] = value
      let applied = #expect(throws: FeatureTransformError.self) { try transform.apply(to: bad) }
      #expect(applied?.description == "feature 4 of row 2 is not a finite number")
      #expect(throws: FeatureTransformError.self) {
        try FeatureTransform(fitting: bad, scaling: .rank)
      }
    }
  }

  @Test func `wrong shapes and constants trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = try FeatureTransform(fitting: Matrix(rows: 0, columns: 3), scaling: .rank)
    }
    await #expect(processExitsWith: .failure) {
      let matrix = Matrix([[1, 2], [3, 4]])
      let transform = try FeatureTransform(fitting: matrix, scaling: .standardize)
      _ = try transform.apply(to: Matrix([[1, 2, 3]]))
    }
    await #expect(processExitsWith: .failure) {
      _ = try FeatureTransform(fitting: Matrix([[1]]), scaling: .standardize, constant: .nan)
    }
  }

  // MARK: Same bits

  @Test(arguments: FeatureTransform.Scaling.allCases)
  func `threads and company do not matter`(_ scaling: FeatureTransform.Scaling) throws {
    let matrix = sample(rows: 333)
    let transform = try FeatureTransform(fitting: matrix, scaling: scaling, constant: 2)
    let one = try transform.apply(to: matrix)
    for threads in [2, 5] {
      #expect(try transform.apply(to: matrix, threads: threads).isIdentical(to: one))
    }
    let rows = [332, 0, 64]
    #expect(try transform.apply(to: matrix.gather(rows)).isIdentical(to: one.gather(rows)))
    #expect(try transform.apply(to: Matrix(rows: 0, columns: 5)).rows == 0)
  }

  @Test(arguments: FeatureTransform.Scaling.allCases, [nil, 2.5])
  func `a transform survives JSON bit for bit`(
    _ scaling: FeatureTransform.Scaling, _ constant: Double?
  ) throws {
    let matrix = sample(rows: 100)
    let transform = try FeatureTransform(fitting: matrix, scaling: scaling, constant: constant)
    let decoded = try JSONDecoder().decode(
      FeatureTransform.self, from: try JSONEncoder().encode(transform))
    #expect(decoded == transform)
    #expect(try decoded.apply(to: matrix).isIdentical(to: try transform.apply(to: matrix)))
  }

  @Test(arguments: [
    #"{"scaling":"standardize","fit":{"linear":{"centers":[1,2],"scales":[1]}}}"#,
    #"{"scaling":"standardize","fit":{"linear":{"centers":[1],"scales":[-1]}}}"#,
    #"{"scaling":"standardize","fit":{"linear":{"centers":[],"scales":[]}}}"#,
    #"{"scaling":"rank","fit":{"linear":{"centers":[1],"scales":[1]}}}"#,
    #"{"scaling":"rank","fit":{"curves":{"_0":[{"knots":[],"scores":[]}]}}}"#,
    #"{"scaling":"rank","fit":{"curves":{"_0":[{"knots":[1,1],"scores":[0,1]}]}}}"#,
    #"{"scaling":"rank","fit":{"curves":{"_0":[{"knots":[1,2],"scores":[1,0]}]}}}"#,
    #"{"scaling":"rank","fit":{"curves":{"_0":[{"knots":[1,2],"scores":[1]}]}}}"#,
    #"{"scaling":"other","fit":{"linear":{"centers":[1],"scales":[1]}}}"#,
    #"{"scaling":"standardize"}"#,
  ])
  func `a damaged transform is refused`(_ text: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(FeatureTransform.self, from: Data(text.utf8))
    }
  }

  @Test func `the sound counterpart of the damaged transforms is accepted`() throws {
    for text in [
      #"{"scaling":"standardize","fit":{"linear":{"centers":[1,2],"scales":[1,0]}}}"#,
      #"{"scaling":"rank","fit":{"curves":{"_0":[{"knots":[1,2],"scores":[0,1]}]}}}"#,
    ] {
      let transform = try JSONDecoder().decode(FeatureTransform.self, from: Data(text.utf8))
      #expect(transform.inputCount > 0)
    }
  }

  // MARK: Suggestion

  @Test func `pixels suggest one common scale`() throws {
    let digits = try EmbeddedData.digits
    let features = try TableEncoder(fitting: digits, target: "digit").encode(digits)
    #expect(FeatureTransform.suggestedScaling(for: features) == .commonScale)
    // Also from a part of the rows.
    let part = features.gather(Array(stride(from: 0, to: 1797, by: 9)))
    #expect(FeatureTransform.suggestedScaling(for: part) == .commonScale)
  }

  @Test func `skewed amounts suggest ranks, indicators do not count`() {
    // An eighth power has skewness 2.3, a line none; a rare 1 is skewed, but has two values only.
    func table(_ columns: [(Int) -> Float]) -> Matrix {
      Matrix((0..<500).map { row in columns.map { $0(row) } })
    }
    let amount: (Int) -> Float = { row in
      let x = Float(row % 100) / 10
      return pow(x, 8)
    }
    let line: (Int) -> Float = { Float($0 % 97) }
    let rare: (Int) -> Float = { $0 % 100 == 0 ? 1 : 0 }
    #expect(FeatureTransform.suggestedScaling(for: table([amount, line, line])) == .rank)
    #expect(
      FeatureTransform.suggestedScaling(for: table([amount, line, line, line])) == .standardize)
    #expect(
      FeatureTransform.suggestedScaling(for: table([rare, rare, line, line])) == .standardize)
    #expect(FeatureTransform.suggestedScaling(for: table([rare])) == .standardize)
  }

  @Test func `mixed units suggest standardization`() {
    let narrow = sample(rows: 200)
    #expect(FeatureTransform.suggestedScaling(for: narrow) == .standardize)
    // 40 features, uniform on ranges that grow.
    var generator = SeededGenerator(seed: 5)
    let wide = Matrix(rows: 200, columns: 40)
    for row in 0..<200 {
      for column in 0..<40 { wide[row, column] = Float(generator.below(10 * (column + 1))) }
    }
    #expect(FeatureTransform.suggestedScaling(for: wide) == .standardize)
    #expect(FeatureTransform.suggestedScaling(for: Matrix(rows: 0, columns: 40)) == .standardize)
    #expect(FeatureTransform.suggestedScaling(for: Matrix(rows: 1, columns: 40)) == .standardize)
  }
}
