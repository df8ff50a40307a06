// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace

/// The loss of a batch for the steps that are compared with the trainer's: slopes of scores.
final class BatchLoss {
  private let targets: Targets
  private var maximum: [Float]
  private var sum: [Float]

  init(_ targets: Targets, batch: Int) {
    self.targets = targets
    maximum = .init(repeating: 0, count: batch)
    sum = .init(repeating: 0, count: batch)
  }

  func slopes(_ scores: Matrix, rows: ArraySlice<Int>, factor: Float, into gradient: Matrix) {
    let columns = scores.columns
    switch targets {
    case .classes(let classes, _):
      unsafe hs_softmax_f32(
        rows.count, columns, scores.stride, scores.pointer, gradient.pointer, &maximum, &sum)
      for (k, row) in rows.enumerated() {
        let g = unsafe gradient.pointer + k * gradient.stride
        unsafe g[Int(classes[row])] -= 1
        for c in 0..<columns { unsafe g[c] *= factor }
      }
    case .labelSets: preconditionFailure("no workload has sets of labels")
    case .values(let values):
      for (k, row) in rows.enumerated() {
        let (g, f) = unsafe (
          gradient.pointer + k * gradient.stride, scores.pointer + k * scores.stride
        )
        let y = unsafe values.pointer + row * values.stride
        for c in 0..<columns { unsafe g[c] = (f[c] - y[c]) * factor }
      }
    }
  }
}
