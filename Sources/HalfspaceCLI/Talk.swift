// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import HalfspaceMPI

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
    } catch {
      throw reported(error)
    }
  }

  /// Runs the work of a command that waits for others; as `reportingErrors(_:)`.
  static func reportingErrors(_ work: () async throws -> Void) async throws {
    do {
      try await work()
    } catch {
      throw reported(error)
    }
  }

  /// Says what went wrong, and how the program ends.
  private static func reported(_ error: any Error) -> ExitCode {
    if let code = error as? ExitCode { return code }
    complain("halfspace: \(sentence(error))")
    return ExitCode.failure
  }

  /// Runs the work of a command that several processes may share. One that fails ends all of them.
  ///
  /// What is wrong is mostly wrong for all of them: then rank 0 says so. A process that fails alone
  /// gives it two seconds, and speaks for itself.
  static func reportingErrors(sharing work: (any Communicator) throws -> Void) throws {
    do {
      let processes = try ProcessGroup.join()
      // A file that may not grow is an error to be reported, not the end of the program.
      signal(SIGXFSZ, SIG_IGN)
      do {
        try work(processes)
      } catch let code as ExitCode {
        ProcessGroup.leave()
        throw code
      }
      ProcessGroup.leave()
    } catch let code as ExitCode {
      throw code
    } catch {
      let rank = ProcessGroup.launchedRank
      if rank > 0 { sleep(2) }
      complain("halfspace: \(rank > 0 ? "rank \(rank): " : "")\(sentence(error))")
      if ProcessGroup.launchedCount > 1 {
        ProcessGroup.abort(exitCode: ExitCode.failure.rawValue)
      }
      throw ExitCode.failure
    }
  }

  private static func sentence(_ error: any Error) -> String {
    switch error {
    case let error as TableError: error.description + hint(error)
    case let error as any CustomStringConvertible & Error: error.description
    default: error.localizedDescription
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
