// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import Testing

@testable import HalfspaceIO

/// Model files of every format there has been, as they were written then.
@Suite struct StoredModelTests {
  private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Models").path

  @Test(arguments: ["1", "2", "3", "4"])
  func `a stored model of an older format gives the scores it gave`(format: String) throws {
    let model = try TabularModel(contentsOf: "\(folder)/format-\(format).safetensors")
    let scores = try model.scores(
      for: try model.readTable(contentsOf: "\(folder)/kinds.csv"))
    let expected = try Table(contentsOf: "\(folder)/format-\(format)-scores.csv")
    #expect(scores.rows == expected.rowCount && scores.columns == expected.columns.count)
    #expect(expected.columnNames == model.target.labels)
    for row in 0..<scores.rows {
      for column in 0..<scores.columns {
        let value = try #require(expected.columns[column].number(row))
        #expect(abs(Double(scores[row, column]) - value) < 1e-5)
      }
    }
  }

  @Test func `the stored models reach up to the present format`() {
    #expect(
      FileManager.default.fileExists(
        atPath: "\(folder)/format-\(TabularModel.formatVersion).safetensors"))
  }

  @Test(arguments: ["5", "99", "0", "1.5", "latest"])
  func `a model of another format is refused by its number`(format: String) throws {
    var file = try Safetensors(contentsOf: "\(folder)/format-1.safetensors")
    file.metadata["halfspace"] = format
    let bytes = try file.encoded()
    let error = #expect(throws: ModelFileError.self) {
      try TabularModel(file: Safetensors(bytes, name: "m"))
    }
    #expect(error?.reason == .version(found: format, supported: TabularModel.formatVersion))
    let isLater = Int(format) ?? 0 > 1
    #expect(error?.description.contains("a later version") == isLater)
  }
}
