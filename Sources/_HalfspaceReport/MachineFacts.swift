// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// What a reader must know about the machine to judge a measurement.
public struct MachineFacts: Sendable {
  /// The processor's name, as the kernel gives it.
  public var processor: String
  /// Physical cores, as far as the kernel tells; otherwise the same as `threads`.
  public var cores: Int
  /// Hardware threads available to this process.
  public var threads: Int
  /// Main memory in bytes.
  public var memory: Int
  /// The operating system's name and version.
  public var system: String
  /// The kernel's release.
  public var kernel: String
  /// The version of the Swift compiler that built this code.
  public var swift: String
  /// The commit of the source tree, with `+` behind it when files differ from it; `nil` without
  /// git or outside a repository.
  public var commit: String?
  /// The time, ISO 8601 in UTC.
  public var date: String
  /// Facts the caller adds, in order: instruction set, BLAS core, thread count.
  public var others: [(name: String, value: String)] = []

  /// The facts of this machine, now.
  ///
  /// - Parameter repository: A folder of the source tree whose commit is asked for.
  /// - Complexity: O(1); with a repository two runs of `git`, some ten milliseconds.
  public static func current(repository: URL? = nil) -> MachineFacts {
    let cpuInfo = contents("/proc/cpuinfo")
    let threads = ProcessInfo.processInfo.activeProcessorCount
    return MachineFacts(
      processor: processor(cpuInfo: cpuInfo) ?? "unknown \(architecture) processor",
      cores: cores(cpuInfo: cpuInfo) ?? threads,
      threads: threads,
      memory: Int(clamping: ProcessInfo.processInfo.physicalMemory),
      system: system(osRelease: contents("/etc/os-release"))
        ?? ProcessInfo.processInfo.operatingSystemVersionString,
      kernel: contents("/proc/sys/kernel/osrelease").trimmingCharacters(
        in: .whitespacesAndNewlines),
      swift: compilerVersion,
      commit: repository.flatMap(commit(of:)),
      date: Date().ISO8601Format())
  }

  /// The facts as members of a report, in a fixed order.
  public var json: JSONObject {
    var object = JSONObject()
    object["processor"] = .string(processor)
    object["cores"] = .integer(cores)
    object["threads"] = .integer(threads)
    object["memoryBytes"] = .integer(memory)
    object["system"] = .string(system)
    object["kernel"] = .string(kernel)
    object["swift"] = .string(swift)
    object["commit"] = commit.map { .string($0) }
    object["date"] = .string(date)
    for (name, value) in others { object[key: name] = .string(value) }
    return object
  }

  /// One line for the foot of a table or the subtitle of a figure.
  public var summary: String {
    let extra = others.map { "\($0.name) \($0.value)" }
    let parts = ["\(processor), \(threads) threads", Format.bytes(memory), system] + extra
    return parts.joined(separator: " · ")
  }

  // MARK: - Sources

  static func processor(cpuInfo: String) -> String? {
    let names = ["model name", "Model", "cpu model", "cpu"]
    let values = fields(cpuInfo)
    for name in names {
      if let value = values.first(where: { $0.name == name })?.value, !value.isEmpty {
        return value
      }
    }
    return nil
  }

  static func cores(cpuInfo: String) -> Int? {
    var cores = Set<[String]>()
    var package = ""
    for (name, value) in fields(cpuInfo) {
      if name == "physical id" { package = value }
      if name == "core id" { cores.insert([package, value]) }
    }
    return cores.isEmpty ? nil : cores.count
  }

  static func system(osRelease: String) -> String? {
    for line in osRelease.split(whereSeparator: \.isNewline) where line.hasPrefix("PRETTY_NAME=") {
      return line.dropFirst("PRETTY_NAME=".count).trimmingCharacters(in: ["\"", "'"])
    }
    return nil
  }

  static func commit(of repository: URL) -> String? {
    guard let hash = git(["rev-parse", "--short=12", "HEAD"], in: repository), !hash.isEmpty else {
      return nil
    }
    let changes = git(["status", "--porcelain", "--untracked-files=no"], in: repository)
    return changes == "" ? hash : hash + "+"
  }

  /// What git prints, without white space around it; `nil` if it cannot run or fails.
  private static func git(_ arguments: [String], in folder: URL) -> String? {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "-C", folder.path] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = (try? output.fileHandleForReading.readToEnd()) ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func fields(_ text: String) -> [(name: String, value: String)] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let name = line[..<colon].trimmingCharacters(in: .whitespaces)
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      return (name, value)
    }
  }

  private static func contents(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86-64"
    #elseif arch(arm64)
      "aarch64"
    #else
      "64-bit"
    #endif
  }

  /// The compiler can be asked for its version by comparison only.
  private static var compilerVersion: String {
    #if compiler(>=6.6)
      "6.6 or later"
    #elseif compiler(>=6.5)
      "6.5"
    #elseif compiler(>=6.4)
      "6.4"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }
}
