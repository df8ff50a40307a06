// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceNN

// The graph, from the cells of a table to the answer:
//
//     numbers [N, k], texts [N, t]  ->  features  ->  unit rows  ->  scores [N, C]
//
// with Gemm, Relu, Gemm over the tensors of the model file, and from the scores `label [N]` and
// `probabilities [N, classes]`, or `value [N]`; of sets of labels `probabilities` alone.
extension TabularModel {
  /// The most bytes that a message of protocol buffers can have.
  private static let messageLimit = Int(Int32.max)

  /// The bytes of the model as an ONNX file. O(M (d + C)).
  ///
  /// - Throws: `ModelFileError` for networks whose latent neurons matter, for hashed columns, and
  ///   beyond 2 GiB.
  func onnx() throws -> [UInt8] {
    let file = try plainNetwork()
    guard encoder.sparse?.hashing == nil else {
      throw ModelFileError(
        file: file.name,
        reason: .notExportable(
          "the columns of its sparse rows are hashed, which an ONNX graph cannot do; "
            + "--hash-columns 0 trains on the columns themselves"))
    }
    let size = file.tensors.values.reduce(1 << 20) { $0 + $1.bytes.count }
    guard size <= Self.messageLimit else {
      throw ModelFileError(
        file: file.name,
        reason: .notExportable("\(size) bytes are more than the 2 GiB that an ONNX file can have"))
    }
    var graph = ONNXGraph(name: target.column)
    let features = encoder.addFeatures(to: &graph)
    let inputs = transform.addInputs(features, to: &graph)
    let scores = addNetwork(file, inputs, &graph)
    graph.output(scores, as: "scores", .float32, columns: predictor.outputCount)
    addAnswers(scores, &graph)
    return graph.encoded(metadata: try onnxMetadata())
  }

  /// What the columns of the inputs and outputs are, as JSON, and how the model was trained.
  private func onnxMetadata() throws -> [(key: String, value: String)] {
    [
      ("halfspace", formatVersion), ("halfspace.labels", try Self.json(target.labels)),
      ("halfspace.numbers", try Self.json(encoder.numberColumns)),
      ("halfspace.record", try Self.json(record)), ("halfspace.target", target.column),
      ("halfspace.texts", try Self.json(encoder.textColumns)),
    ]
  }

  private func addNetwork(
    _ file: Safetensors, _ inputs: String, _ graph: inout ONNXGraph
  ) -> String {
    func layer(_ name: String, _ inputs: String, _ graph: inout ONNXGraph) -> String {
      let parameters = ["\(name).weight", "\(name).bias"].map {
        graph.constant(ONNXTensor(file.tensors[$0]!), name: $0)
      }
      return graph.add("Gemm", [inputs] + parameters, [("transB", .integer(1))])
    }
    return layer("fc2", graph.add("Relu", [layer("fc1", inputs, &graph)]), &graph)
  }

  private func addAnswers(_ scores: String, _ graph: inout ONNXGraph) {
    if case .regression(let mean, let scale) = target.encoding {
      let column = graph.constant(ONNXTensor([1], shape: [1]))
      let output = graph.cast(graph.add("Squeeze", [scores, column]), to: .float64)
      let scaled = graph.add("Mul", [output, graph.scalar(scale)])
      graph.output(
        graph.add("Add", [scaled, graph.scalar(mean)]), as: "value", .float64, columns: nil)
      return
    }
    if target.task == .multiLabel {
      graph.output(
        graph.cast(graph.add("Sigmoid", [graph.cast(scores, to: .float64)]), to: .float32),
        as: "probabilities", .float32, columns: target.labels.count)
      return
    }
    // A single output speaks for class 1, and with its sign changed for class 0.
    let perClass =
      predictor.outputCount > 1
      ? scores
      : graph.add("Concat", [graph.add("Neg", [scores]), scores], [("axis", .integer(1))])
    let labels = graph.constant(ONNXTensor(target.labels, shape: [target.labels.count]))
    let largest = graph.add(
      "ArgMax", [perClass], [("axis", .integer(1)), ("keepdims", .integer(0))])
    graph.output(graph.add("Gather", [labels, largest]), as: "label", .text, columns: nil)
    guard givesProbabilities else { return }
    graph.output(
      graph.cast(addProbabilities(perClass, &graph), to: .float32), as: "probabilities", .float32,
      columns: target.labels.count)
  }

  private func addProbabilities(_ perClass: String, _ graph: inout ONNXGraph) -> String {
    let values = graph.cast(perClass, to: .float64)
    if record.training.loss == .softmaxCrossEntropy {
      return graph.add("Softmax", [values], [("axis", .integer(1))])
    }
    let single = graph.add("Sigmoid", [values])
    let axis = graph.constant(ONNXTensor([1], shape: [1]))
    let sum = graph.add("ReduceSum", [single, axis])
    let share = graph.add("Div", [single, sum])
    let isPositive = graph.add("Greater", [sum, graph.scalar(0)])
    return graph.add(
      "Where", [isPositive, share, graph.scalar(1 / Double(target.labels.count))])
  }
}
