// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing

@testable import HalfspaceIO

/// Models written for other programs, as far as this one can tell.
@Suite struct ModelExportTests {
  private func model(
    _ table: Table = SampleTable.classification(), outputs: InitialOutputs = .zero
  ) throws -> TabularModel {
    var options = TrainingOptions()
    options.width = 128
    options.threshold = .value(1.2)
    options.outputs = outputs
    options.epochs = 2
    options.threads = 1
    let target = table.columnNames[table.columnNames.count - 1]
    return try TabularModel.train(on: table, target: target, options: options).model
  }

  // MARK: ONNX

  @Test(arguments: [SampleTable.classification(), SampleTable.regression()])
  func `an ONNX file is a graph whose values are defined before they are used`(
    table: Table
  ) throws {
    let model = try model(table)
    let file = try ProtobufMessage(try model.onnx())
    #expect(file.integers(1) == [8] && file.texts(2) == ["halfspace"])
    #expect(try file.messages(8).map { $0.integers(2) } == [[17], [3]])
    let graph = try #require(try file.messages(7).first)
    var defined = Set(try graph.messages(11).flatMap { $0.texts(1) })
    #expect(defined == (table["y"] == nil ? ["numbers", "texts"] : ["numbers"]))
    for constant in try graph.messages(5) {
      #expect(defined.insert(constant.texts(8)[0]).inserted)
    }
    var operations: [String] = []
    for node in try graph.messages(1) {
      for input in node.texts(1) { #expect(defined.contains(input)) }
      #expect(defined.insert(node.texts(2)[0]).inserted)
      operations.append(node.texts(4)[0])
    }
    let network = try #require(operations.firstIndex(of: "Gemm"))
    #expect(operations[network..<(network + 3)] == ["Gemm", "Relu", "Gemm"])
    let outputs = Set(try graph.messages(12).flatMap { $0.texts(1) })
    #expect(outputs.isSubset(of: defined))
    #expect(
      outputs
        == (table["y"] == nil ? ["scores", "label", "probabilities"] : ["scores", "value"]))
  }

  @Test func `sparse rows are taken with their zeros, unless their columns are hashed`() throws {
    let folder = TemporaryFolder()
    let lines = (0..<40).map { "\($0 % 2) \(1 + $0 % 2):1 \(5 + $0 % 3):0.5 900:\($0)\n" }
    try AtomicFile.write(lines.joined(), to: folder.file("t.libsvm"))
    let dataset = try Dataset(contentsOf: folder.file("t.libsvm"))
    var options = TrainingOptions()
    (options.width, options.epochs, options.threads) = (128, 1, 1)
    for hashColumns in [0, 64] {
      options.hashColumns = hashColumns
      let model = try TabularModel.train(on: dataset, options: options).model
      guard hashColumns == 0 else {
        #expect(throws: ModelFileError.self) { try model.export(to: folder.file("m.onnx")) }
        continue
      }
      let graph = try #require(try ProtobufMessage(try model.onnx()).messages(7).first)
      #expect(try graph.messages(11).flatMap { $0.texts(1) } == ["numbers"])
      var defined: Set = ["numbers"]
      for constant in try graph.messages(5) { defined.insert(constant.texts(8)[0]) }
      for node in try graph.messages(1) {
        #expect(!node.texts(1).isEmpty && node.texts(1).allSatisfy(defined.contains))
        defined.insert(node.texts(2)[0])
      }
    }
    #expect(folder.names == ["t.libsvm"])
  }

  @Test func `the constants of the network are the tensors of the model file`() throws {
    let model = try model()
    let graph = try #require(try ProtobufMessage(try model.onnx()).messages(7).first)
    let file = try model.file()
    for (name, tensor) in file.tensors {
      let constant = try #require(try graph.messages(5).first { $0.texts(8) == [name] })
      #expect(constant.integers(2) == [1])
      #expect(try constant.packedIntegers(1) == tensor.shape)
      #expect(constant.bytes(9) == [Array(tensor.bytes)])
    }
  }

