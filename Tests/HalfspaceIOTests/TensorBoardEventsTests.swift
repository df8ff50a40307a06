// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HalfspaceIO

@Suite struct TensorBoardEventsTests {
  /// The events of a file whose lengths and checksums are right.
  private func events(_ file: [UInt8]) throws -> [ProtobufMessage] {
    var rest = file[...]
    func take(_ count: Int) throws -> [UInt8] {
      try #require(rest.count >= count)
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    func number(_ bytes: [UInt8]) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }
    var events: [ProtobufMessage] = []
    while !rest.isEmpty {
      let length = try take(8)
      #expect(number(try take(4)) == Int(CRC32C.masked(length)))
      let event = try take(number(length))
      #expect(number(try take(4)) == Int(CRC32C.masked(event)))
      events.append(try ProtobufMessage(event))
    }
    return events
  }

  @Test(
    arguments: [
      // RFC 3720, B.4, and the check value of the catalogue of parametrised CRC algorithms.
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      ((0..<32).map { UInt8($0) }, 0x46DD_794E), (Array("123456789".utf8), 0xE306_9283),
      ([], 0),
    ] as [([UInt8], UInt32)])
  func `checksums are those of the standard`(bytes: [UInt8], checksum: UInt32) {
    #expect(CRC32C.checksum(bytes) == checksum)
  }

  @Test func `events say when, at which step, and what`() throws {
    var file = TensorBoardEvents(start: 1.5e9)
    file.append(step: 3, time: 1.5e9 + 2.25, scalars: [("loss", 0.5), ("accuracy", 0.75)])
    file.append(step: 1 << 40, time: 1.5e9 + 4, scalars: [("loss", .infinity)])
    let events = try events(file.bytes)
    #expect(events.count == 3)
    #expect(events[0].texts(3) == ["brain.Event:2"] && events[0].doubles(1) == [1.5e9])
    #expect(events[1].doubles(1) == [1.5e9 + 2.25] && events[1].integers(2) == [3])
    let values = try #require(try events[1].messages(5).first).messages(1)
    #expect(values.map { $0.texts(1) } == [["loss"], ["accuracy"]])
    #expect(values.map { $0.floats(2) } == [[0.5], [0.75]])
    #expect(events[2].integers(2) == [1 << 40])
    let last = try #require(try events[2].messages(5).first).messages(1)
    #expect(last.map { $0.floats(2) } == [[.infinity]])
  }
}
