// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Halfspace
public import _HalfspaceReport

/// What every benchmark program reads from its command line and environment, and how it writes
/// its results.
///
///     Program [results folder]
///     QUICK=1               a first look
///     HALFSPACE_DATA=...    folder with letter.csv and housing.csv; without it they are left out
public struct BenchmarkRun {
  /// Whether a first look is wanted.
  public let isQuick: Bool
  /// Where results go.
  public let folder: URL
  /// Where tables are that do not come with the package.
  public let data: URL?
  /// The machine, and how it is used.
  public let machine: MachineFacts
  private let start = MonotonicClock.now

  /// Reads the settings and keeps OpenBLAS to one thread; `threads` is what the program uses.
  public init(threads: Int = 1) {
    let environment = ProcessInfo.processInfo.environment
    isQuick = ["1", "true", "yes"].contains(environment["QUICK"] ?? "")
    folder = URL(
      fileURLWithPath: CommandLine.arguments.count > 1
        ? CommandLine.arguments[1] : "Benchmarks/Results", isDirectory: true)
    data = environment["HALFSPACE_DATA"].map { URL(fileURLWithPath: $0, isDirectory: true) }
    Runtime.setBLASThreads(1)
    var machine = MachineFacts.current(
      repository: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
    machine.others = [
      ("instructionSet", Runtime.instructionSet.rawValue), ("blasCore", Runtime.blasCore),
      ("threadsUsed", "\(threads)"),
    ]
    self.machine = machine
  }

  /// Says on standard error what is being done.
  public func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

  /// The head of the JSON file of a benchmark.
  public func header(_ name: String) -> JSONObject {
    var json = JSONObject()
    json["benchmark"] = .string(name)
    json["quick"] = .bool(isQuick)
    json["machine"] = .object(machine.json)
    json["machine.blas"] = .string(Runtime.blasConfiguration)
    json["seconds"] = .number(MonotonicClock.now - start)
    json["peakMemoryBytes"] = PeakMemory.bytes.map { .integer($0) }
    return json
  }

  /// Writes the files into the results folder; ends the program when that fails.
  public func write(_ files: [(name: String, text: String)]) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for (name, text) in files {
        try AtomicFile.write(text, to: folder.appendingPathComponent(name).path)
      }
    } catch {
      fail("\(error)")
    }
  }

  /// Ends the program with a message.
  public func fail(_ message: String) -> Never {
    note("error: \(message)")
    exit(1)
  }
}
