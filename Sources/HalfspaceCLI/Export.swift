// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Halfspace

extension HalfspaceCommand {
  /// `halfspace export MODEL OUTPUT`.
  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a model for other programs: ONNX, NPZ or safetensors.",
      discussion: """
        ONNX: a graph that takes the cells of a table, numbers [N, k] (float64, NaN where missing) \
        and texts [N, t] (empty where missing), and gives scores, label and probabilities, or \
        value. NPZ: the weights, for numpy.load. A model with independent output weights can only \
        be written as safetensors.
        """)

    @Argument(help: "The model (safetensors).")
    var model: String

    @Argument(help: "The file to write.")
    var output: String

    @Option(
      help: ArgumentHelp(
        "The format of the output; by default as its extension says.", valueName: "format"))
    var format: ModelFormat?

    func run() throws {
      try Talk.reportingErrors {
        try OutputFile.check([output], inputs: [model])
        try TabularModel(contentsOf: model).export(to: output, as: format)
      }
    }
  }
}
