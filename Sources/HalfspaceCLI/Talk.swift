// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation

/// What the tool says to a person, on standard error.
enum Talk {
  /// Writes a line.
  static func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

  /// Runs a command's work; an error becomes one sentence and exit code 1.
  static func reportingErrors(_ work: () throws -> Void) throws {
    do {
      try work()
    } catch let error as ExitCode {
      throw error
    } catch let error as any CustomStringConvertible & Error {
      say("halfspace: \(error.description)")
      throw ExitCode.failure
    } catch {
      say("halfspace: \(error.localizedDescription)")
      throw ExitCode.failure
    }
  }
}
