// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import _HalfspaceReport

@Suite struct MachineFactsTests {
  private static let twoSockets = """
    processor\t: 0
    model name\t: Example 9000
    physical id\t: 0
    core id\t\t: 0

    processor\t: 1
    model name\t: Example 9000
    physical id\t: 0
    core id\t\t: 0

    processor\t: 2
    model name\t: Example 9000
    physical id\t: 1
    core id\t\t: 0
    """

  @Test func `processor and cores come from the kernel's list`() {
    #expect(MachineFacts.processor(cpuInfo: Self.twoSockets) == "Example 9000")
    #expect(MachineFacts.cores(cpuInfo: Self.twoSockets) == 2)
    #expect(MachineFacts.processor(cpuInfo: "processor : 0\nBogoMIPS : 50") == nil)
    #expect(MachineFacts.cores(cpuInfo: "") == nil)
    #expect(MachineFacts.processor(cpuInfo: "Model : Raspberry Pi 5\n") == "Raspberry Pi 5")
  }

  @Test func `the system's name comes without quotes`() {
    let text = "NAME=\"X\"\nPRETTY_NAME=\"Example Linux 12 (twelve)\"\n"
    #expect(MachineFacts.system(osRelease: text) == "Example Linux 12 (twelve)")
    #expect(MachineFacts.system(osRelease: "NAME=X") == nil)
  }

  @Test func `this machine has facts`() throws {
    var facts = MachineFacts.current()
    facts.others = [("isa", "x86-64-v3"), ("blas.core", "Zen")]
    #expect(!facts.processor.isEmpty)
    #expect(facts.threads >= 1)
    #expect(facts.cores >= 1)
    #expect(facts.memory > 1 << 26)
    #expect(facts.commit == nil)
    #expect(facts.swift.hasPrefix("6."))
    #expect(facts.date.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
    #expect(facts.json["blas.core"] == nil)
    #expect(facts.json[key: "blas.core"] == "Zen")
    #expect(facts.summary.contains("isa x86-64-v3"))
    #expect(try facts.json.text().contains("\"threads\": \(facts.threads)"))
  }

  @Test func `the commit is marked when files differ from it`() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("halfspace-commit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(MachineFacts.commit(of: folder) == nil)
    func git(_ arguments: String...) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        ["git", "-C", folder.path, "-c", "user.name=test", "-c", "user.email=test@example.com"]
        + arguments
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
    }
    let file = folder.appendingPathComponent("file")
    try git("init", "--quiet")
    try Data("one".utf8).write(to: file)
    try git("add", "file")
    try git("commit", "--quiet", "--message", "Add a file")
    let clean = try #require(MachineFacts.commit(of: folder))
    #expect(clean.wholeMatch(of: /[0-9a-f]{12,}/) != nil)
    try Data("two".utf8).write(to: file)
    #expect(MachineFacts.commit(of: folder) == clean + "+")
  }

  @Test func `the peak of resident memory grows with use`() throws {
    #expect(
      PeakMemory.peak(status: "Name:\tx\nVmHWM:\t    2124 kB\nVmRSS:\t 9 kB\n") == 2124 * 1024)
    #expect(PeakMemory.peak(status: "VmHWM:\tmany kB\n") == nil)
    #expect(PeakMemory.peak(status: "Name: x") == nil)
    let before = try #require(PeakMemory.bytes)
    let size = 64 << 20
    let block = [UInt8](repeating: 1, count: before + size)
    #expect(block.last == 1)
    let after = try #require(PeakMemory.bytes)
    #expect(after >= before + size)
  }
}
