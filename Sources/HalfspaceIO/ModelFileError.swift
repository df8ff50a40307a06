// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// A file that is no model that this version can read.
public struct ModelFileError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// A safetensors file without a model's metadata.
    case notAModel
    /// Written by a later version of the format.
    case version(found: String, supported: String)
    /// A metadata entry is missing or cannot be decoded.
    case metadata(key: String, problem: String)
    /// The parts do not fit each other.
    case inconsistent(String)
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
      "\(file) is a model of format \(found.prefix(20)), but this version of Halfspace reads format "
        + "\(supported)"
    case .metadata(let key, let problem): "\(file): metadata \"\(key)\" \(problem)"
    case .inconsistent(let problem): "\(file): \(problem)"
    }
  }

  /// One sentence.
  public var errorDescription: String? { description }
}
