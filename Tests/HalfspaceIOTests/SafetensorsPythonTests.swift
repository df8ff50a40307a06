// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import HalfspaceLinalg
import Testing

/// Python as the tests need it.
private enum Python {
  /// Whether python3 is there with the packages that the script imports.
  static let isComplete = run(["-c", "import numpy, safetensors.numpy"]).status == 0

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

@Suite struct SafetensorsPythonTests {
  @Test(
    .enabled(
      if: Python.isComplete, "needs python3 with numpy and safetensors (pip install safetensors)"))
  func `Python reads what is written here, and the other way round`() throws {
    let folder = TemporaryFolder()
    let (ours, theirs) = (folder.file("ours.safetensors"), folder.file("theirs.safetensors"))
    var file = Safetensors(
      metadata: ["format": "pt", "quote \" \\ \n": "größe 名 \u{1F600} \u{1}"])
    let weights = Matrix(rows: 7, columns: 3)
    for index in 0..<21 { weights[index / 3, index % 3] = Float(index) * 0.1 }
    file.set(weights, for: "fc1.weight")
    file.set([1.5, -0.0, Float.leastNonzeroMagnitude], shape: [3, 1], for: "fc2.weight")
    file.set([1 / 3, -1e300] as [Double], shape: [2], for: "mean")
    file.set([2, 0, 1] as [Int32], shape: [3], for: "permutation")
    file.set([Int64(1) << 62 + 1], shape: [], for: "seed")
    file.set([] as [Float], shape: [0, 4], for: "nothing")
    try file.write(to: ours)

    let script = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Python/safetensors_interop.py").path
    let result = Python.run([script, ours, theirs])
    try #require(result.status == 0, "\(result.output)")

    let read = try Safetensors(contentsOf: theirs)
    #expect(read.tensors.count == 4)
    let a = try read.matrix("a", rows: 2, columns: 5)
    #expect(a[0, 0] == -1 && a[1, 4] == 1)
    #expect(try read.int64s("b", shape: [1, 2]) == [7, -8])
    #expect(try read.doubles("c", shape: []) == [0.1])
    #expect(try read.int32s("d") == [Int32.min])
    #expect(try read.metadata("key") == "größe 名 \u{1F600} \u{1} \" \\ \n")
  }
}
