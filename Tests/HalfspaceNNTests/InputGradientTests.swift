// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Gradients of a predictor's outputs with respect to its inputs.
@Suite struct InputGradientTests {
  private func network(outputs: Int, seed: UInt64 = 3) -> Predictor {
    var source = NormalSource(seed: seed)
    func matrix(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix((0..<rows).map { _ in (0..<columns).map { _ in source.next() } })
    }
    return Predictor(
      weights: matrix(200, 5), outputs: matrix(200, outputs).copy(packedSingleColumn: true),
      threshold: 0.5, factor: 0.25,
      shards: [0, 70, 200])
  }

  @Test(arguments: [1, 3])
  func `they are the central differences of the scores`(outputs: Int) {
    let predictor = network(outputs: outputs)
    var source = NormalSource(seed: 8)
    let inputs = Matrix((0..<150).map { _ in (0..<5).map { _ in source.next() } })
    let gradients = predictor.inputGradients(at: inputs)
    #expect(gradients.count == outputs)
    // Between kinks the network is linear: the step may be large, and pieces that it leaves show.
    let step: Float = 1.0 / 1024
    var compared = 0
    for column in 0..<5 {
      let (up, down) = (inputs.copy(), inputs.copy())
      for row in 0..<150 {
        up[row, column] += step
        down[row, column] -= step
      }
      let above = predictor.evaluate(up)
      let below = predictor.evaluate(down)
      for row in 0..<150 where fires(predictor, up, row) == fires(predictor, down, row) {
        for c in 0..<outputs {
          let slope = (above.scores[row, c] - below.scores[row, c]) / (2 * step)
          #expect(abs(gradients[c][row, column] - slope) < 0.02 + 0.002 * abs(slope))
          compared += 1
        }
      }
    }
    #expect(compared > 400 * outputs)
  }

  private func fires(_ predictor: Predictor, _ inputs: Matrix, _ row: Int) -> [Bool] {
    predictor.weights.product(with: inputs.rowArray(row)).map { $0 > predictor.threshold }
  }

  @Test func `threads and the company of other rows do not matter`() {
    let predictor = network(outputs: 2)
    var source = NormalSource(seed: 9)
    let inputs = Matrix((0..<150).map { _ in (0..<5).map { _ in source.next() } })
    let all = predictor.inputGradients(at: inputs)
    let others = predictor.inputGradients(at: inputs, threads: 3)
    let some = predictor.inputGradients(at: inputs.gather([149, 3, 64]))
    for c in 0..<2 {
      #expect(all[c].isIdentical(to: others[c]))
      #expect(all[c].gather([149, 3, 64]).isIdentical(to: some[c]))
    }
  }
}
