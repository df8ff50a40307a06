// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Named tensors and text metadata, as files in the safetensors format.
///
/// ```swift
/// var file = Safetensors(metadata: ["format": "pt"])
/// file.set(weights, for: "fc1.weight")                     // Matrix [m, d]
/// try file.write(to: "model.safetensors")
///
/// let same = try Safetensors(contentsOf: "model.safetensors")
/// let read = try same.matrix("fc1.weight", columns: 17)    // throws unless [any, 17]
/// ```
///
/// The format (<https://github.com/huggingface/safetensors>): eight bytes with the header's length
/// as a little-endian integer; the header, a JSON object that names type, shape and place of every
/// tensor and holds the metadata under `__metadata__`; the elements, row-major, little-endian,
/// without gaps. Readers in Python, Rust and elsewhere exist; PyTorch takes the tensors as a
/// `state_dict`.
///
/// Reading refuses with a `SafetensorsError` whatever deviates from the format; a tensor's bytes are
/// shared with the file's until they are asked for. Equal contents are written as equal bytes,
/// whatever the order in which tensors were set.
public struct Safetensors: Sendable {
  /// Types of elements.
  public enum ElementType: String, Sendable, CaseIterable {
    /// `Float`.
    case float32 = "F32"
    /// `Double`.
    case float64 = "F64"
    /// `Int32`.
    case int32 = "I32"
    /// `Int64`.
    case int64 = "I64"

    /// Bytes of an element.
    public var byteCount: Int {
      switch self {
      case .float32, .int32: 4
      case .float64, .int64: 8
      }
    }
  }

  /// One tensor.
  public struct Tensor: Sendable, Equatable {
    /// The type of its elements.
    public let elementType: ElementType
    /// Its shape, outermost dimension first; empty for a single number.
    public let shape: [Int]
    /// Its elements, row-major, little-endian.
    public let bytes: ArraySlice<UInt8>
  }

  /// The most bytes a header may have.
  public static let headerLimit = 100_000_000
  /// The header's name for the metadata, which no tensor can have.
  static let metadataKey = "__metadata__"

  /// Where the tensors come from: the path of the file, or a name given by the caller.
  public let name: String
  /// Texts by name.
  public var metadata: [String: String]
  /// Tensors by name.
  public private(set) var tensors: [String: Tensor]

  /// A file without tensors; `name` stands in errors.
  public init(metadata: [String: String] = [:], name: String = "safetensors") {
    self.init(name: name, metadata: metadata, tensors: [:])
  }

  init(name: String, metadata: [String: String], tensors: [String: Tensor]) {
    self.name = name
    self.metadata = metadata
    self.tensors = tensors
  }

