// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Bounds how far a step of plain SGD moves each row, in O(1) for each firing pair: what lookups
/// that keep an account of drift want to be told, instead of looking at O(d) numbers. The backward
/// pass has the slopes at hand and adds up the terms given here.
///
/// A step adds to a row `alpha g`, `g` a chain of fused multiply-adds of slopes `s_e` and inputs
/// `x_e`. With u = 2^-24, n pairs and the computed row w':
///
///     ||g|| <= (1 + gamma(n)) sum |s_e| ||x_e|| + underflow,
///     ||w' - w|| <= |alpha| ||g|| + u ||w'|| + underflow.
///
/// The sum is computed in `Float`, which the factor makes up for; norms of inputs are upper bounds;
/// ||w'|| is at most the largest norm when last looked at, plus the largest move of every step since.
/// Of the last move, the factor has the rounding.
struct MoveBounds {
  /// What a row has moved in a step at most: the sum, over its pairs, of `|slope|` times the norm of the batch
  /// row, times the factor, plus the floor.
  struct Terms {
    /// Upper bounds of the norms of the rows of the batch.
    var norms: [Float]
    var factor: Float
    var floor: Float
  }

  /// What the bound of norms may grow to before they are measured again. The rounding of a row of 64 times its norm
  /// is still little.
  private static let mostGrowth = 64.0

  /// Upper bounds of the norms of the training rows, of those that are in memory as a matrix.
  private let norms: [Float]
  private var batchNorms: [Float]
  /// An upper bound of the norm of every stored row, and what it was when last measured.
  private var largest = 0.0
  private var measured = 0.0
  private var rows = -1

  /// For training rows `inputs` and batches of at most `batch` rows. O(n d).
  init(inputs: InputRows, batch: Int) {
    norms = inputs.inMemory.map { rows in (0..<rows.rows).map { Self.norm(of: rows, $0) } } ?? []
    batchNorms = .init(repeating: 0, count: batch)
  }

  /// Brings the norms of these training rows near.
  func fetchNorms(_ rows: UnsafeBufferPointer<Int>) {
    guard !norms.isEmpty else { return }
    unsafe norms.withUnsafeBytes {
      unsafe hs_prefetch_rows(
        rows.count, rows.baseAddress, MemoryLayout<Float>.stride, $0.baseAddress)
    }
  }

  private static func norm(of rows: Matrix, _ row: Int) -> Float {
    let square = unsafe hs_largest_square_f32(1, rows.stride, rows.row(row))
    return Float(norm(square: square, stride: rows.stride)).nextUp
  }

  /// An upper bound of the norm, for a square sum as `hs_largest_square_f32` gives it.
  private static func norm(square: Float, stride: Int) -> Double {
    let width = Double(stride)
    return ((Double(square) + width * 0x1p-148) * (1 + width * 0x1p-22)).squareRoot()
      * (1 + 0x1p-40)
  }

  /// The terms for the next step, which adds `alpha` times the gradient to `weights`, as they are before
  /// it; nil where no bounds are known. O(batch), and now and then O(M d).
  mutating func terms(for batch: LookupBatch, alpha: Float, weights: Matrix) -> Terms? {
    let alpha = abs(Double(alpha))
    guard alpha <= 0x1p40, batch.count < 1 << 20,
      !norms.isEmpty || batch.inputs.rows >= batch.count
    else { return nil }
    if rows != weights.rows || largest > Self.mostGrowth * measured {
      rows = weights.rows
      let square = unsafe hs_largest_square_f32(rows, weights.stride, weights.pointer)
      measured = max(Self.norm(square: square, stride: weights.stride), 0x1p-20)
      largest = measured
    }
    for k in 0..<batch.count {
      if let numbers = batch.numbers, !norms.isEmpty {
        batchNorms[k] = norms[numbers[numbers.startIndex + k]]
      } else {
        batchNorms[k] = Self.norm(of: batch.inputs, k)
      }
    }
    return Terms(
      norms: batchNorms, factor: Float(alpha * (1 + Double(2 * batch.count + 16) * 0x1p-23)).nextUp,
      floor: Float(largest * 0x1p-23 + 0x1p-60).nextUp)
  }

  /// Notes the largest bound of a step; nil where the step was not bounded.
  mutating func add(_ most: Float?) {
    guard let most else {
      // Norms may be anything now.
      rows = -1
      return
    }
    // A sum in Double needs no rounding.
    largest += Double(most)
  }
}
