// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// A checkpoint, or a folder of checkpoints, that cannot be used.
public struct CheckpointError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// A safetensors file without a checkpoint's metadata.
    case notACheckpoint
    /// Written by another version of the format.
    case version(found: String, supported: String)
    /// The contents are not those that were written, or contradict each other.
    case damaged(String)
    /// The folder has no checkpoint.
    case none
    /// The folder has checkpoints, and a new run would mix its own with them.
    case occupied
    /// Another run is writing to the folder.
    case inUse
  }

  /// The file or the folder.
  public let path: String
  /// What is wrong.
  public let reason: Reason

  /// An error about the file or folder at `path`.
  public init(path: String, reason: Reason) {
    self.path = path
    self.reason = reason
  }
}

extension CheckpointError: CustomStringConvertible, LocalizedError {
  /// One sentence.
  public var description: String {
    switch reason {
    case .notACheckpoint:
      "\(path) is not a checkpoint of Halfspace: it has no \"\(CheckpointKey.version)\" metadata"
    case .version(let found, let supported):
      "\(path) is a checkpoint of format \(found.prefix(20)), but this version of Halfspace reads "
        + "format \(supported)"
    case .damaged(let problem): "\(path) is damaged: \(problem)"
    case .none: "there is no checkpoint in \(path)"
    case .occupied:
      "\(path) has checkpoints of an earlier run; resume that run or choose another folder"
    case .inUse: "\(path) is in use by another run"
    }
  }

  /// One sentence.
  public var errorDescription: String? { description }
}
