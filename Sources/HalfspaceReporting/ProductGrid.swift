// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

/// Gaussian rows whose exact half-space report costs a square root of their number, in any
/// dimension.
///
/// ```swift
/// let grid = ProductGrid(count: 1 << 20, dimension: 128, seed: 1)
/// var report = InitialReport()
/// var work = IndexStatistics()
/// grid.report(
///   queries: x, rows: 0..<x.rows, above: 2.33, threads: 1, into: &report, statistics: &work)
/// ```
///
/// The rows come in groups. A group cuts the coordinates by a random permutation into a left and
/// a right half, draws `s1` Gaussian vectors `u_i` on the left and `s2` Gaussian vectors `v_j` on
/// the right one, and its rows are all combinations:
///
/// ```
///            v_0   v_1   v_2   v_3        row g * per + i * s2 + j = [u_i ; v_j]
///     u_0     0     1     2     3         per = ceil(m / G) rows in a group
///     u_1     4     5     6     7         s2 = ceil(sqrt(per)), s1 = ceil(per / s2)
///     u_2     8     9     -     -         (numbers past `per` or `m` do not exist)
/// ```
///
/// Every row by itself is N(0, I_d). A query `x` has `alpha_i = <u_i, x_left>` and
/// `beta_j = <v_j, x_right>`, and row (i, j) fires if and only if `alpha_i + beta_j > b`. So
/// `G (s1 + s2)` half-length products replace `m` products, and comparisons find the pairs:
/// rows of the picture with `alpha_i + max beta <= b` are skipped whole, others take sixteen
/// comparisons at a time. Sums within a proven rounding margin of `b` (`RoundingMargin`) and all
/// above it are decided by the canonical inner product of the assembled row, so the report
/// is that of a dense pass over all `m` rows, bit for bit.
///
/// Very wide grids cut the coordinates into three parts of `s0`, `s1` and `s2` vectors: row
/// `g * per + (o * s1 + i) * s2 + j` is `[t_o ; u_i ; v_j]`, and the picture above is there once for
/// every `t_o` that can reach the threshold at all.
///
/// Rows of one group share halves and are therefore not independent of each other. What that
/// costs a kernel estimate falls with `s1 * G`; many groups are closer to independent rows and
/// dearer to ask, as `sqrt(G)`. See `defaultPartCount(count:dimension:)` and
/// `defaultGroupCount(count:parts:)`.
///
/// - Complexity: `G (s1 + s2) d / 2 + m / 16 + k d` operations per query at most, for `k` reported
///   rows, where `G (s1 + s2)` is about `2 sqrt(m G)`; with three parts
///   `G (s0 + s1 + s2) d / 3 + m / 16 + k d`, with `3 G^(2/3) m^(1/3)` vectors. Where few rows fire
///   most comparisons are skipped. Memory: `1.5 d` floats (padded) for each of the vectors.
public struct ProductGrid: InitialWeights {
  /// Number of rows, `m`.
  public let count: Int
  /// Number of coordinates of a row, `d`.
  public let dimension: Int
  /// Number of groups that hold rows, `G`.
  public let groupCount: Int
  /// Rows in a group; the last one may have fewer.
  public let rowsPerGroup: Int
  /// Number of parts that the coordinates are cut into, 2 or 3.
  public var partCount: Int { layout.isThreeWay ? 3 : 2 }
  /// What the rows are a function of, with `count`, `dimension`, `groupCount` and `partCount`.
  public let seed: UInt64

  let layout: Layout
  /// Coordinates of the outer part, then of the left and the right one, for each group: `[G, d]`.
  let permutations: [Int32]
  /// For each group the vectors without the other parts, transposed so that one product streams
  /// over them: `[h0, s0]`, `[h1, s1]` and then `[h2, s2]`, rows padded by copies of vector 0.
  let tables: Matrix
  /// The vectors at full length, zero in the other parts: `[G * s0, d]` (without rows where there
  /// are two parts), `[G * s1, d]`, `[G * s2, d]`.
  let outer: Matrix
  let left: Matrix
  let right: Matrix
  /// An upper bound of the norm of every row.
  let rowNorm: Double
  let door: Door
  let scratch = ScratchPool<ProductGridWorker>()

  /// Draws the vectors of a grid of shape `[count, dimension]`.
  ///
  /// The rows depend on `count`, `dimension`, `seed`, `groups` and `parts`, not on `threads`.
  ///
  /// - Parameters:
  ///   - count: any number of rows above 0.
  ///   - dimension: any number of coordinates above 0; with one coordinate, the left half is
  ///     empty.
  ///   - groups: `defaultGroupCount(count:parts:)` if nil. When `count` rows do not fill that many
  ///     groups, there are fewer.
  ///   - parts: 2, or 3 where there are as many coordinates;
  ///     `defaultPartCount(count:dimension:)` if nil.
  /// - Complexity: O(sqrt(m G) d), with three parts O(G^(2/3) m^(1/3) d).
  public init(
    count: Int, dimension: Int, seed: UInt64, groups: Int? = nil, parts: Int? = nil,
    threads: Int = ThreadCount.available
  ) {
    self.init(
      count: count, dimension: dimension, seed: seed, groups: groups, parts: parts,
      threads: threads, nonFinite: .refused)
  }

  /// As the public initializer; says what becomes of queries that are not finite.
  package init(
    count: Int, dimension: Int, seed: UInt64, groups: Int? = nil, parts: Int? = nil,
    threads: Int = ThreadCount.available, nonFinite: NonFiniteNumbers
  ) {
    self.init(
      count: count, dimension: dimension, seed: seed, groups: groups, parts: parts,
      threads: threads, nonFinite: nonFinite
    ) {
      stream, vectors in
      unsafe hs_normal_rows_f32(
        seed, stream, 0, vectors.rows, vectors.columns, vectors.stride, vectors.pointer)
    }
  }

