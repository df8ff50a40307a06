// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Python as the tests need it.
enum Python {
  /// Whether python3 is there with the given modules.
  static func has(_ modules: String) -> Bool { run(["-c", "import \(modules)"]).status == 0 }

  /// The path of a script beside the tests.
  static func script(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Python/\(name)").path
  }

  /// Runs `python3` with `arguments`; its exit status and what it said.
  static func run(_ arguments: [String]) -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    do { try process.run() } catch { return (-1, "\(error)") }
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
