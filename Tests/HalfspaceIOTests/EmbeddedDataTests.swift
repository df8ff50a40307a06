// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import Testing

@Suite struct EmbeddedDataTests {
  @Test func `the digits are all there`() throws {
    let digits = try EmbeddedData.digits
    #expect(digits.rowCount == 1797)
    #expect(digits.columnNames == (0..<64).map { "pixel\($0)" } + ["digit"])
    #expect(digits.columns.allSatisfy { $0.isNumeric && $0.missingCount == 0 })
    // Rows per class as the repository lists them for the test part.
    let target = try TargetEncoder(fitting: digits, column: "digit")
    #expect(target.labels == (0..<10).map(String.init))
    var counts = [Int](repeating: 0, count: 10)
    for label in try target.classes(of: digits) { counts[Int(label)] += 1 }
    #expect(counts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    for column in digits.columns.prefix(64) {
      guard case .numeric(let values) = column.storage else { continue }
      #expect(values.allSatisfy { (0...16).contains($0) && $0 == $0.rounded() })
    }
  }

  @Test func `pixels that are always white are no features`() throws {
    let encoder = try TableEncoder(fitting: try EmbeddedData.digits, target: "digit")
    #expect(encoder.constantColumns == ["pixel0", "pixel32", "pixel39"])
    #expect(encoder.featureCount == 61)
  }
}
