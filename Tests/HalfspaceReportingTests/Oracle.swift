// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import HalfspaceLinalg
import HalfspaceReporting
import Testing

/// What a report must be: every row of every query by the canonical kernel, compared strictly.
struct Oracle: Equatable {
  var neurons: [[Int]] = []
  var values: [[UInt32]] = []

  /// The report of a dense pass over explicit rows.
  init(weights: Matrix, queries: Matrix, rows: Range<Int>, above threshold: Float) {
    let products = Matrix(rows: max(1, rows.count), columns: max(1, weights.rows))
    unsafe hs_preactivations_f32(
      rows.count, weights.rows, weights.stride, queries.row(rows.lowerBound), weights.pointer,
      products.pointer, products.stride)
    for q in 0..<rows.count {
      let z = (0..<weights.rows).map { products[q, $0] }
      let firing = z.indices.filter { z[$0] > threshold }
      neurons.append(firing)
      values.append(firing.map { (z[$0] - threshold).bitPattern })
    }
  }

  /// The report that was given, values by their bits.
  init<Neuron>(_ report: borrowing CSRReport<Neuron>) {
    for q in 0..<report.queryCount {
      neurons.append(report.neurons(of: q).map { Int($0) })
      values.append(report.values(of: q).map(\.bitPattern))
    }
  }

  var pairCount: Int { neurons.reduce(0) { $0 + $1.count } }
}

/// All rows of initial weights, explicit.
func assembled(_ weights: some InitialWeights) -> Matrix {
  let rows = Matrix(rows: weights.count, columns: weights.dimension)
  for r in 0..<weights.count { unsafe weights.copyRow(r, to: rows.row(r)) }
  return rows
}

/// Options of a certified tile index that every test of exactness goes through: rows as they come
/// and in order, all coordinates and half of the directions of a sample.
func tileOptions(_ weights: Matrix, of sample: Matrix? = nil) -> [TileOptions] {
  let d = weights.columns
  guard d > 0, weights.rows > 0 else { return [TileOptions()] }
  let sample = sample ?? gaussian(30, d, seed: 99)
  let prefix = max(1, d / 2)
  return [
    TileOptions(), TileOptions(order: .spatial),
    TileOptions(sampleQueries: sample, prefix: prefix),
    TileOptions(order: .spatial, sampleQueries: sample, prefix: prefix),
  ]
}

/// A matrix of N(0, 1) numbers, times `scale`.
func gaussian(_ rows: Int, _ columns: Int, seed: UInt64, scale: Float = 1) -> Matrix {
  let matrix = Matrix(rows: rows, columns: columns)
  unsafe hs_normal_rows_f32(seed, 7, 0, rows, columns, matrix.stride, matrix.pointer)
  if scale != 1 {
    for i in 0..<(rows * matrix.stride) { unsafe matrix.pointer[i] *= scale }
  }
  return matrix
}

/// Small integers, so that inner products are exact in every summation order and ties abound.
func integers(_ rows: Int, _ columns: Int, seed: UInt64, largest: Int = 3) -> Matrix {
  let matrix = Matrix(rows: rows, columns: columns)
  var generator = SeededGenerator(seed: seed)
  for r in 0..<rows {
    for c in 0..<columns { matrix[r, c] = Float(generator.below(2 * largest + 1) - largest) }
  }
  return matrix
}

/// Asks initial weights, with counters.
func ask(
  _ weights: some InitialWeights, _ queries: Matrix, _ rows: Range<Int>? = nil,
  above threshold: Float, threads: Int = 1
) -> (report: Oracle, statistics: IndexStatistics) {
  var report = InitialReport()
  var statistics = IndexStatistics()
  weights.report(
    queries: queries, rows: rows ?? 0..<queries.rows, above: threshold, threads: threads,
    into: &report, statistics: &statistics)
  return (Oracle(report), statistics)
}
