// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace

/// What the tool says: results on standard output, talk on standard error.
enum Talk {
  /// Writes text to standard output.
  ///
  /// - Throws: `FileError` when it cannot be written, as on a full disk.
  static func write(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw FileError(
        path: "standard output", operation: .write, reason: FileError.reason(of: error))
    }
  }

  /// Writes a line to standard output. Throws as `write(_:)`.
  static func print(_ line: some CustomStringConvertible) throws { try write("\(line)\n") }

  /// Writes a line to standard error; when nobody listens, there is nobody to tell.
  private static func complain(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Says something on standard error.
  static func say(_ line: String) { complain(line) }

  /// Says on standard error what is wrong, though it ends nothing.
  static func warn(_ sentence: String) { complain("halfspace: warning: \(sentence)") }

  /// Runs a command's work; an error becomes one sentence and exit code 1.
  static func reportingErrors(_ work: () throws -> Void) throws {
    // A file that may not grow is an error to be reported, not the end of the program.
    signal(SIGXFSZ, SIG_IGN)
    do {
      try work()
    } catch let code as ExitCode {
      throw code
    } catch let error as TableError {
      complain("halfspace: \(error.description)\(hint(error))")
      throw ExitCode.failure
    } catch let error as any CustomStringConvertible & Error {
      complain("halfspace: \(error.description)")
      throw ExitCode.failure
    } catch {
      complain("halfspace: \(error.localizedDescription)")
      throw ExitCode.failure
    }
  }

  /// The flag that helps, where there is one.
  private static func hint(_ error: TableError) -> String {
    switch error.reason {
    case .unknownCategory, .unexpectedMissing: "; --ignore-unknown lets it count as no category"
    default: ""
    }
  }
}