  /// Bytes of a tensor; nil when they, or a dimension beside a zero, exceed an integer.
  static func byteCount(of shape: [Int], _ elementType: ElementType) -> Int? {
    var count = elementType.byteCount
    for dimension in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(dimension, 1))
      guard !overflow else { return nil }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }

  // MARK: Setting

  /// Sets the tensor called `name` to `matrix`, F32 of shape `[rows, columns]`. O(elements).
  public mutating func set(_ matrix: Matrix, for name: String) {
    let columns = matrix.columns
    let bytes = LittleEndian.bytes(count: matrix.rows * columns) { index in
      matrix[index / columns, index % columns].bitPattern
    }
    set(bytes, .float32, [matrix.rows, columns], name)
  }

  /// Sets the tensor called `name`, F32; traps unless `shape` has as many elements as `values`.
  /// O(elements).
  public mutating func set(_ values: [Float], shape: [Int], for name: String) {
    set(LittleEndian.bytes(count: values.count) { values[$0].bitPattern }, .float32, shape, name)
  }

  /// Sets the tensor called `name`, F64; as for `Float`.
  public mutating func set(_ values: [Double], shape: [Int], for name: String) {
    set(LittleEndian.bytes(count: values.count) { values[$0].bitPattern }, .float64, shape, name)
  }

  /// Sets the tensor called `name`, I32; as for `Float`.
  public mutating func set(_ values: [Int32], shape: [Int], for name: String) {
    set(LittleEndian.bytes(count: values.count) { values[$0] }, .int32, shape, name)
  }

  /// Sets the tensor called `name`, I64; as for `Float`.
  public mutating func set(_ values: [Int64], shape: [Int], for name: String) {
    set(LittleEndian.bytes(count: values.count) { values[$0] }, .int64, shape, name)
  }

  private mutating func set(
    _ bytes: [UInt8], _ elementType: ElementType, _ shape: [Int], _ name: String
  ) {
    precondition(name != Self.metadataKey, "no tensor can be called \(name)")
    precondition(
      shape.allSatisfy { $0 >= 0 } && Self.byteCount(of: shape, elementType) == bytes.count,
      "\(bytes.count / elementType.byteCount) elements for shape \(shape)")
    tensors[name] = Tensor(elementType: elementType, shape: shape, bytes: bytes[...])
  }

  // MARK: Getting

  /// The tensor called `name`, if it has the given type, and shape if there is one given (nil in a
  /// shape stands for any number). O(1).
  ///
  /// - Throws: `SafetensorsError` naming the tensor and what was expected.
  public func tensor(
    _ name: String, _ elementType: ElementType, shape: [Int?]? = nil
  ) throws(SafetensorsError) -> Tensor {
    guard let tensor = tensors[name] else {
      throw error(name, .missingTensor(available: tensors.keys.sorted(by: LevelMatcher.precedes)))
    }
    guard tensor.elementType == elementType else {
      throw error(name, .wrongType(expected: elementType, found: tensor.elementType))
    }
    if let shape {
      let fits =
        shape.count == tensor.shape.count
        && zip(shape, tensor.shape).allSatisfy { $0 == nil || $0 == $1 }
      guard fits else { throw error(name, .wrongShape(expected: shape, found: tensor.shape)) }
    }
    return tensor
  }

  /// The F32 tensor called `name` as a matrix; rows and columns are checked where given.
  /// O(elements).
  ///
  /// - Throws: `SafetensorsError` for a missing tensor, another type or shape, and for NaN and
  ///   infinities unless they are allowed.
  public func matrix(
    _ name: String, rows: Int? = nil, columns: Int? = nil, packedSingleColumn: Bool = false,
    allowingNonFinite: Bool = false
  ) throws(SafetensorsError) -> Matrix {
    let values = try floats(name, shape: [rows, columns], allowingNonFinite: allowingNonFinite)
    let shape = try tensor(name, .float32).shape
    let matrix = Matrix(
      rows: shape[0], columns: shape[1], packedSingleColumn: packedSingleColumn)
    var index = 0
    // A shape with a zero may claim any number of rows.
    for row in 0..<(values.isEmpty ? 0 : matrix.rows) {
      for column in 0..<matrix.columns {
        matrix[row, column] = values[index]
        index += 1
      }
    }
    return matrix
  }

  /// The elements of the F32 tensor called `name`. O(elements). Throws as `matrix`.
  public func floats(
    _ name: String, shape: [Int?]? = nil, allowingNonFinite: Bool = false
  ) throws(SafetensorsError) -> [Float] {
    let values = LittleEndian.values(try tensor(name, .float32, shape: shape).bytes) {
      Float(bitPattern: $0)
    }
    if !allowingNonFinite, let index = values.firstIndex(where: { !$0.isFinite }) {
      throw error(name, .notFinite(index: index))
    }
    return values
  }

  /// The elements of the F64 tensor called `name`. O(elements). Throws as `matrix`.
  public func doubles(
    _ name: String, shape: [Int?]? = nil, allowingNonFinite: Bool = false
  ) throws(SafetensorsError) -> [Double] {
    let values = LittleEndian.values(try tensor(name, .float64, shape: shape).bytes) {
      Double(bitPattern: $0)
    }
    if !allowingNonFinite, let index = values.firstIndex(where: { !$0.isFinite }) {
      throw error(name, .notFinite(index: index))
    }
    return values
  }

  /// The elements of the I32 tensor called `name`. O(elements). Throws as `tensor`.
  public func int32s(_ name: String, shape: [Int?]? = nil) throws(SafetensorsError) -> [Int32] {
    LittleEndian.values(try tensor(name, .int32, shape: shape).bytes) { (bits: Int32) in bits }
  }

  /// The elements of the I64 tensor called `name`. O(elements). Throws as `tensor`.
  public func int64s(_ name: String, shape: [Int?]? = nil) throws(SafetensorsError) -> [Int64] {
    LittleEndian.values(try tensor(name, .int64, shape: shape).bytes) { (bits: Int64) in bits }
  }

  /// The metadata called `key`. O(1).
  ///
  /// - Throws: `SafetensorsError` when there are none.
  public func metadata(_ key: String) throws(SafetensorsError) -> String {
    guard let value = metadata[key] else {
      throw SafetensorsError(file: name, reason: .missingMetadata(key))
    }
    return value
  }

  private func error(_ tensor: String, _ reason: SafetensorsError.Reason) -> SafetensorsError {
    SafetensorsError(file: name, tensor: tensor, reason: reason)
  }
}
