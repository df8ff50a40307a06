// SPDX-License-Identifier: Apache-2.0

/// A graph of operations in the format of ONNX (<https://onnx.ai/onnx/repo-docs/IR.html>), built
/// from its inputs to its outputs; values go by name.
///
/// ```swift
/// var graph = ONNXGraph(name: "twice")
/// let x = graph.input("x", .float32, columns: 3)
/// graph.output(graph.add("Add", [x, x]), as: "y", .float32, columns: 3)
/// try AtomicFile.write(graph.encoded(metadata: []), to: "twice.onnx")
/// ```
struct ONNXGraph {
  /// A value that goes in or comes out: `[N]`, or `[N, columns]`.
  struct Port {
    let name: String
    let elementType: ONNXTensor.ElementType
    let columns: Int?
  }

  /// Versions: of the format, and of the two sets of operations.
  private static let formatVersion = 8
  private static let operations = 17
  private static let machineLearningOperations = 3
  /// Where `OneHotEncoder` is defined.
  static let machineLearning = "ai.onnx.ml"

  let name: String
  private(set) var inputs: [Port] = []
  private(set) var outputs: [Port] = []
  private(set) var nodes: [ONNXNode] = []
  private(set) var constants: [(name: String, tensor: ONNXTensor)] = []
  private var counts: [String: Int] = [:]

  init(name: String) {
    self.name = name
  }

  // MARK: Building

  /// Declares an input.
  mutating func input(
    _ name: String, _ elementType: ONNXTensor.ElementType, columns: Int?
  ) -> String {
    inputs.append(Port(name: name, elementType: elementType, columns: columns))
    return name
  }

  /// Makes a value an output called `name`.
  mutating func output(
    _ value: String, as name: String, _ elementType: ONNXTensor.ElementType, columns: Int?
  ) {
    nodes.append(ONNXNode(operation: "Identity", inputs: [value], output: name))
    outputs.append(Port(name: name, elementType: elementType, columns: columns))
  }

  /// Adds a constant; called as given, or by a free name.
  mutating func constant(_ tensor: ONNXTensor, name: String? = nil) -> String {
    let name = name ?? freeName("constant")
    constants.append((name, tensor))
    return name
  }

  /// A constant of a single number.
  mutating func scalar(_ value: Double) -> String { constant(ONNXTensor([value], shape: [])) }

  /// Adds an operation; the result is its output.
  mutating func add(
    _ operation: String, _ inputs: [String],
    _ attributes: [(name: String, value: ONNXNode.Attribute)] = [], domain: String = ""
  ) -> String {
    let output = freeName(operation)
    nodes.append(
      ONNXNode(
        operation: operation, inputs: inputs, output: output, attributes: attributes,
        domain: domain))
    return output
  }

  /// Adds a conversion of elements.
  mutating func cast(_ value: String, to elementType: ONNXTensor.ElementType) -> String {
    add("Cast", [value], [("to", .integer(elementType.rawValue))])
  }

  private mutating func freeName(_ base: String) -> String {
    let number = counts[base, default: 0]
    counts[base] = number + 1
    return "\(base)_\(number)"
  }

  // MARK: Encoding

  /// The file: a `ModelProto`. O(bytes).
  func encoded(metadata: [(key: String, value: String)]) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.integer(1, Self.formatVersion)
    writer.text(2, "halfspace")
    writer.message(7, encode)
    for (domain, version) in [
      ("", Self.operations), (Self.machineLearning, Self.machineLearningOperations),
    ] {
      writer.message(8) {
        $0.text(1, domain)
        $0.integer(2, version)
      }
    }
    for (key, value) in metadata {
      writer.message(14) {
        $0.text(1, key)
        $0.text(2, value)
      }
    }
    return writer.bytes
  }

  /// Writes a `GraphProto`.
  private func encode(to writer: inout ProtobufWriter) {
    for node in nodes { writer.message(1, node.encode) }
    writer.text(2, name)
    for (name, tensor) in constants { writer.message(5) { tensor.encode(name: name, to: &$0) } }
    for port in inputs { writer.message(11) { Self.encode(port, to: &$0) } }
    for port in outputs { writer.message(12) { Self.encode(port, to: &$0) } }
  }

  /// Writes a `ValueInfoProto`; the number of rows is left open.
  private static func encode(_ port: Port, to writer: inout ProtobufWriter) {
    writer.text(1, port.name)
    writer.message(2) { type in
      type.message(1) { tensor in
        tensor.integer(1, port.elementType.rawValue)
        tensor.message(2) { shape in
          shape.message(1) { $0.text(2, "N") }
          if let columns = port.columns { shape.message(1) { $0.integer(1, columns) } }
        }
      }
    }
  }
}
