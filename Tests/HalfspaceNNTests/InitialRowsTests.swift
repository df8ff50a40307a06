// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceReporting
import Testing

@testable import HalfspaceNN

/// How the rows of the first layer are chosen, and how the choice is written down.
@Suite struct InitialRowsTests {
  private typealias Rows = NetworkConfiguration.Rows

  @Test func `a choice without a number of parts is read as it used to be`() throws {
    for (text, rows) in [
      (#"{"productGrid":{}}"#, Rows.productGrid()),
      (#"{"productGrid":{"groups":16}}"#, .productGrid(groups: 16)),
      (#"{"productGrid":{"groups":16,"parts":3}}"#, .productGrid(groups: 16, parts: 3)),
      (#"{"gaussian":{}}"#, .gaussian),
    ] {
      #expect(try JSONDecoder().decode(Rows.self, from: Data(text.utf8)) == rows)
    }
  }

  @Test(arguments: [Rows.productGrid(), .productGrid(groups: 7, parts: 3), .gaussian])
  private func `what is written is read again`(rows: Rows) throws {
    let data = try JSONEncoder().encode(rows)
    #expect(try JSONDecoder().decode(Rows.self, from: data) == rows)
  }

  @Test func `groups and parts reach the grid`() throws {
    var network = NetworkConfiguration(width: 1 << 12, threshold: .value(2))
    func grid() throws -> ProductGrid {
      let initial = try network.makeInitialNetwork(dimension: 9, outputCount: 1)
      return try #require(initial.rows as? ProductGrid)
    }
    #expect(try grid().partCount == 2)
    network.rows = .productGrid(groups: 4, parts: 3)
    #expect(try grid().partCount == 3)
    #expect(try grid().groupCount == 4)
    network.width = 1 << 26
    network.rows = .productGrid()
    #expect(try grid().partCount == 3)
  }
}
