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
      let code = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      let reason = code.map { unsafe String(cString: strerror(Int32($0.code))) }
      throw FileError(
        path: "standard output", operation: .write, reason: reason ?? error.localizedDescription)
    }
  }

  /// Writes a line to standard output. Throws as `write(_:)`.
  static func print(_ line: some CustomStringConvertible) throws { try write("\(line)\n") }

  /// Writes a line to standard error; when nobody listens, there is nobody to tell.
  private static func complain(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Runs a command's work; an error becomes one sentence and exit code 1.
  static func reportingErrors(_ work: () throws -> Void) throws {
    do {
      try work()
    } catch {
      complain("halfspace: \(sentence(error))")
      throw ExitCode.failure
    }
  }

  /// Runs the work of a command that several processes may share. One that fails ends all of them.
  ///
  /// What is wrong is mostly wrong for all of them: then rank 0 says so. A process that fails alone
  /// gives it two seconds, and speaks for itself.
  static func reportingErrors(sharing work: (any Communicator) throws -> Void) throws {
    do {
      let processes = try ProcessGroup.join()
      try work(processes)
      ProcessGroup.leave()
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
