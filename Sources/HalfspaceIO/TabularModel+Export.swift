// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceNN

extension TabularModel {
  /// Writes the model for others to use; the file appears all at once. O(M (d + C)).
  ///
  /// - *safetensors*: as `save(to:)`.
  /// - *ONNX*: a graph (operations of version 17) that takes `numbers` `[N, k]`, `Double`, the columns
  ///   of numbers in the order of training, NaN where a cell is missing, and, if there are any,
  ///   `texts` `[N, t]`, the columns of texts, empty where a cell is missing. It gives `scores`
  ///   `[N, C]`, and `label` `[N]` with `probabilities` `[N, classes]` where the loss has them, or
  ///   `value` `[N]`; of sets of labels `probabilities` `[N, labels]` alone. Categories that training did not have count as none. The names of the columns
  ///   are in the metadata `halfspace.numbers`, `halfspace.texts`, as JSON.
  /// - *NPZ*: the arrays of the model file by their names, and its metadata in the member
  ///   `metadata.json`.
  ///
  /// - Parameters:
  ///   - path: the file to be written.
  ///   - format: nil: as the extension of `path` says.
  /// - Throws: `ModelFileError` for an extension that says nothing and for a network that the format
  ///   cannot hold: with independent output weights the neurons that are not stored matter, and
  ///   only safetensors has the seed they come from. `SafetensorsError` or `FileError` when the
  ///   file cannot be written.
  public func export(to path: String, as format: ModelFormat? = nil) throws {
    guard let format = format ?? ModelFormat(path: path) else {
      throw ModelFileError(file: path, reason: .unknownFormat)
    }
    do {
      switch format {
      case .safetensors: try save(to: path)
      case .onnx: try AtomicFile.write(try onnx(), to: path)
      case .npz: try AtomicFile.write(try npz(), to: path)
      }
    } catch let error as ModelFileError {
      throw ModelFileError(file: path, reason: error.reason)
    }
  }

  /// The contents of the model's file, if these are the whole network.
  func plainNetwork() throws -> Safetensors {
    let file = try file()
    guard predictor.latent == nil else {
      throw ModelFileError(
        file: file.name,
        reason: .notExportable(
          "with independent output weights the neurons that are not stored contribute, and only a "
            + "safetensors model has the seed they come from"))
    }
    return file
  }

  /// The bytes of the model as an NPZ file. O(M (d + C)).
  func npz() throws -> [UInt8] {
    let file = try plainNetwork()
    var archive = ZipWriter()
    for (name, tensor) in file.tensors.sorted(by: { LevelMatcher.precedes($0.key, $1.key) }) {
      archive.add(NPYWriter.bytes(tensor), name: "\(name).npy")
    }
    archive.add(Array(try Self.json(file.metadata).utf8), name: "metadata.json")
    return archive.finished()
  }
}
