// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

@Suite struct DatasetTests {
  private let folder = TemporaryFolder()

  private func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try AtomicFile.write(bytes, to: folder.file(name))
    return folder.file(name)
  }

  private func rows(_ table: Table) -> [[Double?]] {
    (0..<table.rowCount).map { row in table.columns.map { $0.number(row) } }
  }

  @Test(arguments: [
    ("a/t.csv", DataFormat.csv), ("t.tsv", .csv), ("t", .csv), ("x.npy", .npy), ("x.NPZ", .npz),
    ("x.libsvm", .libsvm), ("a.svm.gz", .libsvm), ("x.svmlight", .libsvm), ("x.idx.gz", .idx),
    ("d/train-images-idx3-ubyte", .idx), ("train-images.idx3-ubyte.gz", .idx), ("t.csv.gz", .csv),
    ("x.npy.d/t", .csv),
  ])
  func `the format follows from the extension`(path: String, format: DataFormat) {
    #expect(DataFormat(path: path) == format)
  }

  @Test func `arrays of NumPy are read in either order of memory and bytes`() throws {
    let expected: [[Double?]] = [[1.5, -2, 3], [4, 5, 6.25]]
    let fortran = try Dataset(contentsOf: write(DataFiles.fortranNPY, "f.npy"))
    #expect(fortran.rowCount == 2 && fortran.targetName == nil)
    #expect(rows(try fortran.table()) == expected)
    #expect(try fortran.table().columnNames == ["column1", "column2", "column3"])
    #expect(rows(try fortran.table(rows: 1..<2)) == [expected[1]])

    let archive = try Dataset(contentsOf: write(DataFiles.npz, "a.npz"))
    #expect(archive.targetName == "y")
    let table = try archive.table()
    #expect(table.columnNames == ["column1", "column2", "column3", "y"] && !table.hasHeader)
    #expect(rows(table) == [[1.5, -2, 3, 1], [4, 5, 6.25, 0]])
  }

  @Test func `every type of elements is read`() throws {
    let types: [(String, [UInt8], Double)] = [
      ("|b1", [2], 1), ("|i1", [0xFF], -1), ("|u1", [0xFF], 255), ("<i2", [0xFE, 0xFF], -2),
      (">u2", [0x01, 0x02], 258), ("<i4", [0xFF, 0xFF, 0xFF, 0xFF], -1),
      (">u4", [0xFF, 0xFF, 0xFF, 0xFF], 4_294_967_295),
      ("<i8", [1, 0, 0, 0, 0, 0, 0, 0x80], -0x1p63),
      ("<u8", [0, 0, 0, 0, 0, 0, 0, 0x80], 0x1p63), ("<f4", [0, 0, 0xC0, 0x3F], 1.5),
      (">f8", [0x3F, 0xF8, 0, 0, 0, 0, 0, 0], 1.5), ("=f4", [0, 0, 0xC0, 0x3F], 1.5),
    ]
    for (type, bytes, value) in types {
      let file = DataFiles.npy(
        header: "{'shape': (1,), 'descr': \"\(type)\", 'fortran_order': True}", elements: bytes)
      let array = try NPYReader.array(FileRegion(file), file: "a.npy")
      #expect(array.shape == [1] && array.columns(rows: 0..<1) == [[value]], "\(type)")
    }
  }

  @Test func `texts are labels`() throws {
    let array = try NPYReader.array(FileRegion(DataFiles.textNPY), file: "a.npy")
    #expect(array.isText && array.texts(rows: 0..<3) == ["red", "größe", ""])
  }

  @Test func `large files are mapped, and tell the same`() throws {
    let path = try write(DataFiles.fortranNPY, "f.npy")
    let mapped = try FileRegion.open(path, mappingFrom: 16)
    #expect(mapped.isMapped)
    #expect(try FileRegion.open(path).isMapped == false)
    let array = try NPYReader.array(mapped, file: path)
    #expect(array.isMapped && array.columns(rows: 0..<2) == [[1.5, 4], [-2, 5], [3, 6.25]])
    let compressed = try write(DataFiles.gzippedCSV, "c.gz")
    #expect(try FileRegion.open(compressed, mappingFrom: 16).isMapped == false)
  }

  @Test func `images are flattened and find their labels`() throws {
    let images = DataFiles.idx((0..<12).map { 20 * $0 }, shape: [3, 2, 2])
    let path = try write(images, "t-images-idx3-ubyte")
    #expect(try Dataset(contentsOf: path).targetName == nil)
    _ = try write(DataFiles.idx([7, 8, 7], shape: [3]), "t-labels-idx1-ubyte")
    let dataset = try Dataset(contentsOf: path)
    #expect(dataset.targetName == "label" && dataset.rowCount == 3)
    #expect(
      rows(try dataset.table()) == [
        [0, 20, 40, 60, 7], [80, 100, 120, 140, 8], [160, 180, 200, 220, 7],
      ])
    let other = try write(DataFiles.idx([1, 2, 3], shape: [3]), "other")
    let chosen = try Dataset(contentsOf: path, options: .init(labelsPath: other))
    #expect(chosen.target?.number(2) == 3)
  }

  @Test func `what is compressed is decompressed, all members of it`() throws {
    let table = try Dataset(contentsOf: write(DataFiles.gzippedCSV, "t.csv.gz")).table()
    #expect(table.columnNames == ["a", "b"] && rows(table) == [[1, 2], [3, 4]])
    // The bytes tell, not the name.
    #expect(try Table(contentsOf: write(DataFiles.gzippedCSV, "t.csv")).rowCount == 2)
  }

  @Test func `the format can be given`() throws {
    let path = try write(DataFiles.npz, "a.bin")
    #expect(try Dataset(contentsOf: path, options: .init(format: .npz)).rowCount == 2)
  }

  @Test func `NaN is a missing cell`() throws {
    let file = DataFiles.npy(
      header: "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }",
      elements: [0, 0, 0xC0, 0x7F, 0, 0, 0x80, 0x3F])
    #expect(rows(try Dataset(contentsOf: write(file, "a.npy")).table()) == [[nil], [1]])
  }

  @Test func `a model of images takes images`() throws {
    let count = 60
    var pixels: [UInt8] = []
    var labels: [UInt8] = []
    for row in 0..<count {
      labels.append(UInt8(row % 2))
      pixels += (0..<4).map { UInt8((row * 37 + $0 * 11) % 50 + ($0 / 2 == row % 2 ? 150 : 0)) }
    }
    let path = try write(DataFiles.idx(pixels, shape: [count, 2, 2]), "a-images-idx3-ubyte")
    _ = try write(DataFiles.idx(labels, shape: [count]), "a-labels-idx1-ubyte")
    var options = TrainingOptions()
    options.width = 256
    options.epochs = 5
    let model = try TabularModel.train(
      on: try Dataset(contentsOf: path).table(), target: "label", options: options
    ).model
    #expect(try #require(model.evaluate(on: model.readTable(contentsOf: path)).accuracy) > 0.9)
    // The same rows without labels, in another format.
    let array = DataFiles.npy(pixels, shape: "(\(count), 4)")
    let bare = try model.readTable(contentsOf: write(array, "a.npy"))
    #expect(bare.columns.count == 4)
    #expect(try model.predict(bare) == model.predict(model.readTable(contentsOf: path)))
  }
}
