// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// A folder of its own in which the built program is run, as a person would run it.
final class Workspace: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/halfspace-cli-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  // MARK: Files

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ text: String, _ name: String) throws {
    try AtomicFile.write(text, to: file(name))
  }

  func write(_ bytes: [UInt8], _ name: String) throws {
    try AtomicFile.write(bytes, to: file(name))
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

  /// The names in the folder, sorted.
  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  // MARK: Running

  /// What a run left behind.
  struct Result: Sendable {
    let status: Int32
    let isCrash: Bool
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  /// Runs `halfspace` with `arguments` in the folder; `meanwhile` is called once it has started.
  func run(
    _ arguments: [String], environment: [String: String] = [:], output: String? = nil,
    meanwhile: (Process) throws -> Void = { _ in }
  ) throws -> Result {
    try Self.run(
      Self.tool, arguments, in: path, environment: environment, output: output,
      meanwhile: meanwhile)
  }

  /// Runs a command of the shell, in which `$HALFSPACE` is the program, in the folder. It leaves no
  /// profile for the coverage, for which there may be no room.
  func shell(_ command: String) throws -> Result {
    try Self.run(
      URL(fileURLWithPath: "/bin/sh"), ["-c", command], in: path,
      environment: ["HALFSPACE": Self.tool.path, "LLVM_PROFILE_FILE": "/dev/null"])
  }

  /// Runs a program in `folder` and waits for its end; its standard output goes to the file
  /// `output` if there is one.
  static func run(
    _ program: URL, _ arguments: [String], in folder: String, environment: [String: String] = [:],
    output: String? = nil, meanwhile: (Process) throws -> Void = { _ in }
  ) throws -> Result {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    // A crash must be seen by its signal, not by minutes of backtraces.
    let fixed = ["SWIFT_BACKTRACE": "enable=no"]
    process.environment = ProcessInfo.processInfo.environment
      .merging(fixed) { $1 }.merging(environment) { $1 }
    // Files rather than pipes: nothing to drain while the program runs.
    let streams = ["out", "err"].map { folder + "-\(UUID().uuidString).\($0)" }
    defer { for stream in streams { try? FileManager.default.removeItem(atPath: stream) } }
    let handles = try streams.map { stream in
      _ = FileManager.default.createFile(atPath: stream, contents: nil)
      return try FileHandle(forWritingTo: URL(fileURLWithPath: stream))
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput =
      try output.map { try FileHandle(forWritingTo: URL(fileURLWithPath: $0)) } ?? handles[0]
    process.standardError = handles[1]
    try process.run()
    try meanwhile(process)
    process.waitUntilExit()
    let texts = try streams.map { try String(contentsOfFile: $0, encoding: .utf8) }
    return Result(
      status: process.terminationStatus, isCrash: process.terminationReason != .exit,
      output: texts[0], errors: texts[1])
  }

  private static let tool = program("halfspace")

  /// A program beside the running tests, in the folder of built products.
  static func program(_ name: String) -> URL {
    let starts =
      [Bundle.main.executableURL, CommandLine.arguments.first.map(URL.init(fileURLWithPath:))]
      .compactMap { $0 } + Bundle.allBundles.map(\.bundleURL)
    for start in starts {
      var folder = start.resolvingSymlinksInPath()
      // The folder itself on Linux; a bundle's executable lies three folders deeper.
      for _ in 0..<5 {
        folder.deleteLastPathComponent()
        let candidate = folder.appendingPathComponent(name)
        let isFile = try? candidate.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile
        if isFile == true, FileManager.default.isExecutableFile(atPath: candidate.path) {
          return candidate
        }
      }
    }
    preconditionFailure("no program called \(name) near \(starts.map(\.path))")
  }

  // MARK: Expectations

  /// Runs `halfspace` and expects success; returns what it printed.
  @discardableResult
  func succeed(
    _ arguments: [String], environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Result {
    let result = try run(arguments, environment: environment)
    #expect(
      result.status == 0 && !result.isCrash, "\(arguments): \(result.errors)",
      sourceLocation: sourceLocation)
    return result
  }

  /// Runs `halfspace` and expects one sentence on standard error, exit code 1 and no trace in the
  /// folder.
  func fail(
    _ arguments: [String], _ sentence: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try contents()
    let result = try run(arguments)
    #expect(
      result.status == 1 && !result.isCrash, "\(arguments) ended with \(result.status)",
      sourceLocation: sourceLocation)
    #expect(result.errors == "halfspace: \(sentence)\n", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, sourceLocation: sourceLocation)
    #expect(try contents() == before, sourceLocation: sourceLocation)
  }

  /// Every file and its bytes, folders as nil.
  private func contents() throws -> [String: [UInt8]?] {
    var contents: [String: [UInt8]?] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      contents[name] = .some(try? bytes(name))
    }
    return contents
  }
}
