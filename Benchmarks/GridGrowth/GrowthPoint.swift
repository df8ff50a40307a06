// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// What a static report of one grid costs.
struct GrowthPoint {
  let m: Int
  let d: Int
  let parts: Int
  let groups: Int
  /// Median seconds per query, asked alone and in batches.
  let single: Double
  let batched: Double
  /// Per query: pairs that fire, inner products.
  let reported: Double
  let innerProducts: Double
  let mismatches: Int
  let memoryBytes: Int
  let buildSeconds: Double

  /// Queries of a batch.
  static let batch = 64
  /// Rows up to which answers are compared with exhaustive computation.
  private static let mostRowsCompared = 1 << 20

  static func measure(
    count: Int, dimension: Int, parts: Int?, firings: Double, plan: TimingPlan
  ) -> GrowthPoint {
    let start = MonotonicClock.now
    let grid = ProductGrid(
      count: count, dimension: dimension, seed: 1, parts: parts, threads: 1)
    let buildSeconds = MonotonicClock.now - start
    let queries = unitQueries(dimension: dimension)
    let threshold = Float(GaussianTail.threshold(forProbability: firings / Double(count)))
    var next = 0
    var one = InitialReport()
    var all = InitialReport()
    var ignored = IndexStatistics()
    let timings = [batch, 1].map { size in
      Timing.measure(plan) {
        grid.report(
          queries: queries, rows: next..<(next + size), above: threshold, threads: 1,
          into: &one, statistics: &ignored)
        next = (next + size) % batch
      }
    }
    var work = IndexStatistics()
    grid.report(
      queries: queries, rows: 0..<batch, above: threshold, threads: 1, into: &all,
      statistics: &work)
    return GrowthPoint(
      m: count, d: dimension, parts: grid.partCount, groups: grid.groupCount,
      single: timings[1].median, batched: timings[0].median / Double(batch),
      reported: Double(all.count) / Double(batch),
      innerProducts: Double(work.innerProducts) / Double(batch),
      mismatches: mismatches(grid, queries, above: threshold, in: all),
      memoryBytes: grid.memoryBytes, buildSeconds: buildSeconds)
  }

  /// Unit vectors in random directions.
  private static func unitQueries(dimension: Int) -> Matrix {
    let directions = IndependentGaussian(count: batch, dimension: dimension, seed: ~1)
    let queries = Matrix(rows: batch, columns: dimension)
    for q in 0..<batch {
      unsafe directions.copyRow(q, to: queries.row(q))
      let x = queries.rowArray(q)
      let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
      queries.setRow(q, to: x.map { $0 / norm })
    }
    return queries
  }

  /// Pairs of a report that are missing, superfluous or have another value.
  private static func mismatches(
    _ grid: ProductGrid, _ queries: Matrix, above threshold: Float,
    in report: borrowing InitialReport
  ) -> Int {
    if grid.count <= mostRowsCompared {
      let rows = Matrix(rows: grid.count, columns: grid.dimension)
      for r in 0..<grid.count { unsafe grid.copyRow(r, to: rows.row(r)) }
      var index: any HalfSpaceIndex = BruteForceIndex(rows)
      var expected = FiringReport()
      index.report(queries: queries, rows: 0..<queries.rows, above: threshold, into: &expected)
      return (0..<queries.rows).reduce(0) { wrong, q in
        let found = zip(report.neurons(of: q).map { Int($0) }, report.values(of: q))
        let given = zip(expected.neurons(of: q).map { Int($0) }, expected.values(of: q))
        let isSame = found.elementsEqual(given) {
          $0.0 == $1.0 && $0.1.bitPattern == $1.1.bitPattern
        }
        return wrong + (isSame ? 0 : 1)
      }
    }
    // A row at a time: its canonical value, and that it fires.
    let row = Matrix(rows: 1, columns: grid.dimension)
    var one = FiringReport()
    return (0..<queries.rows).reduce(0) { wrong, q in
      let pairs = Array(zip(report.neurons(of: q), report.values(of: q)))
      let isAscending = zip(pairs, pairs.dropFirst()).allSatisfy { $0.0 < $1.0 }
      return wrong + (isAscending ? 0 : 1)
        + pairs.count { neuron, value in
          unsafe grid.copyRow(Int(neuron), to: row.pointer)
          BruteForceIndex(row).report(
            queries: queries, rows: q..<(q + 1), above: threshold, into: &one)
          return one.count != 1 || one.values(of: 0)[0].bitPattern != value.bitPattern
        }
    }
  }

  // MARK: Writing

  static let columns = [
    "rows", "m", "d", "parts", "groups", "one query", "per query of \(batch)", "inner products",
    "reported", "mismatches", "memory", "build",
  ]

  var cells: [String] {
    [
      Format.count(m), "\(d)", "\(parts)", "\(groups)", Format.duration(single),
      Format.duration(batched), Format.count(Int(innerProducts.rounded())),
      Format.significant(reported), Format.count(mismatches), Format.bytes(memoryBytes),
      Format.duration(buildSeconds),
    ]
  }

  /// Names and values, in the order of the columns of the CSV file.
  private func fields(name: String) -> [(name: String, value: any CustomStringConvertible)] {
    [
      ("rows", name), ("m", m), ("d", d), ("parts", parts), ("groups", groups),
      ("seconds", single), ("secondsBatched", batched), ("batch", Self.batch),
      ("innerProducts", innerProducts), ("reported", reported), ("mismatches", mismatches),
      ("memoryBytes", memoryBytes), ("buildSeconds", buildSeconds),
    ]
  }

  func csvColumns(name: String) -> [String] { fields(name: name).map(\.name) }

  func csvFields(name: String) -> [any CustomStringConvertible] { fields(name: name).map(\.value) }

  func json(name: String) -> JSONValue {
    [
      "rows": .string(name), "m": .integer(m), "d": .integer(d), "parts": .integer(parts),
      "groups": .integer(groups), "seconds": .number(single),
      "secondsBatched": .number(batched), "batch": .integer(Self.batch),
      "innerProducts": .number(innerProducts), "reported": .number(reported),
      "mismatches": .integer(mismatches), "memoryBytes": .integer(memoryBytes),
      "buildSeconds": .number(buildSeconds),
    ]
  }
}
