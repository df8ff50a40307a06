// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import _HalfspaceReport

@Suite struct ReportFileTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("halfspace-report-\(UUID().uuidString)")

  @Test func `a file is written whole, replaced, and leaves nothing else behind`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appendingPathComponent("deep/er/table.csv")
    try ReportFile.write("first, and longer\n", to: url)
    try ReportFile.write("µ\n", to: url)
    #expect(try String(contentsOf: url, encoding: .utf8) == "µ\n")
    let names = try FileManager.default.contentsOfDirectory(
      atPath: url.deletingLastPathComponent().path)
    #expect(names == ["table.csv"])
  }

  @Test func `a file that cannot be written is named with the reason`() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: ReportFileError.self) {
      try ReportFile.write("x", to: folder)
    }
    #expect(error?.description == "cannot write \(folder.path): it is a folder")
    let file = folder.appendingPathComponent("file")
    try ReportFile.write("x", to: file)
    let below = #expect(throws: ReportFileError.self) {
      try ReportFile.write("x", to: file.appendingPathComponent("child.json"))
    }
    #expect(below?.reason.isEmpty == false)
    #expect(below?.path.hasSuffix("file/child.json") == true)
  }
}
