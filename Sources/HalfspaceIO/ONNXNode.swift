// SPDX-License-Identifier: Apache-2.0

/// One operation of a graph of ONNX.
struct ONNXNode {
  /// What an operation is told beside its inputs.
  enum Attribute {
    case integer(Int)
    case integers([Int])
    case texts([String])
  }

  let operation: String
  let inputs: [String]
  let output: String
  /// By name, in the order of the file.
  var attributes: [(name: String, value: Attribute)] = []
  /// Where the operation is defined; empty for ONNX's own.
  var domain = ""

  /// Writes a `NodeProto`.
  func encode(to writer: inout ProtobufWriter) {
    for input in inputs { writer.text(1, input) }
    writer.text(2, output)
    writer.text(3, output)
    writer.text(4, operation)
    for (name, value) in attributes {
      writer.message(5) { attribute in
        attribute.text(1, name)
        switch value {
        case .integer(let number):
          attribute.integer(3, number)
          attribute.integer(20, 2)
        case .integers(let numbers):
          attribute.integers(8, numbers)
          attribute.integer(20, 7)
        case .texts(let texts):
          for text in texts { attribute.text(9, text) }
          attribute.integer(20, 8)
        }
      }
    }
    if !domain.isEmpty { writer.text(7, domain) }
  }
}
