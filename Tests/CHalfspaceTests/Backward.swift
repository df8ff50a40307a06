// SPDX-License-Identifier: Apache-2.0
import CHalfspace

/// A backward pass over a report with random inputs, output weights and output gradients.
struct Backward {
  private let report: SparseReport
  private let lists: SparseReport.Lists
  private let input: Int
  private let output: Int
  private let x: Block<Float>
  private let a: Block<Float>
  private let g: Block<Float>

  /// Row strides `input` and `output`; with `ordinary` no huge or tiny numbers.
  init(
    _ report: SparseReport, _ input: Int, _ output: Int, dice: inout Dice, ordinary: Bool = false
  ) {
    self.report = report
    lists = report.lists
    self.input = input
    self.output = output
    if ordinary {
      x = dice.normals(report.queries * input)
      a = dice.normals(report.m * output)
      g = dice.normals(report.queries * output)
    } else {
      x = dice.rows(report.queries, input)
      a = dice.rows(report.m, output)
      g = dice.rows(report.queries, output)
    }
  }

  /// Both gradients, computed for the neurons between one cut and the next.
  func blocks(
    _ cuts: [Int], wanted: (Bool, Bool) = (true, true)
  ) -> (w: Block<Float>, a: Block<Float>) {
    let gradW = Block(report.neurons * input, of: Float(-3))
    let gradA = Block(report.neurons * output, of: Float(-3))
    for (begin, end) in zip(cuts, cuts.dropFirst()) {
      unsafe hs_backward_f32(
        begin, end, lists.active.start, lists.starts.start, lists.rows.start, lists.h.start,
        input, x.start, output, a.start, g.start,
        wanted.0 ? gradW.start + begin * input : nil,
        wanted.1 ? gradA.start + begin * output : nil)
    }
    return (gradW, gradA)
  }

  /// The bits of the gradients: those asked for by `wanted`, or those of both that are `kept`.
  func gradients(
    _ cuts: [Int], wanted: (Bool, Bool) = (true, true), kept: (Bool, Bool)? = nil
  ) -> Outcome {
    let gradients = blocks(cuts, wanted: wanted)
    let kept = kept ?? wanted
    var outcome = Outcome()
    if kept.0 { outcome.add(gradients.w) }
    if kept.1 { outcome.add(gradients.a) }
    return outcome
  }

  /// The gradient rows of active neuron n in double precision, and how large their terms are.
  func exact(_ n: Int) -> (w: [Double], a: [Double], size: Double) {
    var w = [Double](repeating: 0, count: input)
    var weights = [Double](repeating: 0, count: output)
    var size = 0.0
    let an = Int(report.active[n]) * output
    for e in report.entries(n) {
      let row = Int(report.rows[e])
      let s = (0..<output).reduce(0.0) {
        $0 + Double(a[an + $1]) * Double(g[row * output + $1])
      }
      for l in 0..<input { w[l] += s * Double(x[row * input + l]) }
      for c in 0..<output { weights[c] += Double(report.h[e]) * Double(g[row * output + c]) }
      size += abs(s) + abs(Double(report.h[e]))
    }
    return (w, weights, size)
  }
}
