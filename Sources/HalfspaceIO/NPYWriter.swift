// SPDX-License-Identifier: Apache-2.0

/// Writes arrays of NumPy
/// (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>), version 1.0.
enum NPYWriter {
  /// Elements begin at a multiple of this.
  private static let alignment = 64

  /// A tensor as the bytes of a file. O(bytes).
  static func bytes(_ tensor: Safetensors.Tensor) -> [UInt8] {
    let type =
      switch tensor.elementType {
      case .float32: "<f4"
      case .float64: "<f8"
      case .int32: "<i4"
      case .int64: "<i8"
      }
    // A tuple of one has a comma.
    let shape = tensor.shape.map { "\($0)," }.joined(separator: " ")
    let tuple = tensor.shape.count > 1 ? String(shape.dropLast()) : shape
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(tuple)), }"
    let begin = 10
    let unpadded = begin + header.utf8.count + 1
    let padding = (alignment - unpadded % alignment) % alignment
    header += String(repeating: " ", count: padding) + "\n"
    let length = LittleEndian.bytes(count: 1) { _ in UInt16(header.utf8.count) }
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + length + Array(header.utf8) + tensor.bytes
  }
}
