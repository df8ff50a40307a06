// SPDX-License-Identifier: Apache-2.0

/// A tensor of constants in a graph of ONNX.
struct ONNXTensor {
  /// Types of elements, by their numbers in ONNX.
  enum ElementType: Int {
    case float32 = 1
    case int64 = 7
    case text = 8
    case float64 = 11
  }

  let elementType: ElementType
  let shape: [Int]
  /// Elements row by row, little-endian; empty for texts.
  private let raw: [UInt8]
  private let texts: [String]

  private init(
    _ elementType: ElementType, _ shape: [Int], count: Int, raw: [UInt8] = [], texts: [String] = []
  ) {
    precondition(shape.reduce(1, *) == count, "\(count) elements for shape \(shape)")
    self.elementType = elementType
    self.shape = shape
    self.raw = raw
    self.texts = texts
  }

  /// Single numbers; traps, as all of these, unless `shape` has as many elements as `values`.
  init(_ values: [Float], shape: [Int]) {
    self.init(
      .float32, shape, count: values.count,
      raw: LittleEndian.bytes(count: values.count) { values[$0].bitPattern })
  }

  /// Double numbers.
  init(_ values: [Double], shape: [Int]) {
    self.init(
      .float64, shape, count: values.count,
      raw: LittleEndian.bytes(count: values.count) { values[$0].bitPattern })
  }

  /// Whole numbers.
  init(_ values: [Int], shape: [Int]) {
    self.init(
      .int64, shape, count: values.count,
      raw: LittleEndian.bytes(count: values.count) { Int64(values[$0]) })
  }

  /// Texts.
  init(_ values: [String], shape: [Int]) {
    self.init(.text, shape, count: values.count, texts: values)
  }

  /// The F32 tensor of a safetensors file.
  init(_ tensor: Safetensors.Tensor) {
    precondition(tensor.elementType == .float32, "a tensor of \(tensor.elementType)")
    self.init(
      .float32, tensor.shape, count: tensor.bytes.count / 4, raw: Array(tensor.bytes))
  }

  /// Writes a `TensorProto`.
  func encode(name: String, to writer: inout ProtobufWriter) {
    writer.integers(1, shape)
    writer.integer(2, elementType.rawValue)
    for text in texts { writer.text(6, text) }
    writer.text(8, name)
    if elementType != .text { writer.bytes(9, raw) }
  }
}
