// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Foundation
internal import HalfspaceLinalg

/// Scratch of the loss evaluation, reused from step to step.
struct LossWorkspace {
  var maximum: [Float]
  var sum: [Float]
  /// The losses of the rows.
  var losses: [Double]

  init(batch: Int) {
    losses = .init(repeating: 0, count: batch)
    maximum = .init(repeating: 0, count: batch)
    sum = .init(repeating: 0, count: batch)
  }

  /// The arrays as the parts of a parallel loop see them; each writes its own rows.
  @unsafe struct Buffers: @unchecked Sendable {
    let maximum: UnsafeMutablePointer<Float>
    let sum: UnsafeMutablePointer<Float>
    let losses: UnsafeMutablePointer<Double>
  }

  @unsafe mutating func withBuffers(_ body: (Buffers) -> Void) {
    unsafe maximum.withUnsafeMutableBufferPointer { maximum in
      unsafe sum.withUnsafeMutableBufferPointer { sum in
        unsafe losses.withUnsafeMutableBufferPointer { losses in
          guard !maximum.isEmpty else { return }
          unsafe body(
            Buffers(
              maximum: maximum.baseAddress!, sum: sum.baseAddress!, losses: losses.baseAddress!))
        }
      }
    }
  }
}

extension Loss {
  /// Evaluates `batch` rows: returns the sum of their losses and writes `factor * dloss/df` to
  /// `gradient`.
  ///
  /// `scores` and `gradient` are `[batch, outputs]` of one stride; row `k` is judged by target
  /// row `targetRows[k]`, and counts `weights[targetRows[k]]` times (nil: once). Only float operations of fixed order decide the gradient (the loss
  /// value, in Double, is for reading), whatever the number of threads. O(batch * outputs).
  ///
  /// Where the scores are still to be computed, `scoring` does it for some rows.
  func evaluate(
    batch: Int, scores: Matrix, targets: Targets, targetRows: ArraySlice<Int>,
    weights: [Float]? = nil, factor: Float, gradient: Matrix, workspace: inout LossWorkspace,
    threads: Int = 1, scoring: Scoring? = nil
  ) -> Double {
    precondition(
      scores.stride == gradient.stride && batch <= scores.rows && targetRows.count == batch,
      "\(batch) rows, \(targetRows.count) targets for scores [\(scores.rows), \(scores.columns)]")
    @Sendable func weightOf(_ k: Int) -> Float {
      weights.map { $0[targetRows[targetRows.startIndex + k]] } ?? 1
    }
    if case (.softmaxCrossEntropy, .classes(let classes, _)) = (self, targets) {
      let work = Self.workOfExponential * batch * scores.stride + (scoring?.work ?? 0)
      let parts = SparseStep.workers(for: work, of: threads)
      return softmax(
        batch, parts, scores, classes, targetRows, factor, gradient, &workspace, scoring, weightOf)
    }
    scoring?.run(0..<batch)
    switch (self, targets) {
    case (.oneVersusRestLogistic, .classes(let classes, _)):
      return logistic(batch, scores, factor, gradient, weightOf) { k, isSet, y in
        y[Int(classes[targetRows[targetRows.startIndex + k]])] = isSet ? 1 : 0
      }
    case (.oneVersusRestLogistic, .labelSets(let sets, _)):
      return logistic(batch, scores, factor, gradient, weightOf) { k, isSet, y in
        for label in sets[targetRows[targetRows.startIndex + k]] {
          y[Int(label)] = isSet ? 1 : 0
        }
      }
    case (.oneVersusRestLogistic, .values(let values)), (.logistic, .values(let values)):
      return logistic(batch, scores, factor, gradient, weightOf) { k, isSet, y in
        guard isSet else { return }
        let row = targetRows[targetRows.startIndex + k]
        for c in y.indices { y[c] = values[row, c] }
      }
    case (_, .values(let values)):
      return pointwise(batch, scores, values, targetRows, factor, gradient, weightOf)
    default:
      preconditionFailure("the \(self) loss does not fit these targets")
    }
  }

  /// Computes the scores of some rows.
  struct Scoring: Sendable {
    /// Multiplications and additions, over all rows.
    let work: Int
    let run: @Sendable (_ rows: Range<Int>) -> Void
  }

  /// What an exponential takes of the time of a multiplication and addition.
  private static let workOfExponential = 8

