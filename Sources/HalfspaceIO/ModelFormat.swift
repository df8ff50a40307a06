// SPDX-License-Identifier: Apache-2.0

/// Formats that a model can be written in.
public enum ModelFormat: String, Sendable, Codable, CaseIterable {
  /// The model file: everything, for this package and for PyTorch.
  case safetensors
  /// A graph from the cells of a table to the answer, for onnxruntime and its like.
  case onnx
  /// The tensors and metadata of the model file, for `numpy.load`.
  case npz

  /// The format that a path's extension stands for; nil when it stands for none.
  public init?(path: String) {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: ".") else { return nil }
    self.init(rawValue: name[dot...].dropFirst().lowercased())
  }
}
