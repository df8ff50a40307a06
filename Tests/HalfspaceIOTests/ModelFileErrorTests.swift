// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Files that are no models: each is refused in a sentence, none crashes the reader.
@Suite struct ModelFileErrorTests {
  private static func model(
    _ outputs: InitialOutputs, _ table: Table = SampleTable.classification(rows: 40)
  ) throws -> TabularModel {
    var options = TrainingOptions()
    options.width = 32
    options.outputs = outputs
    options.learningRate = 1
    options.epochs = 1
    options.threads = 1
    let target = table.columnNames[table.columnNames.count - 1]
    return try TabularModel.train(on: table, target: target, options: options).model
  }

  /// Reads a model from `bytes` and, should that work, uses it; whether it did.
  private func isRead(_ file: Safetensors, _ table: Table) throws -> Bool {
    do {
      let model = try TabularModel(file: file)
      do { _ = try model.predict(table) } catch is TableError {}
      do { _ = try model.evaluate(on: table) } catch is TableError {}
      return true
    } catch is ModelFileError {
      return false
    } catch is SafetensorsError {
      return false
    }
  }

  private func sentence(
    _ outputs: InitialOutputs = .zero, _ change: (inout Safetensors) -> Void
  ) throws -> String? {
    var file = try Self.model(outputs).file()
    change(&file)
    let error = #expect(throws: (any Error).self) { try TabularModel(file: file) }
    return error.map { "\($0)".replacing(file.name, with: "m") }
  }

  // MARK: Sentences

