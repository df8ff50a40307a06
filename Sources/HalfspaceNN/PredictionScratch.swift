// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Buffers of one caller of a predictor; reused, so that a call allocates nothing but its result.
///
/// - Note: `Sendable` is unchecked; scratch belongs to one caller at a time.
final class PredictionScratch: @unchecked Sendable {
  /// The most rows that are evaluated at once.
  static let rows = 64

  private var report = FiringReport()
  /// What sparse rows need; made when the first of them comes.
  private var sparse: (scan: SparseScan, queries: SparseQueries)?
  private let step = SparseStep(threads: 1)
  private let block: Matrix
  private let single: Matrix
  private var latentReport = InitialReport()
  private var latentFiring = FiringReport()
  private var latentOutputs: Matrix
  private var places = NeuronPlaces()
  private var statistics = IndexStatistics()

  init(_ predictor: Predictor) {
    let columns = predictor.outputCount
    block = Matrix(rows: Self.rows, columns: columns, packedSingleColumn: true)
    single = Matrix(rows: 1, columns: predictor.dimension)
    latentOutputs = Matrix(rows: 1, columns: columns, packedSingleColumn: true)
  }

  /// Writes the scores of `range`, at most `rows`, to the same rows of `result`; returns the number
  /// of stored neurons that fired.
  func run(_ p: Predictor, _ inputs: Matrix, _ range: Range<Int>, _ result: Matrix) -> Int {
    evaluate(p, inputs, range)
    write(range, p, to: result)
    return report.count
  }

  /// Writes the scores of `range` of sparse rows, at most `rows`.
  func run(_ p: Predictor, _ inputs: SparseMatrix, _ range: Range<Int>, _ result: Matrix) {
    let (scan, queries) =
      sparse ?? (SparseScan(p.weights, threads: 1), SparseQueries(columns: p.dimension))
    sparse = (scan, queries)
    queries.gather(Array(range)[...], of: inputs)
    scan.report(queries, above: p.threshold, into: &report)
    // Latent neurons are reported for rows with their zeros.
    if let latent = p.latent {
      reportLatent(latent, p, inputs.dense(rows: range), 0..<range.count)
    }
    addUp(p)
    write(range, p, to: result)
  }

  private func write(_ range: Range<Int>, _ p: Predictor, to result: Matrix) {
    for (k, row) in range.enumerated() {
      unsafe result.row(row).update(from: block.row(k), count: p.outputCount)
    }
  }

  /// Writes the scores of one input.
  func run(_ p: Predictor, _ input: Span<Float>, _ scores: inout MutableSpan<Float>) {
    let row = unsafe single.row(0)
    for column in 0..<input.count { unsafe row[column] = input[column] }
    evaluate(p, single, 0..<1)
    let result = unsafe block.row(0)
    for output in 0..<scores.count { scores[output] = unsafe result[output] }
  }

  /// Leaves the scores of `range` in `block` and the stored neurons that fired in `report`.
  private func evaluate(_ p: Predictor, _ inputs: Matrix, _ range: Range<Int>) {
    p.index.report(queries: inputs, rows: range, above: p.threshold, into: &report)
    if let latent = p.latent { reportLatent(latent, p, inputs, range) }
    addUp(p)
  }

  /// Leaves in `block` the scores of what is in the reports.
  private func addUp(_ p: Predictor) {
    if p.latent != nil {
      step.forward(
        report, adding: latentFiring, withOutputs: latentOutputs, outputs: p.outputs,
        shards: p.shards, factor: p.factor, scores: block)
    } else {
      step.forward(
        report, outputs: p.outputs, shards: p.shards, factor: p.factor, scores: block)
    }
  }

  /// Reports the latent neurons that fire on a block of queries, numbered as they come, and takes
  /// their output weights.
  private func reportLatent(
    _ latent: Predictor.LatentPart, _ p: Predictor, _ inputs: Matrix, _ range: Range<Int>
  ) {
    latent.initial.report(
      queries: inputs, rows: range, above: p.threshold, threads: 1, into: &latentReport,
      statistics: &statistics)
    places.removeAll()
    latentFiring.removeAll()
    for query in 0..<latentReport.queryCount {
      for e in latentReport.range(of: query) {
        let neuron = unsafe Int(latentReport.neurons[e])
        guard latent.contains(neuron) else { continue }
        let (place, isNew) = places.place(of: neuron)
        if isNew { takeOutputs(latent, p, neuron, place) }
        let room = unsafe latentFiring.reserve(1)
        unsafe room.neurons.pointee = Int32(place)
        unsafe room.values.pointee = latentReport.values[e]
        latentFiring.commit(1)
      }
      latentFiring.endQuery()
    }
  }

  private func takeOutputs(
    _ latent: Predictor.LatentPart, _ p: Predictor, _ neuron: Int, _ place: Int
  ) {
    if place == latentOutputs.rows {
      latentOutputs = latentOutputs.growing(toRows: 2 * latentOutputs.rows)
    }
    let row = unsafe latentOutputs.row(place)
    unsafe latent.initial.copyOutputs(of: neuron, to: row)
    for c in 0..<p.outputCount { unsafe row[c] *= latent.outputScale }
  }
}
