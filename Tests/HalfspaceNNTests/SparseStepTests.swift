// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// The sparse passes against plain loops over a table of who fires where.
@Suite struct SparseStepTests {
  /// `table[k][r]` is what neuron `r` contributes on batch row `k`; 0 where it is silent.
  typealias Table = [[Float]]

  private func table(
    batch: Int, neurons: Int, share: Double, seed: UInt64
  ) -> Table {
    var source = NormalSource(seed: seed)
    return (0..<batch).map { _ in
      (0..<neurons).map { _ in
        let fires = Double(source.generator.below(1 << 20)) < share * 0x1p20
        return fires ? abs(source.next()) + 0.01 : 0
      }
    }
  }

  private func report(_ table: Table) -> FiringReport {
    var report = FiringReport()
    for row in table {
      for (neuron, h) in row.enumerated() where h > 0 {
        let room = unsafe report.reserve(1)
        unsafe room.neurons.pointee = Int32(neuron)
        unsafe room.values.pointee = h
        report.commit(1)
      }
      report.endQuery()
    }
    return report
  }

  private func forward(
    _ table: Table, _ outputs: Matrix, _ shards: [Int], factor: Float
  ) -> [[Float]] {
    table.map { row in
      let zero = [Float](repeating: 0, count: outputs.columns)
      var total: [Float]?
      for (begin, end) in zip(shards, shards.dropFirst()) {
        var sum = zero
        for r in begin..<end where row[r] > 0 {
          for c in sum.indices { sum[c].addProduct(row[r], outputs[r, c]) }
        }
        total = total.map { zip($0, sum).map { $0 + $1 } } ?? sum
      }
      return total!.map { $0 * factor }
    }
  }

  struct Shape: CustomTestStringConvertible {
    var batch: Int
    var neurons: Int
    var share: Double
    var outputs: Int
    var shards: [Int]

    var testDescription: String {
      "\(batch) rows, \(neurons) neurons, share \(share), \(outputs) outputs, \(shards)"
    }

    static let all = [
      Shape(batch: 1, neurons: 1, share: 1, outputs: 1, shards: [0, 1]),
      Shape(batch: 1, neurons: 50, share: 0.1, outputs: 3, shards: [0, 50]),
      Shape(batch: 7, neurons: 40, share: 0, outputs: 3, shards: [0, 20, 40]),
      Shape(batch: 7, neurons: 40, share: 1, outputs: 3, shards: [0, 10, 40]),
      Shape(batch: 9, neurons: 100, share: 0.05, outputs: 1, shards: [0, 33, 66, 100]),
      Shape(batch: 9, neurons: 100, share: 0.3, outputs: 17, shards: [0, 0, 50, 100]),
      Shape(batch: 33, neurons: 300, share: 0.02, outputs: 2, shards: [0, 1, 299, 300]),
      // More active neurons than a block of the backward pass holds, twice.
      Shape(batch: 12, neurons: 900, share: 0.1, outputs: 2, shards: [0, 400, 900]),
    ]
  }