  @Test func `files that are something else`() throws {
    #expect(
      try sentence { $0.metadata = ["format": "pt"] }
        == "m is not a Halfspace model: it has no \"halfspace\" metadata")
    #expect(
      try sentence { $0.metadata["halfspace"] = "5" }
        == "m is a model of format 5, written by a later version; this version of Halfspace "
        + "reads formats up to 4")
    let folder = TemporaryFolder()
    let path = folder.file("m")
    let missing = #expect(throws: SafetensorsError.self) { try TabularModel(contentsOf: path) }
    #expect(missing?.description == "cannot read \(path): No such file or directory")
    try AtomicFile.write("size,color,kind\n1,red,a\n", to: path)
    let table = #expect(throws: SafetensorsError.self) { try TabularModel(contentsOf: path) }
    #expect(table?.description.contains("is this a safetensors file?") == true)
  }

  @Test func `metadata that are missing or damaged`() throws {
    #expect(
      try sentence { $0.metadata["halfspace.encoder"] = nil }
        == "m: metadata \"halfspace.encoder\" is missing")
    #expect(
      try sentence { $0.metadata["halfspace.network"] = "{}" }
        == "m: metadata \"halfspace.network\" has no \"threshold\"")
    #expect(
      try sentence { $0.metadata["halfspace.network"] = #"{"threshold": 1, "shards": [0, "x"]}"# }
        == "m: metadata \"halfspace.network\" has a value of another type than expected at "
        + "\"shards.1\"")
    for text in ["", "{", "[[[[", "{\"a\"", String(repeating: "[", count: 100_000), "\u{0}"] {
      let sentence = try sentence { $0.metadata["halfspace.record"] = text }
      #expect(sentence?.hasPrefix("m: metadata \"halfspace.record\" is damaged: ") == true)
      #expect((sentence?.count ?? 1000) < 150)
    }
    #expect(
      try sentence {
        $0.metadata["halfspace.target"]?.replace("\"kind 1\"", with: "\"kind 0\"")
      }
        == "m: metadata \"halfspace.target\" is damaged: the encoding of target \"kind\" is not sound"
    )
  }

  @Test func `parts that do not fit each other`() throws {
    #expect(
      try sentence { $0.set(Matrix(rows: 0, columns: 7), for: "fc1.weight") }
        == "m: fc1.weight has no rows")
    #expect(
      try sentence { $0.set(Matrix(rows: 3, columns: 5), for: "fc1.weight") }
        == "m, tensor \"fc1.weight\": expected shape [any, 7], found [3, 5]")
    #expect(
      try sentence { file in
        let m = file.tensors["fc1.bias"]?.shape[0] ?? 0
        file.set(Matrix(rows: 2, columns: m), for: "fc2.weight")
      } == "m: 2 outputs for 3 classes")
    #expect(
      try sentence { $0.set([1 as Float], shape: [1], for: "fc1.bias") }?
        .hasPrefix("m, tensor \"fc1.bias\": expected shape [") == true)
    #expect(
      try sentence { $0.set([0, 0, 1] as [Float], shape: [3], for: "fc2.bias") }
        == "m: fc2.bias is not zero")
    #expect(
      try sentence {
        $0.metadata["halfspace.network"]?.replace(/"shards":\[[^\]]*\]/, with: "\"shards\":[0,-1]")
      }?.contains("the shards do not cut") == true)
    #expect(
      try sentence {
        $0.metadata["halfspace.network"]?.replace(/"threshold":[^,}]*/, with: "\"threshold\":9")
      } == "m: fc1.bias is not the negative threshold 9.0")
    #expect(
      try sentence(.independent()) {
        $0.metadata["halfspace.record"]?.replace("\"width\":32", with: "\"width\":1")
      } == "m: the neurons are not those of a network of 1")
    #expect(
      try sentence(.independent()) {
        $0.metadata["halfspace.record"]?.replace("\"width\":32", with: "\"width\":\(Int.max)")
      } == "m: cannot train: the width \(Int.max) is more than 2^48")
  }

  @Test func `a shape that claims rows without a byte is refused in no time`() throws {
    // [2^60, 0] has no bytes; transposed it would have 2^60 columns.
    #expect(
      try sentence { file in
        file.set([] as [Float], shape: [0, 7], for: "fc1.weight")
        file.set([] as [Float], shape: [1 << 60, 0], for: "fc2.weight")
        file.set([] as [Float], shape: [0], for: "fc1.bias")
      } == "m: fc1.weight has no rows")
  }

  // MARK: Damage

  @Test(arguments: [InitialOutputs.zero, .independent()])
  func `a file that is cut short anywhere is refused`(outputs: InitialOutputs) throws {
    let bytes = try Self.model(outputs).file().encoded()
    for count in stride(from: 0, to: bytes.count, by: 13) {
      #expect(throws: SafetensorsError.self) {
        try Safetensors(Array(bytes[..<count]), name: "m")
      }
    }
  }

  @Test(arguments: [InitialOutputs.zero, .symmetricPairs(.signs), .independent()])
  func `flipped bits are refused or predict something`(outputs: InitialOutputs) throws {
    for table in [SampleTable.classification(rows: 40), SampleTable.regression(rows: 40)] {
      let bytes = try Self.model(outputs, table).file().encoded()
      let sample = table.selecting(rows: 0..<3)
      var generator = SeededGenerator(seed: 5)
      var (refused, used) = (0, 0)
      for _ in 0..<120 {
        var damaged = bytes
        for _ in 0...generator.below(3) {
          damaged[generator.below(bytes.count)] ^= 1 << UInt8(generator.below(8))
        }
        guard let file = try? Safetensors(damaged, name: "m") else {
          refused += 1
          continue
        }
        if try isRead(file, sample) { used += 1 } else { refused += 1 }
      }
      #expect(refused > 0 && used > 0)
    }
  }

  @Test(arguments: [InitialOutputs.zero, .independent()])
  func `absurd values anywhere in the metadata are refused or predict something`(
    outputs: InitialOutputs
  ) throws {
    for table in [SampleTable.classification(rows: 40), SampleTable.regression(rows: 40)] {
      let file = try Self.model(outputs, table).file()
      let sample = table.selecting(rows: 0..<3)
      var (refused, used) = (0, 0)
      for (key, text) in file.metadata where key.hasPrefix("halfspace.") {
        for range in text.ranges(of: /-?[0-9][0-9.e+-]*|"[^"]*"|true|false|\[\]/) {
          for value in [
            "9223372036854775807", "-1", "0", "1e308", "1e999", "0.5", "\"\"", "null", "[]", "{}",
            "true",
          ] {
            var damaged = file
            damaged.metadata[key] = text.replacingCharacters(in: range, with: value)
            if try isRead(damaged, sample) { used += 1 } else { refused += 1 }
          }
        }
      }
      #expect(used > 100 && refused > 1000)
    }
  }
}
