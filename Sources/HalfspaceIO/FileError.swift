// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// A file that cannot be read or written.
public struct FileError: Error, Hashable, Sendable {
  /// What was tried.
  public enum Operation: String, Hashable, Sendable {
    case read, write
  }

  /// The file's path, as given.
  public let path: String
  /// What was tried.
  public let operation: Operation
  /// Why it failed, in the operating system's words.
  public let reason: String

  /// An error with a reason in words.
  public init(path: String, operation: Operation, reason: String) {
    self.path = path
    self.operation = operation
    self.reason = reason
  }

  /// An error with the operating system's text for `code` (an `errno`).
  init(path: String, operation: Operation, code: Int32) {
    let reason = unsafe String(cString: strerror(code))
    self.init(path: path, operation: operation, reason: reason)
  }
}

extension FileError {
  /// The reason in an error of Foundation, in the operating system's words where it has them.
  public static func reason(of error: any Error) -> String {
    guard let code = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError else {
      return error.localizedDescription
    }
    return unsafe String(cString: strerror(Int32(code.code)))
  }
}

extension FileError: CustomStringConvertible {
  /// One sentence: what could not be done to which file, and why.
  public var description: String { "cannot \(operation.rawValue) \(path): \(reason)" }
}

extension FileError: LocalizedError {
  /// The same sentence as `description`.
  public var errorDescription: String? { description }
}
