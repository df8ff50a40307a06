// SPDX-License-Identifier: Apache-2.0

/// Reads arrays of NumPy (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).
///
/// Taken are booleans, whole numbers of 1 to 8 bytes, floats of 4 and 8 bytes and texts, of either
/// byte order and either memory order. The header is a literal of Python's, of which just
/// the dictionary of `descr`, `fortran_order` and `shape` is understood.
enum NPYReader {
  /// More bytes than the header of any array of numbers has.
  static let headerLimit = 1 << 16
  /// More dimensions than NumPy allows.
  private static let dimensionLimit = 64

  /// The array that all bytes of `region` from `start` on are.
  static func array(
    _ region: FileRegion, from start: Int = 0, file: String, place: String? = nil
  ) throws(DataFileError) -> NumericArray {
    func fail(_ reason: DataFileError.Reason) -> DataFileError {
      DataFileError(file: file, place: place, reason: reason)
    }
    let head = region.bytes(start..<min(start + 12, region.count))
    guard head.starts(with: [0x93] + Array("NUMPY".utf8)), head.count >= 10 else {
      throw fail(.malformed("expected an array of NumPy, which begins with \\x93NUMPY"))
    }
    let version = head[6]
    guard (1...3).contains(version) else {
      throw fail(.unsupported("version \(version) of the NPY format; 1 to 3 are known"))
    }
    let lengthSize = version == 1 ? 2 : 4
    guard head.count >= 8 + lengthSize else {
      throw fail(.malformed("the file ends within the header"))
    }
    let length = (0..<lengthSize).reduce(0) { $0 | Int(head[8 + $1]) << (8 * $1) }
    let body = start + 8 + lengthSize
    guard length <= headerLimit else {
      throw fail(.malformed("a header of \(length) bytes; more than \(headerLimit) are refused"))
    }
    guard length <= region.count - body else {
      throw fail(.malformed("the file ends within the header"))
    }
    let text = region.bytes(body..<(body + length))
    guard let header = NPYHeader(text) else {
      throw fail(
        .malformed(
          "the header is not the dictionary of descr, fortran_order and shape that it should be"))
    }
    guard let (type, isBigEndian) = elementType(header.descr) else {
      throw fail(
        .unsupported(
          "elements of type \"\(header.descr)\"; booleans, integers, floats of 4 or 8 "
            + "bytes and texts are taken"))
    }
    guard !header.shape.isEmpty, header.shape.count <= dimensionLimit else {
      throw fail(
        .unsupported("an array of \(header.shape.count) dimensions; expected rows and columns"))
    }
    guard !header.shape.contains(0) else {
      throw fail(.inconsistent("shape \(header.shape): there are no elements"))
    }
    let found = region.count - body - length
    let expected = NumericArray.byteCount(header.shape, type)
    guard expected == found,
      let array = NumericArray(
        shape: header.shape, elementType: type, isBigEndian: isBigEndian,
        isColumnMajor: header.isColumnMajor && header.shape.count > 1, region: region,
        offset: body + length)
    else {
      let size = expected.map { "\($0) bytes" } ?? "more bytes than there can be"
      throw fail(
        .inconsistent(
          "shape \(header.shape) of \"\(header.descr)\" takes \(size), there are \(found)"))
    }
    guard !array.isColumnMajorBeyondMatrix else {
      throw fail(.unsupported("an array in Fortran order of \(header.shape.count) dimensions"))
    }
    return array
  }

  /// What NumPy's name of a type stands for.
  private static func elementType(
    _ descr: String
  ) -> (type: NumericArray.ElementType, isBigEndian: Bool)? {
    guard let order = descr.first, "<>|=".contains(order) else { return nil }
    let name = descr.dropFirst()
    let type: NumericArray.ElementType? =
      switch name {
      case "b1": .bool
      case "i1": .int8
      case "u1": .uint8
      case "i2": .int16
      case "u2": .uint16
      case "i4": .int32
      case "u4": .uint32
      case "i8": .int64
      case "u8": .uint64
      case "f4": .float32
      case "f8": .float64
      default:
        // Longer texts are no labels of classes.
        name.first == "U"
          ? Int(name.dropFirst()).flatMap { (1...10_000).contains($0) ? .text(length: $0) : nil }
          : nil
      }
    return type.map { ($0, order == ">") }
  }
}
