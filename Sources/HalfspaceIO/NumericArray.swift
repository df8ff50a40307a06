// SPDX-License-Identifier: Apache-2.0

/// Rows of numbers, or of one text each, as a binary file holds them: NPY, an array of an NPZ, IDX.
///
/// Elements stay in their file's representation and are converted when asked for; those of
/// a large NPY file stay on the disk. Arrays of more than two dimensions are rows of flattened
/// elements, arrays of one dimension have one column. Safe for concurrent use.
public struct NumericArray: Sendable {
  /// How elements are represented.
  public enum ElementType: Sendable, Hashable {
    /// 0 or 1 in a byte.
    case bool
    /// Whole numbers.
    case int8, uint8, int16, uint16, int32, uint32, int64, uint64
    /// Numbers.
    case float32, float64
    /// So many characters of UTF-32, zeros behind the last.
    case text(length: Int)

    /// Bytes of an element.
    public var byteCount: Int {
      switch self {
      case .bool, .int8, .uint8: 1
      case .int16, .uint16: 2
      case .int32, .uint32, .float32: 4
      case .int64, .uint64, .float64: 8
      case .text(let length): 4 * length
      }
    }
  }

  /// The shape, outermost dimension first.
  public let shape: [Int]
  /// How elements are represented.
  public let elementType: ElementType
  /// Number of rows: the first dimension.
  public var rowCount: Int { shape[0] }
  /// Number of columns: the product of the other dimensions.
  public let columnCount: Int
  let isBigEndian: Bool
  let isColumnMajor: Bool
  let region: FileRegion
  let offset: Int

  /// An array over bytes of a region, nil unless they are all there. The shape has a dimension
  /// at least and none is negative.
  init?(
    shape: [Int], elementType: ElementType, isBigEndian: Bool, isColumnMajor: Bool,
    region: FileRegion, offset: Int
  ) {
    guard let size = Self.byteCount(shape, elementType), size <= region.count - offset else {
      return nil
    }
    self.shape = shape
    self.elementType = elementType
    self.isBigEndian = isBigEndian
    self.isColumnMajor = isColumnMajor
    self.region = region
    self.offset = offset
    // A zero among the dimensions may stand beside ones that overflow together.
    columnCount = size == 0 ? 0 : shape.dropFirst().reduce(1, *)
  }

  /// Bytes of an array; nil when they exceed an integer.
  static func byteCount(_ shape: [Int], _ elementType: ElementType) -> Int? {
    if shape.contains(0) { return 0 }
    var count = elementType.byteCount
    for dimension in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow else { return nil }
      count = product
    }
    return count
  }

  /// Whether the elements are texts.
  public var isText: Bool {
    if case .text = elementType { true } else { false }
  }

  /// Whether rows cannot be taken as flattened elements: Fortran order beyond two dimensions would
  /// flatten them in another order than NumPy's `reshape` does.
  var isColumnMajorBeyondMatrix: Bool { isColumnMajor && shape.count > 2 }

  /// Whether the elements are a mapped file's.
  public var isMapped: Bool { region.isMapped }

  // MARK: Elements

  /// The numbers of the given rows, `columnCount` columns one after the other; traps for texts and
  /// rows out of range. O(rows * columns).
  public func columns(rows: Range<Int>) -> [[Double]] {
    checkRows(rows)
    let width = elementType.byteCount
    var result = [[Double]](
      repeating: [Double](repeating: 0, count: rows.count), count: columnCount)
    unsafe region.withBytes { bytes in
      // Blocks of rows: every page of a mapped file is visited once.
      for first in stride(from: rows.lowerBound, to: rows.upperBound, by: 256) {
        let block = first..<min(first + 256, rows.upperBound)
        for column in 0..<columnCount {
          for row in block {
            let index = isColumnMajor ? column * rowCount + row : row * columnCount + column
            result[column][row - rows.lowerBound] = unsafe number(
              in: bytes, at: offset + index * width)
          }
        }
      }
    }
    return result
  }

  /// The number whose bytes begin at `offset`; traps for texts.
  @inline(__always)
  func number(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Double {
    func load<Bits: FixedWidthInteger>(_ type: Bits.Type) -> Bits {
      let raw = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: type)
      return isBigEndian ? Bits(bigEndian: raw) : Bits(littleEndian: raw)
    }
    switch elementType {
    case .bool: return load(UInt8.self) == 0 ? 0 : 1
    case .int8: return Double(load(Int8.self))
    case .uint8: return Double(load(UInt8.self))
    case .int16: return Double(load(Int16.self))
    case .uint16: return Double(load(UInt16.self))
    case .int32: return Double(load(Int32.self))
    case .uint32: return Double(load(UInt32.self))
    case .int64: return Double(load(Int64.self))
    case .uint64: return Double(load(UInt64.self))
    case .float32: return Double(Float(bitPattern: load(UInt32.self)))
    case .float64: return Double(bitPattern: load(UInt64.self))
    case .text: preconditionFailure("the elements are texts")
    }
  }

  /// The texts of the given rows of an array of texts with one column; nil for an element that is
  /// no text. O(rows * length).
  func texts(rows: Range<Int>) -> [String?] {
    checkRows(rows)
    guard case .text(let length) = elementType, columnCount == 1 else {
      preconditionFailure("the elements are no texts in one column")
    }
    return unsafe region.withBytes { bytes in
      rows.map { row in
        var scalars = String.UnicodeScalarView()
        var zeros = 0
        for k in 0..<length {
          let raw = unsafe bytes.loadUnaligned(
            fromByteOffset: offset + 4 * (row * length + k), as: UInt32.self)
          let bits = isBigEndian ? UInt32(bigEndian: raw) : UInt32(littleEndian: raw)
          guard let scalar = Unicode.Scalar(bits) else { return nil }
          if bits == 0 {
            zeros += 1
          } else {
            // Zeros behind the last character do not count, those before are characters.
            while zeros > 0 {
              scalars.append("\0")
              zeros -= 1
            }
            scalars.append(scalar)
          }
        }
        return String(scalars)
      }
    }
  }

  private func checkRows(_ rows: Range<Int>) {
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows \(rows) of \(rowCount)")
  }
}