  /// As the public initializer; `draw` fills the vectors of one part of one group, so that tests
  /// can choose them.
  init(
    count: Int, dimension: Int, seed: UInt64, groups: Int?, parts: Int? = nil, threads: Int,
    nonFinite: NonFiniteNumbers = .refused,
    draw: @Sendable (_ stream: UInt32, _ vectors: Matrix) -> Void
  ) {
    let layout = Layout(
      checkedCount: count, dimension: dimension, groups: groups, parts: parts)
    self.count = count
    self.dimension = dimension
    self.seed = seed
    door = Door(nonFinite)
    self.layout = layout
    groupCount = layout.groups
    rowsPerGroup = layout.rowsPerGroup
    let tables = Matrix(rows: layout.groups, columns: layout.tableFloats)
    let outer = Matrix(
      rows: layout.isThreeWay ? layout.groups * layout.outerCount : 0, columns: dimension)
    let left = Matrix(rows: layout.groups * layout.leftCount, columns: dimension)
    let right = Matrix(rows: layout.groups * layout.rightCount, columns: dimension)
    var permutations = [Int32](repeating: 0, count: layout.groups * dimension)
    for group in 0..<layout.groups {
      var coordinates = (0..<Int32(dimension)).map { $0 }
      var generator = SeededGenerator(
        seed: seed, stream: RandomStream.permutations + UInt64(group))
      generator.shuffle(&coordinates)
      let start = group * dimension
      permutations.replaceSubrange(start..<start + dimension, with: coordinates)
    }
    let splits = permutations
    parallelFor(layout.groups, threads: threads) { group in
      let coordinates = splits[group * dimension..<(group + 1) * dimension]
      let table = unsafe tables.row(group)
      if layout.isThreeWay {
        unsafe Self.drawPart(
          coordinates.prefix(layout.outerDimension), count: layout.outerCount,
          draw: { draw(RandomStream.outerVectors(group: group), $0) },
          rows: outer.row(group * layout.outerCount), stride: outer.stride, table: table,
          tableStride: layout.outerStride)
      }
      let halves = coordinates.dropFirst(layout.outerDimension)
      unsafe Self.drawPart(
        halves.prefix(layout.leftDimension), count: layout.leftCount,
        draw: { draw(RandomStream.halfVectors(group: group, right: false), $0) },
        rows: left.row(group * layout.leftCount), stride: left.stride,
        table: table + layout.leftTable, tableStride: layout.leftStride)
      unsafe Self.drawPart(
        halves.dropFirst(layout.leftDimension), count: layout.rightCount,
        draw: { draw(RandomStream.halfVectors(group: group, right: true), $0) },
        rows: right.row(group * layout.rightCount), stride: right.stride,
        table: table + layout.rightTable, tableStride: layout.rightStride)
    }
    self.permutations = permutations
    self.tables = tables
    self.outer = outer
    self.left = left
    self.right = right
    let norms = [outer, left, right].map(Self.largestNorm)
    // The parts are orthogonal; the last factor covers the roundings of this line.
    rowNorm = norms.reduce(0) { $0 + $1 * $1 }.squareRoot() * (1 + 0x1p-40)
  }

  /// Draws the vectors of one part and stores them twice: scattered to full length, and
  /// transposed.
  private static func drawPart(
    _ coordinates: ArraySlice<Int32>, count: Int, draw: (Matrix) -> Void,
    rows: UnsafeMutablePointer<Float>, stride: Int, table: UnsafeMutablePointer<Float>,
    tableStride: Int
  ) {
    let vectors = Matrix(rows: count, columns: coordinates.count)
    draw(vectors)
    for (k, coordinate) in coordinates.enumerated() {
      let column = unsafe vectors.pointer + k
      let line = unsafe table + k * tableStride
      for i in 0..<count {
        let value = unsafe column[i * vectors.stride]
        unsafe rows[i * stride + Int(coordinate)] = value
        unsafe line[i] = value
      }
      // Copies of a vector that exists never raise the maximum over a padded line.
      for i in count..<tableStride { unsafe line[i] = line[0] }
    }
  }

  private static func largestNorm(_ rows: Matrix) -> Double {
    var largest = 0.0
    for r in 0..<rows.rows {
      largest = unsafe max(largest, RoundingMargin.norm(stride: rows.stride, rows.row(r)))
    }
    return largest
  }

  /// Writes row `row` (`Matrix.paddedStride(dimension)` floats). O(d).
  public func copyRow(_ row: Int, to destination: UnsafeMutablePointer<Float>) {
    precondition(row >= 0 && row < count, "row \(row) of \(count)")
    let (group, local) = row.quotientAndRemainder(dividingBy: rowsPerGroup)
    let (o, inner) = local.quotientAndRemainder(dividingBy: layout.rowsPerOuter)
    let (i, j) = inner.quotientAndRemainder(dividingBy: layout.rightCount)
    let u = unsafe left.row(group * layout.leftCount + i)
    let v = unsafe right.row(group * layout.rightCount + j)
    // All but one are zero, so the sums are exact.
    for l in 0..<left.stride { unsafe destination[l] = u[l] + v[l] }
    guard layout.isThreeWay else { return }
    let t = unsafe outer.row(group * layout.outerCount + o)
    for l in 0..<left.stride { unsafe destination[l] += t[l] }
  }

  /// Bytes held: vectors, tables and permutations, without the scratch of running reports.
  public var memoryBytes: Int {
    tables.byteCount + outer.byteCount + left.byteCount + right.byteCount
      + permutations.count * MemoryLayout<Int32>.stride
  }
}
