// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

extension TileBasis {
  /// Rows and queries from which the spectrum is taken.
  private static let mostSamples = 4096
  private static let mostSampledRows = 512
  /// The share of rows for whose report the basis is chosen.
  private static let firing = 0.01
  /// What deciding a candidate takes, in bytes read in order for each byte of its row.
  private static let candidateCost = 3.0
  /// The basis must make a report cheaper by this factor.
  private static let worthwhile = 0.7

  /// Queries by which it is judged whether looking for a subspace is worth its cost, and coordinates
  /// up to which that takes no more than some ten milliseconds.
  private static let judged = 64
  private static let mostCoordinates = 512
  /// What the effective dimension must be at most, of the coordinates there are.
  private static let smallDimension = 0.5

  /// Whether the queries seem to lie near a subspace of few dimensions, by the effective dimension
  /// of some of them: `sum |x|² |y|² / sum <x, y>²` over pairs of different ones, which is `d` for
  /// queries in all directions. O(d).
  static func seemsToPay(_ queries: Matrix) -> Bool {
    let (n, d) = (min(queries.rows, judged), queries.columns)
    guard n > 1, d >= 8, d <= mostCoordinates, queries.isFinite else { return false }
    let some = queries.gather((0..<n).map { $0 * queries.rows / n })
    let products = Matrix(rows: n, columns: n)
    unsafe hs_preactivations_f32(
      n, n, some.stride, some.pointer, some.pointer, products.pointer, products.stride)
    var (lengths, squares) = (0.0, 0.0)
    for i in 0..<n {
      for j in 0..<i {
        let (x, y, product) = (products[i, i], products[j, j], products[i, j])
        // One and the same query again says nothing.
        if x == y && product == x { continue }
        lengths += Double(x) * Double(y)
        squares += Double(product) * Double(product)
      }
    }
    return lengths < smallDimension * Double(d) * squares
  }

  /// The principal directions of the queries, as many as make reports cheapest; nil where all
  /// coordinates together are nearly as cheap, or where the sample says nothing.
  ///
  /// A report of a share p of the rows with `k` directions reads `k` bytes for each row, and
  /// `4 d` for each candidate. The candidates are the tail of a normal distribution from the
  /// threshold minus the margin on, in deviations of the inner products: the margin is the norm of
  /// what is left out of a typical query times that of a row. O(n d² + d³).
  static func forQueries(_ queries: Matrix, weights: Matrix, count: Int? = nil) -> TileBasis? {
    let d = weights.columns
    precondition(
      queries.columns == d,
      "sample queries of shape [\(queries.rows), \(queries.columns)] for rows of [*, \(d)]")
    let n = min(queries.rows, mostSamples)
    guard n > 0, d > 0, weights.rows > 0, queries.isFinite else { return nil }
    let sample = queries.gather((0..<n).map { $0 * queries.rows / n })
    guard let directions = principalDirections(sample) else { return nil }
    var chosen = count
    if chosen == nil {
      // Directions hold more of the queries that they are taken from than of others: judged are the
      // directions of one half by the queries of the other.
      let halves = (0..<2).map { half in sample.gather((0..<n).filter { $0 % 2 == half }) }
      guard n > 1, let judged = principalDirections(halves[0]) else { return nil }
      chosen = cheapest(energies(halves[1], judged), energies(weights, judged))
    }
    guard let chosen, chosen > 0 else { return nil }
    return TileBasis(directions.gather(0..<min(chosen, d)))
  }

  /// What rows near a subspace have outside of it at most, as a part of the deviation of their products
  /// with unit queries in any direction.
  private static let smallRest = 0.02
  /// Coordinates from which on a few directions are a tenth of the work.
  private static let fewestCoordinates = 16

  /// The principal directions of the rows, where few of them hold nearly all of every row; nil where
  /// rows lie in no such subspace, or in one of more than half of the coordinates. O(d³), O(d) where
  /// that is plain to see.
  static func forRows(_ weights: Matrix) -> TileBasis? {
    let d = weights.columns
    let n = min(weights.rows, mostSamples)
    // Few rows always lie in a subspace of as many dimensions.
    guard d >= fewestCoordinates, n >= 2 * d else { return nil }
    let sample = weights.gather((0..<n).map { $0 * weights.rows / n })
    guard seemsToPay(sample), sample.isFinite, let directions = principalDirections(sample) else {
      return nil
    }
    let energies = energies(sample, directions)
    var rest = energies.reduce(0, +)
    let limit = smallRest * smallRest * rest / Double(d)
    guard limit > 0, limit.isFinite else { return nil }
    var count = 0
    while count < d, rest > limit {
      rest = energies[(count + 1)...].reduce(0, +)
      count += 1
    }
    // Codes come in groups of four coordinates.
    count = (count + 3) / 4 * 4
    return count <= d / 2 ? TileBasis(directions.gather(0..<count)) : nil
  }

  /// The principal directions of all these queries, largest first.
  private static func principalDirections(_ queries: Matrix) -> Matrix? {
    let (n, d) = (queries.rows, queries.columns)
    var moments = DoubleMatrix(rows: d, columns: d)
    var sample = [Double](repeating: 0, count: n * d)
    for i in 0..<n {
      for l in 0..<d { sample[i * d + l] = Double(queries[i, l]) }
    }
    unsafe hs_gemm_f64(1, 0, d, d, n, 1 / Double(n), sample, d, sample, d, 0, &moments.elements, d)
    guard let system = try? moments.symmetricEigensystem() else { return nil }
    let directions = Matrix(rows: d, columns: d)
    for j in 0..<d {
      for l in 0..<d { directions[j, l] = Float(system.vectors[l, d - 1 - j]) }
    }
    return directions
  }

  /// The mean square of each coordinate of the rows, in these directions.
  private static func energies(_ weights: Matrix, _ directions: Matrix) -> [Double] {
    let d = directions.rows
    let n = min(weights.rows, mostSampledRows)
    let rows = weights.gather((0..<n).map { $0 * weights.rows / n })
    let products = Matrix(rows: n, columns: d)
    unsafe hs_preactivations_f32(
      n, d, rows.stride, rows.pointer, directions.pointer, products.pointer, products.stride)
    var energies = [Double](repeating: 0, count: d)
    for r in 0..<n {
      for j in 0..<d { energies[j] += Double(products[r, j]) * Double(products[r, j]) / Double(n) }
    }
    return energies
  }

  private static func cheapest(_ spectrum: [Double], _ energies: [Double]) -> Int? {
    let d = spectrum.count
    let variance = zip(spectrum, energies).reduce(0) { $0 + $1.0 * $1.1 }
    guard variance > 0, variance.isFinite else { return nil }
    let threshold = GaussianTail.threshold(forProbability: firing)
    func cost(_ k: Int) -> Double {
      let queryRest = spectrum[k...].reduce(0, +).squareRoot()
      let rowRest = energies[k...].reduce(0, +).squareRoot()
      // Codes leave out about a 1/250th of a row: 4 deviations in 127 steps, uniform.
      let codes = 0.009 * (energies.reduce(0, +) * spectrum.reduce(0, +)).squareRoot()
      let margin = (queryRest * rowRest + codes) / variance.squareRoot()
      return Double(k)
        + candidateCost * 4 * Double(d) * GaussianTail.probability(above: threshold - margin)
    }
    let best = stride(from: 4, to: d, by: 4).min { cost($0) < cost($1) }
    guard let best, cost(best) < worthwhile * cost(d) else { return nil }
    return best
  }
}
