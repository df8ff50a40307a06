// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

// One task of a report: a block of queries against a range of groups.
extension ProductGrid {
  /// Appends the pairs of `rows` group by group, and within a group query by query. Run queries
  /// count from the start of `rows`. Returns the number of candidates.
  func collect(
    groups: Range<Int>, _ queries: Matrix, _ rows: Range<Int>, above threshold: Float,
    worker: ProductGridWorker, into pairs: inout InitialReport,
    runs: inout [ReportStage<Int64>.Run]
  ) -> Int {
    // Above infinity there is nothing, and nothing compares with NaN.
    guard threshold < .infinity else { return 0 }
    worker.prepare(queries: rows.count, layout: layout, stride: left.stride)
    let cutoff = GridCutoff(
      threshold: threshold, longestPart: layout.rightDimension, stride: queries.stride,
      isThreeWay: layout.isThreeWay)
    for (q, row) in rows.enumerated() {
      let x = unsafe queries.row(row)
      let norm = unsafe RoundingMargin.norm(stride: queries.stride, x)
      worker.silent[q] = norm.isNaN
      worker.cutoffs[q] = cutoff.value(rowNorm: rowNorm, queryNorm: norm)
      for l in 0..<dimension { unsafe worker.transposed.pointer[l * rows.count + q] = x[l] }
    }
    var rechecked = 0
    for group in groups {
      multiply(group: group, queries: rows.count, worker: worker)
      for (q, row) in rows.enumerated() where !worker.silent[q] {
        let before = pairs.count
        let asked = unsafe Asked(
          x: queries.row(row), threshold: threshold, cutoff: worker.cutoffs[q], query: q)
        rechecked += decide(group: group, asked, worker: worker, into: &pairs)
        if pairs.count > before { runs.append(.init(query: q, count: pairs.count - before)) }
      }
    }
    return rechecked
  }

  /// One query of a block.
  @safe private struct Asked {
    @unsafe let x: UnsafePointer<Float>
    let threshold: Float
    let cutoff: Float
    /// Its line in the worker's products.
    let query: Int
  }

  // MARK: Products

  /// The products of the vectors of one group with all queries of the block.
  private func multiply(group: Int, queries: Int, worker: ProductGridWorker) {
    let gathered = unsafe worker.gathered.pointer
    let transposed = unsafe worker.transposed.pointer
    for k in 0..<dimension {
      let coordinate = Int(permutations[group * dimension + k])
      if queries == 1 {
        unsafe gathered[k] = transposed[coordinate]
      } else {
        unsafe (gathered + k * queries).update(
          from: transposed + coordinate * queries, count: queries)
      }
    }
    let table = unsafe tables.row(group)
    let (h0, h1) = (layout.outerDimension, layout.leftDimension)
    if layout.isThreeWay {
      unsafe Self.multiply(
        queries: queries, parts: gathered, dimension: h0, table: table,
        stride: layout.outerStride, into: worker.outer)
    }
    unsafe Self.multiply(
      queries: queries, parts: gathered + h0 * queries, dimension: h1,
      table: table + layout.leftTable, stride: layout.leftStride, into: worker.alpha)
    unsafe Self.multiply(
      queries: queries, parts: gathered + (h0 + h1) * queries, dimension: layout.rightDimension,
      table: table + layout.rightTable, stride: layout.rightStride, into: worker.beta)
  }

  /// `products[q, i] = sum over k of parts[k, q] * table[k, i]`.
  private static func multiply(
    queries: Int, parts: UnsafePointer<Float>, dimension: Int, table: UnsafePointer<Float>,
    stride: Int, into products: Matrix
  ) {
    if dimension == 0 {
      unsafe products.pointer.update(repeating: 0, count: queries * stride)
    } else if queries == 1 {
      unsafe hs_grid_products_f32(dimension, stride, table, parts, products.pointer)
    } else {
      unsafe hs_gemm_f32(
        1, 0, queries, stride, dimension, 1, parts, queries, table, stride, 0, products.pointer,
        stride)
    }
  }

  /// The largest of `count` floats, a positive multiple of 16, 64-byte aligned. With a NaN among
  /// them the answer is some other element: then the cutoff is NaN and nothing is skipped.
  private static func maximum(_ count: Int, _ values: UnsafePointer<Float>) -> Float {
    let blocks = unsafe UnsafeRawPointer(values).assumingMemoryBound(to: SIMD16<Float>.self)
    var largest = unsafe blocks[0]
    for k in 1..<max(1, count / 16) {
      let block = unsafe blocks[k]
      largest.replace(with: block, where: block .> largest)
    }
    // Spelled out: the compiler does not make vector instructions of a reduction.
    let (a, b) = (largest.lowHalf, largest.highHalf)
    let eight = a.replacing(with: b, where: b .> a)
    let (c, d) = (eight.lowHalf, eight.highHalf)
    let four = c.replacing(with: d, where: d .> c)
    let (e, f) = (four.x > four.y ? four.x : four.y, four.z > four.w ? four.z : four.w)
    return e > f ? e : f
  }