  private func softmax(
    _ batch: Int, _ parts: Int, _ scores: Matrix, _ classes: [Int32], _ targetRows: ArraySlice<Int>,
    _ factor: Float, _ gradient: Matrix, _ workspace: inout LossWorkspace, _ scoring: Scoring?,
    _ weightOf: @Sendable (_ row: Int) -> Float
  ) -> Double {
    unsafe workspace.withBuffers { buffers in
      parallelFor(parts, threads: parts) { part in
        let rows = part * batch / parts..<(part + 1) * batch / parts
        scoring?.run(rows)
        unsafe softmax(rows, scores, classes, targetRows, factor, gradient, buffers, weightOf)
      }
    }
    return workspace.losses[..<batch].reduce(0, +)
  }

  private func softmax(
    _ rows: Range<Int>, _ scores: Matrix, _ classes: [Int32], _ targetRows: ArraySlice<Int>,
    _ factor: Float, _ gradient: Matrix, _ buffers: LossWorkspace.Buffers,
    _ weightOf: (_ row: Int) -> Float
  ) {
    guard let first = rows.first else { return }
    unsafe hs_softmax_f32(
      rows.count, scores.columns, scores.stride, scores.row(first), gradient.row(first),
      buffers.maximum + first, buffers.sum + first)
    for k in rows {
      let label = Int(classes[targetRows[targetRows.startIndex + k]])
      let row = unsafe gradient.row(k)
      let weight = weightOf(k)
      unsafe buffers.losses[k] =
        Double(weight)
        * (log(Double(buffers.sum[k])) + Double(buffers.maximum[k]) - Double(scores.row(k)[label]))
      unsafe row[label] -= 1
      let factor = factor * weight
      for c in 0..<scores.columns { unsafe row[c] *= factor }
    }
  }

  /// `mark` sets the targets of a row among zeros, and takes them back.
  private func logistic(
    _ batch: Int, _ scores: Matrix, _ factor: Float, _ gradient: Matrix,
    _ weightOf: (_ row: Int) -> Float,
    mark: (_ row: Int, _ isSet: Bool, _ targets: inout [Float]) -> Void
  ) -> Double {
    var total = 0.0
    var targets = [Float](repeating: 0, count: scores.columns)
    for k in 0..<batch {
      let score = unsafe scores.row(k)
      let row = unsafe gradient.row(k)
      let weight = weightOf(k)
      let factor = factor * weight
      var sum = 0.0
      for c in 0..<scores.columns { unsafe row[c] = -score[c] }
      unsafe hs_exp_f32(scores.columns, row, row)
      mark(k, true, &targets)
      for c in 0..<scores.columns {
        let y = targets[c]
        let f = Double(unsafe score[c])
        sum += max(0, f) - f * Double(y) + log1p(exp(-abs(f)))
        unsafe row[c] = (1 / (1 + row[c]) - y) * factor
      }
      mark(k, false, &targets)
      total += Double(weight) * sum
    }
    return total
  }

  private func pointwise(
    _ batch: Int, _ scores: Matrix, _ values: Matrix, _ targetRows: ArraySlice<Int>,
    _ factor: Float, _ gradient: Matrix, _ weightOf: (_ row: Int) -> Float
  ) -> Double {
    var total = 0.0
    for k in 0..<batch {
      let weight = weightOf(k)
      let factor = factor * weight
      let score = unsafe scores.row(k)
      let row = unsafe gradient.row(k)
      let target = unsafe values.row(targetRows[targetRows.startIndex + k])
      for c in 0..<scores.columns {
        let (value, slope) = unsafe lossAndSlope(score[c], target[c])
        total += Double(weight) * value
        unsafe row[c] = slope * factor
      }
    }
    return total
  }

  /// Loss (in Double) and derivative of one output against one real target.
  private func lossAndSlope(_ f: Float, _ y: Float) -> (Double, Float) {
    let error = f - y
    let e = Double(f) - Double(y)
    switch self {
    case .squared: return (e * e / 2, error)
    case .absolute: return (abs(e), error == 0 ? 0 : (error > 0 ? 1 : -1))
    case .huber(let delta):
      let d = Double(delta)
      if abs(error) <= delta { return (e * e / 2, error) }
      return (d * (abs(e) - d / 2), error > 0 ? delta : -delta)
    case .hinge:
      let sign = 2 * y - 1
      let shortfall = 1 - Double(sign) * Double(f)
      // A NaN must come through: it tells that the run has diverged.
      return (shortfall <= 0 ? 0 : shortfall, sign * f < 1 ? -sign : 0)
    case .logistic, .softmaxCrossEntropy, .oneVersusRestLogistic:
      preconditionFailure("the \(self) loss has its own evaluation")
    }
  }
}
