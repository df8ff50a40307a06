// SPDX-License-Identifier: Apache-2.0

extension NumericArray {
  /// Whether rows can be read one by one: they lie in the file as rows.
  var hasRows: Bool { !isColumnMajor && !isText }

  /// Writes the numbers of the given rows, `columnCount` of each, to `numbers`; a large file is read
  /// for them and does not become resident. Traps for texts and rows out of range.
  /// O(rows * columns).
  func read(
    _ rows: some Collection<Int>, into numbers: inout [Double]
  ) throws(FileError) {
    precondition(hasRows, "the array does not lie in rows")
    let width = elementType.byteCount * columnCount
    let needed = rows.count * columnCount
    if numbers.count < needed { numbers = .init(repeating: 0, count: needed) }
    // Neighbors are read together, up to a megabyte.
    let most = max(1, (1 << 20) / max(1, width))
    var buffer = [UInt8](repeating: 0, count: width * min(most, rows.count))
    var place = 0
    var next = rows.startIndex
    while next != rows.endIndex {
      let first = rows[next]
      var count = 0
      while next != rows.endIndex, count < most, rows[next] == first + count {
        count += 1
        rows.formIndex(after: &next)
      }
      precondition(first >= 0 && first + count <= rowCount, "row \(first) of \(rowCount)")
      try unsafe withBytes(of: &buffer, count * width) { (bytes) throws(FileError) in
        unsafe try region.read(at: offset + first * width, into: bytes)
      }
      convert(buffer, count * columnCount, into: &numbers, at: place * columnCount)
      place += count
    }
  }

  private func withBytes(
    of buffer: inout [UInt8], _ count: Int,
    _ body: (UnsafeMutableRawBufferPointer) throws(FileError) -> Void
  ) throws(FileError) {
    // The standard function does not pass typed errors on.
    var failure: FileError?
    unsafe buffer.withUnsafeMutableBytes { bytes in
      do throws(FileError) {
        unsafe try body(UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]))
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  private func convert(_ buffer: [UInt8], _ count: Int, into numbers: inout [Double], at: Int) {
    let width = elementType.byteCount
    unsafe buffer.withUnsafeBytes { bytes in
      unsafe numbers.withUnsafeMutableBufferPointer { numbers in
        for k in 0..<count { unsafe numbers[at + k] = number(in: bytes, at: k * width) }
      }
    }
  }
}
