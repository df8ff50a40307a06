// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Made-up inputs for tests: functions of their seeds, the same on every machine.
public enum TestData {
  /// A matrix of numbers that are nearly N(0, 1), times `scale`. O(rows * columns).
  public static func gaussian(
    _ rows: Int, _ columns: Int, seed: UInt64, scale: Float = 1
  ) -> Matrix {
    var source = NormalSource(seed: seed)
    let matrix = Matrix(rows: rows, columns: columns)
    for r in 0..<rows { matrix.setRow(r, to: (0..<columns).map { _ in scale * source.next() }) }
    return matrix
  }

  /// Points of the unit sphere, uniform. O(rows * columns).
  public static func unitRows(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    let matrix = gaussian(rows, columns, seed: seed)
    for r in 0..<rows { matrix.setRow(r, to: normalized(matrix.rowArray(r))) }
    return matrix
  }

  /// Small integers `-largest...largest`: sums of their products are exact in every order.
  /// O(rows * columns).
  public static func integers(
    _ rows: Int, _ columns: Int, seed: UInt64, largest: Int = 3
  ) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    let matrix = Matrix(rows: rows, columns: columns)
    for r in 0..<rows {
      for c in 0..<columns { matrix[r, c] = Float(generator.below(2 * largest + 1) - largest) }
    }
    return matrix
  }

  /// Points of the unit sphere in clouds around one direction per class, and their classes.
  /// O(rows * dimension).
  public static func clusters(
    rows: Int, dimension: Int, classes: Int, spread: Float = 0.4, seed: UInt64
  ) -> (inputs: Matrix, labels: [Int32]) {
    var source = NormalSource(seed: seed)
    let centers = (0..<classes).map { _ in (0..<dimension).map { _ in source.next() } }
    let inputs = Matrix(rows: rows, columns: dimension)
    var labels: [Int32] = []
    for r in 0..<rows {
      let label = source.generator.below(classes)
      labels.append(Int32(label))
      inputs.setRow(r, to: normalized(centers[label].map { $0 + spread * source.next() }))
    }
    return (inputs, labels)
  }

  private static func normalized(_ point: [Float]) -> [Float] {
    let norm = point.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return point.map { $0 / norm }
  }
}

/// Numbers of mean 0 and variance 1, as sums of twelve uniform ones: no `libm`, so the same bits
/// everywhere.
public struct NormalSource: Sendable {
  /// Where the uniform numbers come from.
  public var generator: SeededGenerator

  /// A source for one seed.
  public init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  /// The next number.
  public mutating func next() -> Float {
    // Twelve sums of 16 bits each, three draws: exact in Double, and cheap without optimization.
    var sum = 0.0
    for _ in 0..<3 {
      let bits = generator.next()
      for part in 0..<4 { sum += Double((bits >> UInt64(16 * part)) & 0xFFFF) + 0.5 }
    }
    return Float(sum / 65536 - 6)
  }
}
