// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Queries as a filter over tiles reads them: integers, and six numbers each for the thresholds.
///
/// - Note: `Sendable` is unchecked. It is filled before a parallel report, which only reads it.
@safe final class TileQueries: @unchecked Sendable {
  /// Queries and numbers of the last `encode`.
  private(set) var count = 0
  private var groups = 0
  private var capacity = 0
  /// `[count, 4 * groups]` each; `low` only where queries are in two planes.
  @unsafe private var planes = UnsafeMutablePointer<Int8>.allocate(capacity: 0)
  /// What `hs_query_lanes` makes of queries in one plane, where it does.
  @unsafe private var ordered = UnsafeMutablePointer<Int8>.allocate(capacity: 0)
  private var orderedCapacity = 0
  private var isOrdered = false
  /// X, G, 1 / t, o, H and Y: `[6, count]` block by block, see `numbers(of:)`.
  @unsafe private var numbers = UnsafeMutablePointer<Double>.allocate(capacity: 0)
  private var numberCapacity = 0
  /// What `hs_query_starts` says of queries in one plane, one after the other.
  @unsafe private var starts = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  private var startCapacity = 0
  /// At least the span of every query in one plane.
  private(set) var span: Int32 = 0
  /// What is known of every query while it is encoded.
  @unsafe private var sizes = unsafe Sizes(capacity: 0)
  /// Coordinates of the queries in a basis.
  private var coordinates = Matrix(rows: 0, columns: 0)

  deinit {
    unsafe planes.deallocate()
    unsafe ordered.deallocate()
    unsafe numbers.deallocate()
    unsafe starts.deallocate()
    unsafe sizes.deallocate()
  }

  var byteCount: Int {
    capacity + orderedCapacity + numberCapacity / 6 * Self.bytesPerQuery
      + startCapacity * MemoryLayout<Int32>.stride + coordinates.byteCount
  }

  /// Encodes queries `rows`, or their coordinates in a basis: in two planes (15 bits), each by
  /// itself, or in one plane, in blocks of `block` queries that share an array of numbers. O(d)
  /// each, O(d k) with a basis of `k` directions.
  func encode(
    _ queries: Matrix, _ rows: Range<Int>, basis: TileBasis?, inTwoPlanes: Bool, block: Int,
    threads: Int = 1
  ) {
    count = rows.count
    let columns = basis?.count ?? queries.columns
    groups = (columns + 3) / 4
    reserve()
    if let basis { project(queries, rows, basis) }
    let parts = min(threads, max(1, count / Self.queriesWorthATask))
    if parts == 1 {
      encode(0..<count, of: queries, rows, basis: basis, inTwoPlanes: inTwoPlanes, block: block)
    } else {
      parallelFor(parts, threads: threads) { part in
        encode(
          count * part / parts..<count * (part + 1) / parts, of: queries, rows, basis: basis,
          inTwoPlanes: inTwoPlanes, block: block)
      }
    }
    if !inTwoPlanes && hs_query_largest_of_batch() == HS_QUERY_LARGEST_7 {
      takeStarts()
    } else {
      span = .max
    }
    isOrdered = !inTwoPlanes && block == count && order()
  }

  /// Puts queries that are asked row by row in the order of the kernel, if it has one.
  private func order() -> Bool {
    guard count <= TilePass.mostQueriesOfPairs else { return false }
    let words = (count + Int(HS_WORD_QUERIES) - 1) / Int(HS_WORD_QUERIES)
    let size = words * Int(HS_WORD_QUERIES) * 4 * groups
    if size > orderedCapacity {
      unsafe ordered.deallocate()
      unsafe ordered = AlignedMemory.allocate(Int8.self, capacity: size)
      orderedCapacity = size
    }
    return unsafe hs_query_lanes(count, groups, planes, ordered) != 0
  }

  /// All queries in the order in which kernels multiply them by rows; nil where there is none.
  @unsafe var lanes: UnsafePointer<Int8>? { isOrdered ? unsafe UnsafePointer(ordered) : nil }

  /// Bytes of a query's numbers and sizes.
  private static let bytesPerQuery =
    8 * MemoryLayout<Double>.stride + 4 * MemoryLayout<Float>.stride

  /// Queries that take longer to encode than it takes to hand them over.
  private static let queriesWorthATask = 8

