// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

/// A two-layer network before training: initial rows, and the output weights of its neurons.
///
/// Neurons are numbered `0..<width`. With symmetric pairs neuron `n` has row `n / 2`, and the
/// odd member of a pair has the output weights of the even one with opposite sign; otherwise
/// neuron and row numbers are the same. Output weights are a function of the seed and the row:
/// like the rows they are not stored.
///
/// ```swift
/// let network = InitialNetwork(
///   rows: ProductGrid(count: 1 << 19, dimension: 16, seed: 1), outputs: .symmetricPairs(),
///   outputCount: 26, seed: 1)
/// network.width  // 1 << 20
/// ```
public struct InitialNetwork: Sendable {
  /// The distinct rows.
  public let rows: any InitialWeights
  /// How the output weights start.
  public let outputs: InitialOutputs
  /// Output weights per neuron.
  public let outputCount: Int
  /// What the output weights are a function of, with the row number.
  public let seed: UInt64

  private let scratch = ScratchPool<ReportStage<Int64>>()

  /// A network over `rows`.
  public init(
    rows: any InitialWeights, outputs: InitialOutputs, outputCount: Int, seed: UInt64
  ) {
    precondition(outputCount > 0, "\(outputCount) outputs")
    self.rows = rows
    self.outputs = outputs
    self.outputCount = outputCount
    self.seed = seed
  }

  private var isPaired: Bool {
    if case .symmetricPairs = outputs { true } else { false }
  }

  /// Number of neurons: twice the rows for symmetric pairs.
  public var width: Int { isPaired ? 2 * rows.count : rows.count }

  /// Number of coordinates of a row.
  public var dimension: Int { rows.dimension }

  /// The row of a neuron.
  public func row(of neuron: Int) -> Int {
    precondition(neuron >= 0 && neuron < width, "neuron \(neuron) of \(width)")
    return isPaired ? neuron / 2 : neuron
  }

  /// Writes the weights of a neuron (`Matrix.paddedStride(dimension)` floats). O(d).
  public func copyWeights(of neuron: Int, to destination: UnsafeMutablePointer<Float>) {
    unsafe rows.copyRow(row(of: neuron), to: destination)
  }

  /// Writes the output weights of a neuron (`outputCount` floats). O(outputCount).
  public func copyOutputs(of neuron: Int, to destination: UnsafeMutablePointer<Float>) {
    let row = row(of: neuron)
    switch outputs {
    case .zero:
      unsafe destination.update(repeating: 0, count: outputCount)
    case .symmetricPairs(let distribution), .independent(let distribution):
      unsafe hs_normal_rows_f32(
        seed, RandomStream.outputs, Int64(row), 1, outputCount, outputCount, destination)
      let isNegative = isPaired && neuron % 2 == 1
      for c in 0..<outputCount {
        var value = unsafe destination[c]
        if distribution == .signs { value = value < 0 ? -1 : 1 }
        unsafe destination[c] = isNegative ? -value : value
      }
    }
  }

  /// As `InitialWeights.report`, in neuron numbers: both members of a pair, ascending.
  ///
  /// - Complexity: that of the rows' report.
  public func report(
    queries: Matrix, rows range: Range<Int>, above threshold: Float, threads: Int,
    into report: inout InitialReport, statistics: inout IndexStatistics
  ) {
    guard isPaired else {
      rows.report(
        queries: queries, rows: range, above: threshold, threads: threads, into: &report,
        statistics: &statistics)
      return
    }
    let stage = scratch.take { ReportStage() }
    rows.report(
      queries: queries, rows: range, above: threshold, threads: threads, into: &stage.pairs,
      statistics: &statistics)
    report.removeAll()
    let room = unsafe report.reserve(2 * stage.pairs.count)
    for k in 0..<stage.pairs.count {
      let row = unsafe stage.pairs.neurons[k]
      let value = unsafe stage.pairs.values[k]
      unsafe room.neurons[2 * k] = 2 * row
      unsafe room.neurons[2 * k + 1] = 2 * row + 1
      unsafe room.values[2 * k] = value
      unsafe room.values[2 * k + 1] = value
    }
    for q in 0..<stage.pairs.queryCount {
      report.commit(2 * stage.pairs.range(of: q).count)
      report.endQuery()
    }
    statistics.reported += stage.pairs.count
    scratch.give(stage)
  }
}