  @Test(arguments: Shape.all, [1, 2, 3])
  func `forward sums neurons in order, shard by shard`(_ shape: Shape, _ threads: Int) {
    let table = table(
      batch: shape.batch, neurons: shape.neurons, share: shape.share, seed: 1)
    let outputs = outputs(shape)
    let step = SparseStep(threads: threads)
    let scores = Matrix(
      rows: shape.batch + 2, columns: shape.outputs, packedSingleColumn: true)
    scores[shape.batch, 0] = 77
    step.forward(
      report(table), outputs: outputs, shards: shape.shards, factor: 0.3, scores: scores)
    let expected = forward(table, outputs, shape.shards, factor: 0.3)
    for k in 0..<shape.batch { #expect(scores.rowArray(k) == expected[k]) }
    #expect(scores[shape.batch, 0] == 77, "rows behind the batch are left alone")
    #expect(scores.hasZeroPadding)
  }

  @Test(arguments: Shape.all)
  func `loading a report transposes it`(_ shape: Shape) {
    let table = table(
      batch: shape.batch, neurons: shape.neurons, share: shape.share, seed: 2)
    let step = SparseStep(threads: 1)
    step.load(report(table), neurons: shape.neurons)
    let active = (0..<shape.neurons).filter { r in table.contains { $0[r] > 0 } }
    let loaded = unsafe step.activeNeurons.map { Int($0) }
    #expect(loaded == active)
    #expect(step.activeCount == active.count)
    #expect(step.pairCount == table.reduce(0) { $0 + $1.count { $0 > 0 } })
  }

  @Test(arguments: Shape.all, [1, 2, 3])
  func `backward adds the gradients of the rows in order`(_ shape: Shape, _ threads: Int) {
    for allNeurons in [false, true] {
      for trainsOutputs in [true, false] {
        expectBackward(
          shape, threads: threads, allNeurons: allNeurons, trainsOutputs: trainsOutputs)
      }
    }
  }

  private func expectBackward(
    _ shape: Shape, threads: Int, allNeurons: Bool, trainsOutputs: Bool
  ) {
    let dimension = 5
    let table = table(
      batch: shape.batch, neurons: shape.neurons, share: shape.share, seed: 3)
    let inputs = TestData.gaussian(shape.batch, dimension, seed: 4)
    let weights = TestData.gaussian(shape.neurons, dimension, seed: 5)
    let outputs = outputs(shape)
    let gradient = Matrix(
      rows: shape.batch, columns: shape.outputs, packedSingleColumn: true)
    for k in 0..<shape.batch {
      for c in 0..<shape.outputs { gradient[k, c] = Float(k + 1) / Float(c + 2) - 1 }
    }
    // The state of momentum shows which rows took part; zero states stay zero where they did not.
    let optimizer = Optimizer.momentum(mu: 0.5)
    let before = (weights: weights.copy(), outputs: outputs.copy())
    let step = SparseStep(threads: threads)
    step.load(report(table), neurons: shape.neurons)
    let hidden = LayerOptimizer(optimizer: optimizer, parameters: weights)
    for state in hidden.states {
      for i in 0..<(state.rows * state.stride) { unsafe state.pointer[i] = 2 }
    }
    step.backward(
      gradient: gradient,
      layers: .init(
        inputs: inputs, weights: weights, outputs: outputs, hidden: hidden,
        output: trainsOutputs
          ? LayerOptimizer(optimizer: optimizer, parameters: outputs) : nil),
      hiddenStep: .init(alpha: -0.5, averageAlpha: 0, number: 1),
      outputStep: .init(alpha: -0.25, averageAlpha: 0, number: 1), allNeurons: allNeurons)

    for r in 0..<shape.neurons {
      var gradW = [Float](repeating: 0, count: dimension)
      var gradA = [Float](repeating: 0, count: shape.outputs)
      var fires = false
      for k in 0..<shape.batch where table[k][r] > 0 {
        fires = true
        let g = gradient.rowArray(k)
        let slope =
          shape.outputs == 1
          ? before.outputs[r, 0] * g[0]
          : canonicalReference(before.outputs.rowArray(r), g)
        for l in 0..<dimension { gradW[l].addProduct(slope, inputs[k, l]) }
        for c in 0..<shape.outputs { gradA[c].addProduct(table[k][r], g[c]) }
      }
      var row = before.weights.rowArray(r)
      var output = before.outputs.rowArray(r)
      if fires || allNeurons {
        // v = 0.5 * 2 + g
        for l in row.indices { row[l].addProduct(-0.5, gradW[l].addingProduct(0.5, 2)) }
        if trainsOutputs {
          for c in output.indices { output[c].addProduct(-0.25, gradA[c]) }
        }
      }
      #expect(weights.rowArray(r) == row, "neuron \(r), all \(allNeurons)")
      #expect(outputs.rowArray(r) == output, "neuron \(r), all \(allNeurons)")
    }
  }

  @Test func `buffers serve reports of any size after one another`() {
    let step = SparseStep(threads: 2)
    for (batch, neurons, share) in [
      (3, 20, 0.2), (40, 400, 0.5), (1, 3, 1.0), (5, 10, 0.0), (40, 500, 0.9), (2, 600, 0.01),
    ] {
      let table = table(batch: batch, neurons: neurons, share: share, seed: UInt64(neurons))
      step.load(report(table), neurons: neurons)
      let active = (0..<neurons).filter { r in table.contains { $0[r] > 0 } }
      let loaded = unsafe step.activeNeurons.map { Int($0) }
      #expect(loaded == active)
    }
  }

  @Test(arguments: [1, 2, 3])
  func `large batches are shared out among threads without a change`(_ threads: Int) {
    // Enough pairs for several threads to be worth it.
    let table = table(batch: 70, neurons: 1200, share: 0.3, seed: 12)
    let outputs = TestData.gaussian(1200, 17, seed: 13)
    let shards = [0, 500, 1200]
    let scores = Matrix(rows: 70, columns: 17)
    let step = SparseStep(threads: threads)
    #expect(step.workers(for: 70 * 1200 / 4 * outputs.stride) == threads)
    step.forward(report(table), outputs: outputs, shards: shards, factor: 1, scores: scores)
    let expected = forward(table, outputs, shards, factor: 1)
    for k in 0..<70 { #expect(scores.rowArray(k) == expected[k]) }

    let inputs = TestData.gaussian(70, 20, seed: 14)
    func moved(_ step: SparseStep) -> (Matrix, Matrix) {
      let (weights, outputs) = (TestData.gaussian(1200, 20, seed: 15), outputs.copy())
      step.load(report(table), neurons: 1200)
      step.backward(
        gradient: scores,
        layers: .init(
          inputs: inputs, weights: weights, outputs: outputs,
          hidden: LayerOptimizer(optimizer: .sgd, parameters: weights),
          output: LayerOptimizer(optimizer: .sgd, parameters: outputs)),
        hiddenStep: .init(alpha: -0.5, averageAlpha: 0, number: 1),
        outputStep: .init(alpha: -0.25, averageAlpha: 0, number: 1), allNeurons: false)
      return (weights, outputs)
    }
    let one = SparseStep(threads: 1)
    let (weights, moreOutputs) = moved(step)
    let (expectedWeights, expectedOutputs) = moved(one)
    #expect(weights.isIdentical(to: expectedWeights))
    #expect(moreOutputs.isIdentical(to: expectedOutputs))
  }

  @Test func `neurons of another report are added to the sum of the last shard`() {
    let table = table(batch: 6, neurons: 60, share: 0.3, seed: 7)
    let outputs = TestData.gaussian(60, 3, seed: 8)
    let step = SparseStep(threads: 1)
    let expected = Matrix(rows: 6, columns: 3)
    step.forward(
      report(table), outputs: outputs, shards: [0, 20, 60], factor: 0.5, scores: expected)

    // The first forty neurons, and the last twenty as neurons of their own.
    let scores = Matrix(rows: 6, columns: 3)
    step.forward(
      report(table.map { Array($0[..<40]) }), adding: report(table.map { Array($0[40...]) }),
      withOutputs: outputs.gather(40..<60), outputs: outputs.gather(0..<40), shards: [0, 20, 40],
      factor: 0.5, scores: scores)
    #expect(scores.isIdentical(to: expected))
  }

  @Test func `scores of another shape trap`() async {
    await #expect(processExitsWith: .failure) {
      var report = FiringReport()
      report.endQuery()
      report.endQuery()
      SparseStep(threads: 1).forward(
        report, outputs: Matrix(rows: 3, columns: 2), shards: [0, 3], factor: 1,
        scores: Matrix(rows: 1, columns: 2))
    }
  }

  private func outputs(_ shape: Shape) -> Matrix {
    let outputs = Matrix(
      rows: shape.neurons, columns: shape.outputs, packedSingleColumn: true)
    let values = TestData.gaussian(shape.neurons, shape.outputs, seed: 9)
    for r in 0..<shape.neurons { outputs.setRow(r, to: values.rowArray(r)) }
    return outputs
  }
}
