// SPDX-License-Identifier: Apache-2.0

/// Reads IDX files, the format of MNIST (<http://yann.lecun.com/exdb/mnist/>): two zero bytes, the
/// type of the elements, the number of dimensions, each dimension in four bytes, the elements;
/// everything with the most significant byte first.
enum IDXReader {
  /// The array that all bytes of `region` are.
  static func array(_ region: FileRegion, file: String) throws(DataFileError) -> NumericArray {
    func fail(_ reason: DataFileError.Reason) -> DataFileError {
      DataFileError(file: file, reason: reason)
    }
    let head = region.bytes(0..<min(4, region.count))
    guard head.count == 4, head[0] == 0, head[1] == 0 else {
      throw fail(.malformed("expected an IDX file, which begins with two zero bytes"))
    }
    guard let type = elementType(head[2]) else {
      throw fail(.malformed("\(head[2]) stands for no type of elements"))
    }
    let dimensions = Int(head[3])
    guard dimensions > 0 else { throw fail(.malformed("the array has no dimensions")) }
    let start = 4 + 4 * dimensions
    guard start <= region.count else { throw fail(.malformed("the file ends within the header")) }
    let sizes = region.bytes(4..<start)
    let shape = (0..<dimensions).map { dimension in
      (0..<4).reduce(0) { $0 << 8 | Int(sizes[4 * dimension + $1]) }
    }
    guard !shape.contains(0) else {
      throw fail(.inconsistent("shape \(shape): there are no elements"))
    }
    let found = region.count - start
    let expected = NumericArray.byteCount(shape, type)
    guard expected == found,
      let array = NumericArray(
        shape: shape, elementType: type, isBigEndian: true, isColumnMajor: false, region: region,
        offset: start)
    else {
      let size = expected.map { "\($0) bytes" } ?? "more bytes than there can be"
      throw fail(.inconsistent("shape \(shape) takes \(size), there are \(found)"))
    }
    return array
  }

  private static func elementType(_ code: UInt8) -> NumericArray.ElementType? {
    switch code {
    case 0x08: .uint8
    case 0x09: .int8
    case 0x0B: .int16
    case 0x0C: .int32
    case 0x0D: .float32
    case 0x0E: .float64
    default: nil
    }
  }

  /// Where the labels of a file of images lie by the convention of MNIST: "labels" for "images"
  /// and "idx1" for "idx3" in its name; nil when the name does not follow it.
  static func labelsPath(forImages path: String) -> String? {
    let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let name = path[start...]
    guard name.contains("images") else { return nil }
    return String(path[..<start])
      + name.replacing("images", with: "labels").replacing("idx3", with: "idx1")
  }
}
