// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import HalfspaceLinalg
import Testing

@Suite struct SafetensorsTests {
  private static func sample() -> Safetensors {
    var file = Safetensors(metadata: ["b": "2", "a": "\"1\"\n\\\u{7}é"])
    file.set(Matrix([[1, 2, 3], [4, 5, -6.5]]), for: "fc1.weight")
    file.set([0.1, -0.2] as [Double], shape: [2], for: "mean")
    file.set([7, -8, 9] as [Int32], shape: [3, 1], for: "codes")
    file.set([Int64.min], shape: [], for: "seed")
    return file
  }

  /// A file of `header`, padded or not, and `data`.
  private static func bytes(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let header = Array(header.utf8)
    let length = length ?? UInt64(header.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + header
      + [UInt8](repeating: 0, count: data)
  }

  private func reason(_ bytes: [UInt8]) -> SafetensorsError.Reason? {
    #expect(throws: SafetensorsError.self) { try Safetensors(bytes, name: "m") }?.reason
  }

  // MARK: Round trips

  @Test func `what is written is read`() throws {
    let folder = TemporaryFolder()
    let path = folder.file("m.safetensors")
    let file = Self.sample()
    try file.write(to: path)
    let read = try Safetensors(contentsOf: path)
    #expect(read.name == path)
    #expect(read.metadata == file.metadata)
    #expect(read.tensors == file.tensors)
    #expect(try read.matrix("fc1.weight").isIdentical(to: Matrix([[1, 2, 3], [4, 5, -6.5]])))
    #expect(try read.doubles("mean") == [0.1, -0.2])
    #expect(try read.int32s("codes", shape: [nil, 1]) == [7, -8, 9])
    #expect(try read.int64s("seed", shape: []) == [.min])
    #expect(folder.names == ["m.safetensors"])
  }

  @Test func `every bit pattern survives`() throws {
    var file = Safetensors()
    let values: [Float] = [
      0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .nan, -.infinity, 1.0000001,
    ]
    file.set(values, shape: [7], for: "x")
    let read = try Safetensors(try file.encoded(), name: "m")
    #expect(
      try read.floats("x", allowingNonFinite: true).map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test func `equal contents give equal bytes in the layout of the format`() throws {
    let bytes = try Self.sample().encoded()
    var other = Safetensors(metadata: ["a": "\"1\"\n\\\u{7}é"])
    other.set([Int64.min], shape: [], for: "seed")
    other.set([7, -8, 9] as [Int32], shape: [3, 1], for: "codes")
    other.set([1, 2] as [Float], shape: [2], for: "mean")
    other.set([0.1, -0.2] as [Double], shape: [2], for: "mean")
    other.metadata["b"] = "2"
    other.set(Matrix([[1, 2, 3], [4, 5, -6.5]]), for: "fc1.weight")
    #expect(try other.encoded() == bytes)

    let header =
      #"{"__metadata__":{"a":"\"1\"\u000a\\\u0007é","b":"2"},"#
      + #""mean":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"#
      + #""seed":{"dtype":"I64","shape":[],"data_offsets":[16,24]},"#
      + #""codes":{"dtype":"I32","shape":[3,1],"data_offsets":[24,36]},"#
      + #""fc1.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[36,60]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    #expect(bytes.count == 8 + padded.utf8.count + 60)
    #expect(Array(bytes.prefix(8 + padded.utf8.count)) == Self.bytes(padded))
    #expect(bytes.suffix(4) == [0, 0, 0xD0, 0xC0])  // -6.5
    #expect((bytes.count - 60) % 8 == 0)
  }

  @Test func `no tensors, no metadata and empty tensors are fine`() throws {
    let empty = try Safetensors(try Safetensors().encoded(), name: "m")
    #expect(empty.tensors.isEmpty && empty.metadata.isEmpty)
    #expect(try Safetensors(Self.bytes("{}"), name: "m").tensors.isEmpty)
    #expect(try Safetensors(Self.bytes("{\"__metadata__\":{}}  "), name: "m").metadata.isEmpty)
    var file = Safetensors()
    file.set(Matrix(rows: 0, columns: 5), for: "none")
    file.set([1] as [Float], shape: [1, 1], for: "one")
    let read = try Safetensors(try file.encoded(), name: "m")
    #expect(try read.matrix("none", columns: 5).rows == 0)
    #expect(try read.matrix("one", packedSingleColumn: true).stride == 1)
  }

  @Test func `the header may be spaced and escaped as JSON allows`() throws {
    let header =
      "{ \"\\u0061\\/\\\"\\n\\ud83d\\uDE00\" :\n{\"shape\" : [ 2 , 1 ] ,\t"
      + "\"data_offsets\":[0,8],\"dtype\":\"F32\"}}\r\n  "
    let file = try Safetensors(Self.bytes(header, data: 8), name: "m")
    #expect(try file.floats("a/\"\n\u{1F600}", shape: [2, 1]) == [0, 0])
  }

  // MARK: Asking for the wrong thing

  @Test func `a missing tensor, another type or another shape are refused`() throws {
    let file = Self.sample()
    func error(_ body: () throws -> Void) -> String? {
      #expect(throws: SafetensorsError.self, performing: body)?.description
    }
    #expect(
      error { _ = try file.floats("fc2.weight") }
        == "safetensors, tensor \"fc2.weight\": there is no such tensor; there are \"codes\", "
        + "\"fc1.weight\", \"mean\", \"seed\"")
    #expect(
      error { _ = try file.floats("mean") }
        == "safetensors, tensor \"mean\": expected elements of type F32, found F64")
    #expect(
      error { _ = try file.matrix("fc1.weight", columns: 17) }
        == "safetensors, tensor \"fc1.weight\": expected shape [any, 17], found [2, 3]")
    #expect(error { _ = try file.int64s("seed", shape: [1]) }?.contains("found []") == true)
    #expect(error { _ = try file.int32s("codes", shape: [3]) }?.contains("found [3, 1]") == true)
    #expect(
      error { _ = try file.metadata("version") }
        == "safetensors: expected \"version\" in the metadata, found none")
  }

  @Test func `NaN and infinities are found unless allowed`() throws {
    var file = Safetensors()
    file.set(Matrix([[1, 2], [.nan, 3]]), for: "w")
    file.set([1, -.infinity] as [Double], shape: [2], for: "d")
    let weights = #expect(throws: SafetensorsError.self) { try file.matrix("w") }
    #expect(weights?.reason == .notFinite(index: 2))
    let doubles = #expect(throws: SafetensorsError.self) { try file.doubles("d") }
    #expect(doubles?.reason == .notFinite(index: 1))
    #expect(try file.matrix("w", allowingNonFinite: true)[1, 0].isNaN)
    #expect(try file.doubles("d", allowingNonFinite: true)[1] == -.infinity)
  }

  @Test func `a shape that is not that of the values traps`() async {
    await #expect(processExitsWith: .failure) {
      var file = Safetensors()
      file.set([1, 2, 3] as [Float], shape: [2], for: "x")
    }
    await #expect(processExitsWith: .failure) {
      var file = Safetensors()
      file.set([1] as [Float], shape: [1], for: "__metadata__")
    }
  }

  // MARK: Damaged files

  @Test func `missing files, folders and unwritable places are refused`() {
    let read = #expect(throws: SafetensorsError.self) { try Safetensors(contentsOf: "/no/m") }
    #expect(read?.description == "cannot read /no/m: No such file or directory")
    let folder = #expect(throws: SafetensorsError.self) { try Safetensors(contentsOf: "/") }
    #expect(folder?.reason == .unreadable("Is a directory"))
    let write = #expect(throws: SafetensorsError.self) { try Self.sample().write(to: "/no/m") }
    #expect(write?.description == "cannot write /no/m: No such file or directory")
  }

  @Test func `lengths that do not fit are refused`() {
    #expect(reason([]) == .truncated(expected: 8, found: 0))
    #expect(reason([1, 2, 3]) == .truncated(expected: 8, found: 3))
    #expect(reason(Self.bytes("{}", length: 100)) == .truncated(expected: 108, found: 10))
    #expect(reason(Self.bytes("{}", length: 100_000_001)) == .headerTooLarge(100_000_001))
    #expect(reason(Self.bytes("{}", length: .max)) == .headerTooLarge(.max))
    #expect(reason(Self.bytes("{}", data: 3)) == .trailingBytes(3))
  }

  @Test(
    arguments: [
      ("", 0), (" {}", 0), ("[]", 0), ("{", 1), ("{}x", 2), ("{\"a\":1}", 5), ("{\"a\"", 4),
      ("{\"a\":{}}", 7), ("{\"a\" {}}", 5), ("{,}", 1), ("{\"__metadata__\":{\"a\":1}}", 21),
      ("{\"__metadata__\":{\"a\":\"1\",}}", 25), ("{\"a", 3), ("{\"\\x\":1}", 4),
      ("{\"\\u12g4\":1}", 6), ("{\"\\ud800\":1}", 8), ("{\"\\ud800\\u0041\":1}", 14),
      ("{\"\\udc00\":1}", 8), ("{\"a\nb\":1}", 3), ("null", 0),
    ])
  func `headers that are not the JSON of the format are refused where they go wrong`(
    _ header: String, _ offset: Int
  ) {
    guard case .invalidHeader(_, let found) = reason(Self.bytes(header)) else {
      Issue.record("\(header)")
      return
    }
    #expect(found == offset)
  }

  @Test(
    arguments: [
      (#"{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}"#, nil),
      (#"{"dtype":"F32","shape":[1]}"#, nil),
      (#"{"dtype":"F32","shape":[1],"data_offsets":[0]}"#, nil),
      (#"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#, nil),
      (#"{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}"#, nil),
      (#"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#, nil),
      (#"{"dtype":"F32","shape":[01],"data_offsets":[0,4]}"#, nil),
      (#"{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}"#, nil),
      (#"{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}"#, nil),
      (#"{"dtype":32,"shape":[1],"data_offsets":[0,4]}"#, nil),
      (#"{"dtype":"F32","shape":1,"data_offsets":[0,4]}"#, nil),
      (#"{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}"#, .unsupportedType("BF16")),
      (#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#, .wrongSize(expected: 8, found: 4)),
      (#"{"dtype":"F32","shape":[0],"data_offsets":[0,4]}"#, .wrongSize(expected: 0, found: 4)),
      (
        #"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}"#,
        .shapeOverflow([4_294_967_296, 4_294_967_296])
      ),
      (
        #"{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}"#,
        .shapeOverflow([0, .max])
      ),
      (
        #"{"dtype":"F32","shape":[1],"dtype":"F32","data_offsets":[0,4]}"#, .duplicateKey("dtype")
      ),
      (
        #"{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#, .misplaced(expected: 0, found: 4)
      ),
      (
        #"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, .truncated(expected: 70, found: 66)
      ),
      (
        #"{"dtype":"F32","shape":[2305843009213693951],"data_offsets":[0,9223372036854775804]}"#,
        .truncated(expected: .max, found: 102)
      ),
    ] as [(String, SafetensorsError.Reason?)])
  func `entries that are not sound are refused`(
    _ entry: String, _ expected: SafetensorsError.Reason?
  ) {
    let found = reason(Self.bytes("{\"t\":\(entry)}", data: 4))
    if let expected {
      #expect(found == expected)
    } else if case .invalidHeader = found {
    } else {
      Issue.record("\(String(describing: found))")
    }
  }

  @Test func `names that occur twice, gaps and overlaps are refused`() {
    func entry(_ name: String, _ begin: Int, _ end: Int) -> String {
      "\"\(name)\":{\"dtype\":\"F32\",\"shape\":[\((end - begin) / 4)],"
        + "\"data_offsets\":[\(begin),\(end)]}"
    }
    func reason(_ entries: String..., data: Int) -> SafetensorsError.Reason? {
      self.reason(Self.bytes("{\(entries.joined(separator: ","))}", data: data))
    }
    #expect(reason(entry("a", 0, 4), entry("a", 4, 8), data: 8) == .duplicateKey("a"))
    #expect(reason(entry("a", 0, 4), entry("\\u0061", 4, 8), data: 8) == .duplicateKey("a"))
    #expect(
      reason("\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}", data: 0) == .duplicateKey("k"))
    #expect(
      reason("\"__metadata__\":{}", "\"__metadata__\":{}", data: 0)
        == .duplicateKey("__metadata__"))
    #expect(
      reason(entry("a", 0, 4), entry("b", 8, 12), data: 12) == .misplaced(expected: 4, found: 8))
    #expect(
      reason(entry("a", 0, 8), entry("b", 4, 12), data: 12) == .misplaced(expected: 8, found: 4))
    #expect(reason(entry("a", 0, 4), data: 12) == .trailingBytes(8))
  }

  @Test func `text that is not UTF-8 is refused`() {
    var bytes = Self.bytes("{\"__metadata__\":{\"k\":\"?\"}}")
    bytes[bytes.count - 4] = 0xFF
    guard case .invalidHeader = reason(bytes) else {
      Issue.record("not refused as a header")
      return
    }
  }

  @Test func `every truncation is refused`() throws {
    let bytes = try Self.sample().encoded()
    for count in 0..<bytes.count {
      #expect(throws: SafetensorsError.self) {
        try Safetensors(Array(bytes.prefix(count)), name: "m")
      }
    }
    #expect(throws: SafetensorsError.self) { try Safetensors(bytes + [0], name: "m") }
  }

  @Test func `every corruption of a byte is refused or read, never worse`() throws {
    let bytes = try Self.sample().encoded()
    let headerEnd = bytes.count - 60
    var generator = SeededGenerator(seed: 7)
    var refused = 0
    for step in 0..<6000 {
      var corrupted = bytes
      // Headers are where it matters: three in four.
      let position = step % 4 == 0 ? generator.below(bytes.count) : generator.below(headerEnd)
      corrupted[position] ^= UInt8(1 + generator.below(255))
      do {
        let file = try Safetensors(corrupted, name: "m")
        for (name, tensor) in file.tensors {
          #expect(tensor.bytes.count % tensor.elementType.byteCount == 0)
          _ = try? file.matrix(name)
        }
        // What is read is sound: it can be written and read again.
        #expect(try Safetensors(try file.encoded(), name: "m").tensors == file.tensors)
      } catch {
        refused += 1
      }
    }
    #expect(refused > 3000)
  }

  @Test func `random headers are refused or read, never worse`() {
    var generator = SeededGenerator(seed: 8)
    let pieces = [
      "{", "}", "[", "]", ":", ",", "\"", "\"a\"", "\"dtype\"", "\"F32\"", "\"shape\"",
      "\"data_offsets\"", "0", "4", "1", "99999999999999999999", "\\u", "\\", " ", "-", "1e9",
      "\"__metadata__\"", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
    ]
    for _ in 0..<3000 {
      let text = (0..<generator.below(14)).map { _ in pieces[generator.below(pieces.count)] }
      let bytes = Self.bytes("{" + text.joined(), data: 4)
      guard let file = try? Safetensors(bytes, name: "m") else { continue }
      // Four bytes of data hold one element at most.
      #expect(file.tensors.values.allSatisfy { $0.bytes.count <= 4 })
    }
  }
}
