// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct WideOutputLayerTests {
  private let inputs = TestData.clusters(rows: 64, dimension: 7, classes: 12, seed: 4).inputs
  private static let labelCount = 150

  /// Row k: some labels that depend on where it lies; every ninth row has none.
  private let labels: [[Int32]] = {
    let clusters = TestData.clusters(rows: 64, dimension: 7, classes: 12, seed: 4).labels
    return clusters.enumerated().map { k, cluster in
      k % 9 == 8 ? [] : Set([10 * cluster, 10 * cluster + Int32(k % 3), 149]).sorted()
    }
  }()

  /// All scores and all gradients in plain loops over single floats.
  private struct Reference {
    var weights: [[Float]]
    var squares: [[Float]]

    func slopes(_ batch: [[Float]], _ labels: [[Int32]]) -> [[Float]] {
      weights.indices.map { c in
        batch.indices.map { k in
          let product = canonicalReference(weights[c], batch[k])
          return labels[k].contains(Int32(c)) ? min(0, product - 2) : max(0, product)
        }
      }
    }

    func loss(_ batch: [[Float]], _ labels: [[Int32]]) -> Double {
      slopes(batch, labels).joined().reduce(0) { $0 + Double($1) * Double($1) / 2 }
        / Double(batch.count)
    }

    func inputGradient(_ batch: [[Float]], _ labels: [[Int32]]) -> [[Float]] {
      let slopes = slopes(batch, labels)
      return batch.indices.map { k in
        var sum = batch[k].map { _ in Float(0) }
        for c in weights.indices where slopes[c][k] != 0 {
          for l in sum.indices {
            sum[l].addProduct(slopes[c][k] / Float(batch.count), weights[c][l])
          }
        }
        return sum
      }
    }

    mutating func update(_ batch: [[Float]], _ labels: [[Int32]], rate: Float, adaptive: Bool) {
      let slopes = slopes(batch, labels)
      for c in weights.indices {
        for l in weights[c].indices {
          var sum: Float = 0
          for k in batch.indices where slopes[c][k] != 0 {
            sum.addProduct(slopes[c][k] / Float(batch.count), batch[k][l])
          }
          if adaptive {
            squares[c][l].addProduct(sum, sum)
            sum /= squares[c][l].squareRoot() + 1e-8
          }
          weights[c][l].addProduct(-rate, sum)
        }
      }
    }
  }

  @Test(arguments: [Optimizer.sgd, .adaGrad()], [1, 3])
  func `steps are those over all labels, bit for bit`(
    _ optimizer: Optimizer, _ threads: Int
  ) throws {
    let layer = try WideOutputLayer(
      labelCount: Self.labelCount, dimension: 7, optimizer: optimizer, threads: threads)
    let zeros = [[Float]](repeating: .init(repeating: 0, count: 7), count: Self.labelCount)
    var reference = Reference(weights: zeros, squares: zeros)
    let rate = optimizer == .sgd ? 0.5 : 0.125
    for step in 0..<24 {
      let rows = (0..<8).map { (step * 8 + $0) % 64 }
      let (batch, own) = (inputs.gather(rows), rows.map { labels[$0] })
      let arrays = batch.rowArrays
      let loss = layer.forward(batch, labels: own)
      #expect(abs(loss - reference.loss(arrays, own)) <= 1e-12 * loss)
      #expect(layer.backward().isIdentical(to: Matrix(reference.inputGradient(arrays, own))))
      layer.update(learningRate: rate)
      reference.update(arrays, own, rate: Float(rate), adaptive: optimizer != .sgd)
      #expect(layer.weights.rowArrays == reference.weights)
    }
    let products = inputs.canonicalProduct(with: layer.weights)
    let best = layer.topLabels(for: inputs)
    #expect(best == (0..<64).map { Int32(products.indexOfLargest(inRow: $0)) })
    // The paper's point: most labels are beyond their margin.
    #expect(layer.activePairs < 24 * 8 * Self.labelCount / 3)
  }

  @Test func `labels that were never a row's stay silent and at zero`() throws {
    let layer = try WideOutputLayer(labelCount: 1000, dimension: 7)
    let own = labels.map { $0.filter { $0 < 100 } }
    for _ in 0..<5 {
      _ = layer.forward(inputs, labels: own)
      layer.update(learningRate: 0.1)
    }
    let used = Set(own.joined().map(Int.init))
    for label in 0..<1000 {
      #expect(layer.weights.rowArray(label).allSatisfy { $0 == 0 } != used.contains(label))
    }
    #expect(layer.activePairs <= 5 * 64 * used.count)
  }

  @Test func `the input gradient is a central difference in Double`() throws {
    let layer = try WideOutputLayer(
      weights: TestData.gaussian(40, 7, seed: 5), optimizer: .sgd)
    let rows = Array(0..<6)
    let own = rows.map { labels[$0].filter { $0 < 40 } }
    let batch = inputs.gather(rows)
    let weights = layer.weights.rowArrays.map { $0.map(Double.init) }
    func loss(_ batch: [[Double]]) -> Double {
      zip(batch, own).reduce(0) { sum, row in
        weights.enumerated().reduce(sum) { sum, label in
          let f = zip(label.element, row.0).reduce(-1) { $0 + $1.0 * $1.1 }
          let shortfall = max(0, 1 - (row.1.contains(Int32(label.offset)) ? f : -f))
          return sum + shortfall * shortfall / 2
        }
      } / Double(batch.count)
    }
    let point = batch.rowArrays.map { $0.map(Double.init) }
    #expect(abs(layer.forward(batch, labels: own) - loss(point)) < 1e-5 * loss(point))
    let found = layer.backward()
    for k in rows {
      for l in 0..<7 {
        var (above, below) = (point, point)
        above[k][l] += 1e-6
        below[k][l] -= 1e-6
        let difference = (loss(above) - loss(below)) / 2e-6
        #expect(abs(Double(found[k, l]) - difference) < 1e-5 * max(1, abs(difference)))
      }
    }
  }

  @Test func `settings that make no sense are refused`() async {
    #expect(throws: ConfigurationError.self) {
      try WideOutputLayer(labelCount: 0, dimension: 3)
    }
    #expect(throws: ConfigurationError.self) {
      try WideOutputLayer(labelCount: 5, dimension: 3, optimizer: .adam())
    }
    #expect(throws: Never.self) {
      try WideOutputLayer(labelCount: 5, dimension: 3, optimizer: .adam(lazy: true))
    }
    await #expect(processExitsWith: .failure) {
      let layer = try WideOutputLayer(labelCount: 5, dimension: 3)
      _ = layer.forward(Matrix(rows: 1, columns: 3), labels: [[2, 1]])
    }
    await #expect(processExitsWith: .failure) {
      let layer = try WideOutputLayer(labelCount: 5, dimension: 3)
      _ = layer.forward(Matrix(rows: 1, columns: 3), labels: [[5]])
    }
  }
}
