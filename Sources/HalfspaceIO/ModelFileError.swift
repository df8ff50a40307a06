// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// A file that is no model that this version can read.
public struct ModelFileError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// A safetensors file without a model's metadata.
    case notAModel
    /// Of a format that this version does not read, such as a later one.
    case version(found: String, supported: String)
    /// A metadata entry is missing or cannot be decoded.
    case metadata(key: String, problem: String)
    /// The parts do not fit each other.
    case inconsistent(String)
    /// A name from which no format can be told.
    case unknownFormat
    /// Probabilities are asked of a model trained with a loss that has none.
    case noProbabilities(loss: String)
    /// Sets of labels are asked of a model of another task.
    case noLabelSets(task: PredictionTask)
    /// A class is asked of a model of another task.
    case noClasses(task: PredictionTask)
    /// A class that the model does not know.
    case unknownClass(String, known: [String])
    /// A model that a format cannot hold.
    case notExportable(String)
  }

  /// The file.
  public let file: String
  /// What is wrong.
  public let reason: Reason

  /// An error about `file`.
  public init(file: String, reason: Reason) {
    self.file = file
    self.reason = reason
  }
}

extension ModelFileError: CustomStringConvertible, LocalizedError {
  /// One sentence.
  public var description: String {
    switch reason {
    case .notAModel: "\(file) is not a Halfspace model: it has no \"halfspace\" metadata"
    case .version(let found, let supported):
      "\(file) is a model of format \(found.prefix(20))"
        + (Int(found) ?? 0 > Int(supported) ?? 0 ? ", written by a later version" : "")
        + "; this version of Halfspace reads formats up to \(supported)"
    case .metadata(let key, let problem): "\(file): metadata \"\(key)\" \(problem)"
    case .inconsistent(let problem), .notExportable(let problem): "\(file): \(problem)"
    case .noProbabilities(let loss):
      "\(file): a model trained with the \(loss) loss has no probabilities"
    case .noLabelSets(let task):
      "\(file): --label-threshold and --top are for sets of labels; the model predicts "
        + (task == .regression ? "a number" : "one class")
    case .noClasses(let task):
      "\(file): --positive-class is for classes; the model predicts "
        + (task == .regression ? "a number" : "sets of labels")
    case .unknownClass(let label, let known):
      "\(file): the model knows no class \"\(label)\", only "
        + known.prefix(30).map { "\"\($0)\"" }.joined(separator: ", ")
        + (known.count > 30 ? ", ..." : "")
    case .unknownFormat:
      "\(file): expected a name that ends with "
        + ModelFormat.allCases.map { ".\($0.rawValue)" }.joined(separator: ", ")
        + ", or a format"
    }
  }

  /// One sentence.
  public var errorDescription: String? { description }
}