  /// Encodes some of the queries, each by itself.
  private func encode(
    _ some: Range<Int>, of queries: Matrix, _ rows: Range<Int>, basis: TileBasis?,
    inTwoPlanes: Bool, block: Int
  ) {
    guard !some.isEmpty else { return }
    let columns = basis?.count ?? queries.columns
    let source = basis == nil ? queries : coordinates
    let range = inTwoPlanes ? HS_QUERY_LARGEST_16 : hs_query_largest_of_batch()
    let length = 4 * groups
    let x = unsafe source.row(basis == nil ? rows.lowerBound + some.lowerBound : some.lowerBound)
    let (first, n) = (some.lowerBound, some.count)
    unsafe hs_query_sizes_f32(n, source.stride, x, sizes.squares + first, sizes.largest + first)
    for q in some {
      let row = unsafe x + (q - first) * source.stride
      let norm = unsafe RoundingMargin.norm(
        square: sizes.squares[q], stride: source.stride, row)
      unsafe sizes.norms[q] = norm
      // Infinite or no number: the reach alone decides, for all tiles and rows.
      unsafe sizes.scales[q] =
        TileMargin.scale(norm: norm, largest: sizes.largest[q], columns: columns, range: range)
        ?? .infinity
    }
    unsafe hs_queries_encode_f32(
      n, groups, source.stride, x, sizes.scales + first, planes + first * length,
      inTwoPlanes ? planes + (count + first) * length : nil, sizes.sums + first,
      sizes.residuals + first)
    for q in some {
      let (begin, size) = (q / block * block, min(block, count - q / block * block))
      let own = unsafe numbers + 6 * begin + (q - begin)
      let whole = unsafe queries.row(rows.lowerBound + q)
      let norm = unsafe sizes.norms[q]
      let wholeNorm =
        unsafe basis == nil ? norm : RoundingMargin.norm(stride: queries.stride, whole)
      let scale = unsafe sizes.scales[q]
      guard wholeNorm.isFinite, scale < .infinity else {
        unsafe (planes + q * length).update(repeating: 0, count: length)
        if inTwoPlanes {
          unsafe (planes + (count + q) * length).update(repeating: 0, count: length)
        }
        for k in 0..<5 { unsafe own[k * size] = 0 }
        unsafe own[5 * size] = wholeNorm.isFinite ? .infinity : wholeNorm
        continue
      }
      let residual = unsafe TileMargin.root(ofSum: sizes.residuals[q], terms: source.stride)
      let bounds =
        if let basis {
          unsafe TileMargin.Numbers(
            norm: norm, residual: residual, whole: wholeNorm,
            rest: basis.rest(
              of: whole, coordinates: x + (q - first) * source.stride, norm: wholeNorm),
            stride: queries.stride)
        } else {
          TileMargin.Numbers(norm: norm, residual: residual, stride: queries.stride)
        }
      unsafe own[0] = bounds.norm
      unsafe own[size] = bounds.slack
      unsafe own[2 * size] = 1 / Double(scale)
      unsafe own[3 * size] = 128 * Double(sizes.sums[q])
      unsafe own[4 * size] = bounds.rest
      unsafe own[5 * size] = bounds.reach
    }
  }

  private func takeStarts() {
    if count * startsPerQuery > startCapacity {
      unsafe starts.deallocate()
      startCapacity = count * startsPerQuery
      unsafe starts = .allocate(capacity: startCapacity)
    }
    span = 0
    for q in 0..<count {
      span = unsafe max(span, hs_query_starts(groups, high(q), starts + q * startsPerQuery))
    }
  }

  private var startsPerQuery: Int { 1 + (groups + Int(HS_TILE_PART) - 1) / Int(HS_TILE_PART) }

  /// What sums of codes begin at, from query `q` on.
  @unsafe func starts(_ q: Int) -> UnsafePointer<Int32> {
    unsafe UnsafePointer(starts + q * startsPerQuery)
  }

  private func project(_ queries: Matrix, _ rows: Range<Int>, _ basis: TileBasis) {
    if coordinates.rows < rows.count || coordinates.columns != basis.count {
      coordinates = Matrix(rows: rows.count, columns: basis.count)
    }
    unsafe hs_preactivations_f32(
      rows.count, basis.count, queries.stride, queries.row(rows.lowerBound), basis.matrix.pointer,
      coordinates.pointer, coordinates.stride)
  }

  /// The coordinates of query `q` in the basis that it was encoded with.
  @unsafe func coordinates(of q: Int) -> UnsafePointer<Float> {
    unsafe UnsafePointer(coordinates.row(q))
  }

  /// The first plane from query `q` on.
  @unsafe func high(_ q: Int) -> UnsafePointer<Int8> {
    unsafe UnsafePointer(planes + q * 4 * groups)
  }

  /// The second plane from query `q` on.
  @unsafe func low(_ q: Int) -> UnsafePointer<Int8> {
    unsafe UnsafePointer(planes + (count + q) * 4 * groups)
  }

  /// The numbers of the block that begins with query `q`.
  @unsafe func numbers(of q: Int) -> UnsafePointer<Double> {
    unsafe UnsafePointer(numbers + 6 * q)
  }

  private func reserve() {
    let needed = 2 * count * 4 * groups
    if needed > capacity {
      unsafe planes.deallocate()
      unsafe planes = AlignedMemory.allocate(Int8.self, capacity: needed)
      capacity = needed
    }
    if 6 * count > numberCapacity {
      unsafe numbers.deallocate()
      unsafe numbers = AlignedMemory.allocate(Double.self, capacity: 6 * count)
      numberCapacity = 6 * count
      unsafe sizes.deallocate()
      unsafe sizes = Sizes(capacity: count)
    }
  }
}

extension TileQueries {
  /// Of each query its canonical square, largest number, norm and scale, and of its codes their sum and the square
  /// of what they leave out.
  @unsafe private struct Sizes {
    let squares: UnsafeMutablePointer<Float>
    let largest: UnsafeMutablePointer<Float>
    let scales: UnsafeMutablePointer<Float>
    let norms: UnsafeMutablePointer<Double>
    let sums: UnsafeMutablePointer<Int32>
    let residuals: UnsafeMutablePointer<Double>

    init(capacity: Int) {
      unsafe squares = .allocate(capacity: capacity)
      unsafe largest = .allocate(capacity: capacity)
      unsafe scales = .allocate(capacity: capacity)
      unsafe norms = .allocate(capacity: capacity)
      unsafe sums = .allocate(capacity: capacity)
      unsafe residuals = .allocate(capacity: capacity)
    }

    func deallocate() {
      unsafe squares.deallocate()
      unsafe largest.deallocate()
      unsafe scales.deallocate()
      unsafe norms.deallocate()
      unsafe sums.deallocate()
      unsafe residuals.deallocate()
    }
  }
}
