// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@Suite struct InitialNetworkTests {
  private func outputs(_ network: InitialNetwork, _ neuron: Int) -> [Float] {
    // One float behind the last must stay as it is.
    var buffer = [Float](repeating: 99, count: network.outputCount + 1)
    unsafe network.copyOutputs(of: neuron, to: &buffer)
    #expect(buffer.last == 99)
    return Array(buffer.dropLast())
  }

  private func network(
    _ outputs: InitialOutputs, outputCount: Int = 3, seed: UInt64 = 5
  ) -> InitialNetwork {
    InitialNetwork(
      rows: ProductGrid(count: 500, dimension: 7, seed: 2), outputs: outputs,
      outputCount: outputCount, seed: seed)
  }

  @Test func `zero outputs are zero and every neuron has its row`() {
    let network = network(.zero)
    #expect(network.width == 500)
    #expect(network.dimension == 7)
    #expect(network.row(of: 499) == 499)
    #expect(outputs(network, 3) == [0, 0, 0])
  }

  @Test(arguments: InitialOutputs.Distribution.allCases)
  func `the members of a pair share the row and have opposite outputs`(
    distribution: InitialOutputs.Distribution
  ) {
    let network = network(.symmetricPairs(distribution))
    #expect(network.width == 1000)
    let row = Matrix(rows: 3, columns: 7)
    for pair in [0, 1, 250, 499] {
      #expect(network.row(of: 2 * pair) == pair && network.row(of: 2 * pair + 1) == pair)
      unsafe network.copyWeights(of: 2 * pair, to: row.row(0))
      unsafe network.copyWeights(of: 2 * pair + 1, to: row.row(1))
      unsafe network.rows.copyRow(pair, to: row.row(2))
      #expect(row.rowArray(0) == row.rowArray(2) && row.rowArray(1) == row.rowArray(2))
      #expect(outputs(network, 2 * pair + 1) == outputs(network, 2 * pair).map { -$0 })
    }
    #expect(outputs(network, 0) != outputs(network, 2))
  }

  @Test func `signs are fair and take the sign of the Gaussian outputs`() {
    let signs = network(.independent(.signs), outputCount: 4)
    let normal = network(.independent(.gaussian), outputCount: 4)
    var sum: Float = 0
    var square: Float = 0
    for neuron in 0..<500 {
      let drawn = outputs(signs, neuron)
      #expect(drawn.allSatisfy { abs($0) == 1 })
      #expect(drawn == outputs(normal, neuron).map { $0 < 0 ? -1 : 1 })
      sum += drawn.reduce(0, +)
      square += outputs(normal, neuron).reduce(0) { $0 + $1 * $1 }
    }
    #expect(abs(sum) < 224)
    #expect(abs(square / 2000 - 1) < 0.16)
  }

  @Test func `outputs depend on seed and row, not on width`() {
    let small = network(.independent())
    let large = InitialNetwork(
      rows: IndependentGaussian(count: 1 << 40, dimension: 7, seed: 2), outputs: .independent(),
      outputCount: 3, seed: 5)
    #expect(outputs(small, 42) == outputs(large, 42))
    #expect(outputs(small, 42) != outputs(network(.independent(), seed: 6), 42))
    #expect(outputs(large, 1 << 39) != outputs(large, 0))
    #expect(outputs(small, 42) == outputs(network(.symmetricPairs()), 84))
  }

  @Test(arguments: [1, 2])
  func `a report lists both members of every pair that fires`(threads: Int) {
    let queries = gaussian(30, 7, seed: 3, scale: 0.4)
    let pairs = network(.symmetricPairs())
    let rows = ask(pairs.rows, queries, 2..<29, above: 1.5)
    var report = InitialReport()
    var work = IndexStatistics()
    for _ in 0..<2 {
      pairs.report(
        queries: queries, rows: 2..<29, above: 1.5, threads: threads, into: &report,
        statistics: &work)
    }
    let found = Oracle(report)
    #expect(found.neurons == rows.report.neurons.map { $0.flatMap { [2 * $0, 2 * $0 + 1] } })
    #expect(found.values == rows.report.values.map { $0.flatMap { [$0, $0] } })
    #expect(work.reported == 2 * found.pairCount)
    #expect(work.rechecked == 2 * rows.statistics.rechecked)

    let single = network(.independent())
    work = IndexStatistics()
    single.report(
      queries: queries, rows: 2..<29, above: 1.5, threads: threads, into: &report,
      statistics: &work)
    #expect(Oracle(report) == rows.report)
    #expect(work == rows.statistics)
  }

  @Test func `numbers outside the network trap`() async {
    await #expect(processExitsWith: .failure) {
      let network = InitialNetwork(
        rows: IndependentGaussian(count: 2, dimension: 1, seed: 0), outputs: .symmetricPairs(),
        outputCount: 1, seed: 0)
      _ = network.row(of: 4)
    }
    await #expect(processExitsWith: .failure) {
      _ = InitialNetwork(
        rows: IndependentGaussian(count: 2, dimension: 1, seed: 0), outputs: .zero,
        outputCount: 0, seed: 0)
    }
  }
}