  @Test func `whole numbers take seven bits to a byte`() throws {
    var writer = ProtobufWriter()
    writer.integer(1, 150)
    writer.integer(2, -1)
    writer.text(16, "ä")
    writer.integers(3, [0, 300])
    writer.float(4, 1)
    #expect(
      writer.bytes == [0x08, 0x96, 0x01, 0x10] + [UInt8](repeating: 0xFF, count: 9) + [1]
        + [0x82, 0x01, 2, 0xC3, 0xA4] + [0x1A, 3, 0, 0xAC, 0x02] + [0x25, 0, 0, 0x80, 0x3F])
  }

  // MARK: NPZ

  @Test func `an NPZ file holds the tensors of the model file`() throws {
    let model = try model()
    let bytes = try model.npz()
    let arrays = try NPZReader.arrays(bytes, file: "m.npz")
    let file = try model.file()
    #expect(arrays.map(\.name) == ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"])
    for (name, array) in arrays {
      let tensor = try #require(file.tensors[name])
      #expect(array.shape == tensor.shape && array.elementType == .float32)
      let columns = array.columns(rows: 0..<array.rowCount)
      let values = try file.floats(name)
      for (index, value) in values.enumerated() {
        #expect(columns[index % array.columnCount][index / array.columnCount] == Double(value))
      }
    }
    let archive = try ZipArchive(bytes, file: "m.npz")
    let member = try #require(archive.members.first { $0.name == "metadata.json" })
    let metadata = String(decoding: try archive.contents(member), as: UTF8.self)
    #expect(metadata.contains("\"halfspace\":\"\(model.formatVersion)\""))
    #expect(try model.npz() == bytes)
  }

  @Test func `arrays of every type and shape are read again`() throws {
    var file = Safetensors()
    file.set([1.5, -2] as [Float], shape: [2], for: "a")
    file.set([0.1, 1e300, -1, 4, 5, 6] as [Double], shape: [1, 3, 2], for: "b")
    file.set([7, -8] as [Int32], shape: [2, 1], for: "c")
    file.set([1 << 40] as [Int64], shape: [1], for: "d")
    for (name, values) in [
      ("a", [1.5, -2]), ("b", [0.1, 1e300, -1, 4, 5, 6]), ("c", [7, -8]),
      ("d", [Double(1 << 40)]),
    ] {
      let tensor = try #require(file.tensors[name])
      let bytes = NPYWriter.bytes(tensor)
      #expect((bytes.count - tensor.bytes.count) % 64 == 0)
      let array = try NPYReader.array(FileRegion(bytes), file: name)
      #expect(array.shape == tensor.shape)
      #expect(array.columns(rows: 0..<array.rowCount).count == array.columnCount)
      let read = (0..<values.count).map {
        array.columns(rows: 0..<array.rowCount)[$0 % array.columnCount][$0 / array.columnCount]
      }
      #expect(read == values)
    }
  }

  @Test(arguments: [0xFFFF_FFFF, 1000, 1])
  func `members beyond the 32-bit limit are written with 64 bits`(limit: Int) throws {
    var archive = ZipWriter(limit: limit)
    let contents = (0..<4).map { k in (0..<(k * 700)).map { UInt8(truncatingIfNeeded: $0 * k) } }
    for (k, bytes) in contents.enumerated() { archive.add(bytes, name: "größe \(k)") }
    let read = try ZipArchive(archive.finished(), file: "z")
    #expect(read.members.map(\.name) == (0..<4).map { "größe \($0)" })
    for (member, bytes) in zip(read.members, contents) {
      #expect(try read.contents(member) == bytes)
    }
  }

  // MARK: Formats

  @Test func `the extension tells the format, and safetensors is the model file`() throws {
    let folder = TemporaryFolder()
    let model = try model()
    for (name, format) in [
      ("a.onnx", ModelFormat.onnx), ("b.NPZ", .npz), ("c.d/e.safetensors", .safetensors),
    ] { #expect(ModelFormat(path: name) == format) }
    for name in ["onnx", "a.csv", "a.onnx/b", ""] { #expect(ModelFormat(path: name) == nil) }
    try model.export(to: folder.file("m.safetensors"))
    try model.export(to: folder.file("m"), as: .onnx)
    #expect(try FileBytes.read(folder.file("m.safetensors")) == model.file().encoded())
    #expect(try FileBytes.read(folder.file("m")) == model.onnx())
    #expect(throws: ModelFileError(file: folder.file("m.bin"), reason: .unknownFormat)) {
      try model.export(to: folder.file("m.bin"))
    }
    #expect(folder.names == ["m", "m.safetensors"])
  }

  @Test func `networks whose latent neurons matter are refused where these cannot be held`() throws
  {
    let folder = TemporaryFolder()
    let model = try model(outputs: .independent())
    for format in [ModelFormat.onnx, .npz] {
      let path = folder.file("m.\(format.rawValue)")
      let error = #expect(throws: ModelFileError.self) { try model.export(to: path) }
      #expect(error?.description.hasPrefix("\(path): with independent output weights ") == true)
    }
    try model.export(to: folder.file("m.safetensors"))
    #expect(folder.names == ["m.safetensors"])
  }
}
