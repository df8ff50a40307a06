// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// Something wrong with a file of data that is no text table: where, and what was expected.
public struct DataFileError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// The file cannot be read, for the given reason.
    case unreadable(String)
    /// The bytes are not what the format asks for.
    case malformed(String)
    /// The format allows it, this package does not take it.
    case unsupported(String)
    /// Parts of the file, or two files, do not fit each other.
    case inconsistent(String)
  }

  /// The path of the file.
  public let file: String
  /// The line, from 1, or the array's name, where there is one to name.
  public let place: String?
  /// What is wrong.
  public let reason: Reason

  /// An error.
  public init(file: String, place: String? = nil, reason: Reason) {
    self.file = file
    self.place = place
    self.reason = reason
  }

  init(_ error: FileError) {
    self.init(file: error.path, reason: .unreadable(error.reason))
  }
}

extension DataFileError: CustomStringConvertible {
  /// One sentence: file, place, and what was expected.
  public var description: String {
    let location = place.map { "\(file), \($0)" } ?? file
    switch reason {
    case .unreadable(let why): return "cannot read \(file): \(why)"
    case .malformed(let what), .unsupported(let what), .inconsistent(let what):
      return "\(location): \(what)"
    }
  }
}

extension DataFileError: LocalizedError {
  /// The same sentence as `description`.
  public var errorDescription: String? { description }
}
