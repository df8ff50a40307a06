// SPDX-License-Identifier: Apache-2.0

extension Communicator {
  /// The sums over all ranks, number by number. Every rank gives as many.
  public func sum(_ values: [Int]) -> [Int] {
    guard size > 1 else { return values }
    var all = [Int](repeating: 0, count: size * values.count)
    let bytes = values.count * MemoryLayout<Int>.stride
    unsafe values.withUnsafeBytes { part in
      unsafe all.withUnsafeMutableBytes { whole in
        unsafe allGather(part, counts: .init(repeating: bytes, count: size), into: whole)
      }
    }
    return values.indices.map { k in (0..<size).reduce(0) { $0 + all[$1 * values.count + k] } }
  }

  /// The lists of all ranks, which may differ in length, in the order of the ranks.
  public func gather(_ list: [Int]) -> [[Int]] {
    guard size > 1 else { return [list] }
    var counts = [Int](repeating: 0, count: size)
    counts[rank] = list.count
    counts = sum(counts)
    var all = [Int](repeating: 0, count: counts.reduce(0, +))
    unsafe list.withUnsafeBytes { part in
      unsafe all.withUnsafeMutableBytes { whole in
        unsafe allGather(part, counts: counts.map { $0 * MemoryLayout<Int>.stride }, into: whole)
      }
    }
    var start = 0
    return counts.map { count in
      defer { start += count }
      return Array(all[start..<start + count])
    }
  }

  /// The number of rank 0, on every rank.
  public func agreed(_ value: Int) -> Int {
    var value = value
    unsafe withUnsafeMutableBytes(of: &value) { unsafe broadcast($0, from: 0) }
    return value
  }

  /// The part of `0..<count` that this rank is to work on: consecutive, and nearly equal for all.
  public func share(of count: Int) -> Range<Int> { share(of: count, rank: rank) }

  /// The part of `0..<count` that a rank is to work on.
  public func share(of count: Int, rank: Int) -> Range<Int> {
    count * rank / size..<count * (rank + 1) / size
  }

  /// One matrix of the rows of all ranks, in the order of the ranks; `counts` tells how many each
  /// has. Always a copy. O(all rows * columns).
  public func gather(rows: Matrix, counts: [Int]) -> Matrix {
    precondition(
      counts.count == size && counts[rank] == rows.rows,
      "\(rows.rows) rows of rank \(rank) of \(size), counts \(counts)")
    guard size > 1 else { return rows.copy() }
    let whole = Matrix(
      rows: counts.reduce(0, +), columns: rows.columns, packedSingleColumn: rows.stride == 1)
    precondition(whole.stride == rows.stride, "rows of \(rows.stride) and \(whole.stride) floats")
    let rowBytes = rows.stride * MemoryLayout<Float>.stride
    unsafe allGather(
      UnsafeRawBufferPointer(start: rows.pointer, count: rows.byteCount),
      counts: counts.map { $0 * rowBytes },
      into: UnsafeMutableRawBufferPointer(start: whole.pointer, count: whole.byteCount))
    return whole
  }
}