  // MARK: Filter and decision

  /// Filters one group for one query and decides its candidates. Returns their number.
  private func decide(
    group: Int, _ asked: Asked, worker: ProductGridWorker, into pairs: inout InitialReport
  ) -> Int {
    let first = group * rowsPerGroup
    let existing = min(rowsPerGroup, count - first)
    let largest = unsafe Self.maximum(layout.rightStride, worker.beta.row(asked.query))
    guard layout.isThreeWay else {
      return unsafe decide(
        group: group, outer: nil, rows: first..<first + existing, cutoff: asked.cutoff,
        largest: largest, asked, worker: worker, into: &pairs)
    }
    // A grid of one column tells which outer vectors reach the cutoff with the best of the others.
    let products = unsafe worker.outer.row(asked.query)
    let best = unsafe worker.best.pointer
    unsafe best[0] = Self.maximum(layout.leftStride, worker.alpha.row(asked.query))
    let filled = (existing + layout.rowsPerOuter - 1) / layout.rowsPerOuter
    var line = 0
    let reached = unsafe hs_grid_filter_f32(
      filled, 1, products, best, best[0], asked.cutoff - largest, Int64(filled), &line, filled,
      worker.reached.baseAddress!)
    var rechecked = 0
    for k in 0..<reached {
      let o = unsafe Int(worker.reached[k])
      let begin = o * layout.rowsPerOuter
      rechecked += unsafe decide(
        group: group, outer: outer.row(group * layout.outerCount + o),
        rows: first + begin..<first + min(existing, begin + layout.rowsPerOuter),
        cutoff: asked.cutoff - products[o], largest: largest, asked, worker: worker,
        into: &pairs)
    }
    return rechecked
  }

  /// Filters and decides the `rows` of a group that share an outer vector, if there is one.
  private func decide(
    group: Int, outer: UnsafePointer<Float>?, rows: Range<Int>, cutoff: Float, largest: Float,
    _ asked: Asked, worker: ProductGridWorker, into pairs: inout InitialReport
  ) -> Int {
    let s2 = layout.rightCount
    let u = unsafe left.row(group * layout.leftCount)
    let v = unsafe right.row(group * layout.rightCount)
    let alpha = unsafe worker.alpha.row(asked.query)
    let beta = unsafe worker.beta.row(asked.query)
    let locals = unsafe worker.locals
    let lines = (rows.count + s2 - 1) / s2
    // Local numbers have 32 bits; more rows are asked panel by panel.
    let panel = min(lines, Int(Int32.max) / s2)
    var rechecked = 0
    for start in stride(from: 0, to: lines, by: panel) {
      let end = min(lines, start + panel)
      let limit = min(rows.count, end * s2) - start * s2
      var line = 0
      while line < end - start {
        let found = unsafe hs_grid_filter_f32(
          end - start, s2, alpha + start, beta, largest, cutoff, Int64(limit), &line,
          locals.count, locals.baseAddress!)
        guard found > 0 else { continue }
        rechecked += found
        var decided = unsafe UnsafePointer(u) + start * left.stride
        if let outer = unsafe outer {
          unsafe join(outer, decided, locals.baseAddress!, found, into: worker.joined)
          unsafe decided = UnsafePointer(worker.joined.pointer)
        }
        let room = unsafe pairs.reserve(found)
        let fired = unsafe hs_grid_recheck_f32(
          found, locals.baseAddress!, s2, left.stride, decided, v, asked.x, asked.threshold,
          Int64(rows.lowerBound + start * s2), room.neurons, room.values)
        pairs.commit(fired)
      }
    }
    return rechecked
  }

  /// Adds an outer vector to those of the left vectors `u` that the candidates have.
  private func join(
    _ outer: UnsafePointer<Float>, _ u: UnsafePointer<Float>, _ locals: UnsafePointer<Int32>,
    _ count: Int, into joined: Matrix
  ) {
    let (s2, stride) = (layout.rightCount, left.stride)
    // Candidates ascend: those below belong to a line that is there.
    var below = 0
    for k in 0..<count {
      let local = unsafe Int(locals[k])
      guard local >= below else { continue }
      let line = local / s2
      below = (line + 1) * s2
      let target = unsafe joined.row(line)
      let source = unsafe u + line * stride
      for l in 0..<stride { unsafe target[l] = source[l] + outer[l] }
    }
  }
}
