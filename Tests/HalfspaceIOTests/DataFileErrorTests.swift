// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import Testing
import _HalfspaceTestSupport

/// Files that are refused, and what is said about them.
@Suite struct DataFileErrorTests {
  private let folder = TemporaryFolder()

  private func refusal(
    _ bytes: [UInt8], _ name: String, options: Dataset.Options = .init()
  ) throws -> String {
    let path = folder.file(name)
    try AtomicFile.write(bytes, to: path)
    let error = #expect(throws: DataFileError.self) {
      _ = try Dataset(contentsOf: path, options: options).table()
    }
    return (error?.description ?? "").replacing(folder.path + "/", with: "")
  }

  private func npy(_ descr: String, _ shape: String, _ count: Int) -> [UInt8] {
    DataFiles.npy(
      header: "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }\n",
      elements: [UInt8](repeating: 1, count: count))
  }

  @Test func `arrays that do not hold what they say`() throws {
    #expect(
      try refusal(Array("a,b\n".utf8), "a.npy")
        == "a.npy: expected an array of NumPy, which begins with \\x93NUMPY")
    #expect(
      try refusal(npy("<f8", "(3, 2)", 40), "a.npy")
        == "a.npy: shape [3, 2] of \"<f8\" takes 48 bytes, there are 40")
    #expect(
      try refusal(npy("<f8", "(3037000500, 3037000500, 8)", 8), "a.npy")
        == "a.npy: shape [3037000500, 3037000500, 8] of \"<f8\" takes more bytes than there can be,"
        + " there are 8")
    #expect(
      try refusal(npy("<f8", "(1000000000000, 0)", 0), "a.npy")
        == "a.npy: shape [1000000000000, 0]: there are no elements")
    #expect(
      try refusal(npy("<c16", "(1,)", 16), "a.npy")
        == "a.npy: elements of type \"<c16\"; booleans, integers, floats of 4 or 8 bytes and texts "
        + "are taken")
    #expect(
      try refusal(npy("<f4", "()", 4), "a.npy")
        == "a.npy: an array of 0 dimensions; expected rows and columns")
    #expect(
      try refusal(npy("<U1", "(1,)", 4), "a.npy")
        == "a.npy: features that are texts; expected numbers")
    for header in [
      "", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': No, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': True, 'shape': (-1,)}",
      "{'descr': '<f4', 'fortran_order': True, 'shape': (99999999999999999999,)}",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': True, 'shape': (1,)}",
      "{'descr': [('a', '<f4')], 'fortran_order': True, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': True, 'shape': (1,)} x", "{'descr': '",
    ] {
      #expect(
        try refusal(DataFiles.npy(header: header, elements: [0, 0, 0, 0]), "a.npy")
          == "a.npy: the header is not the dictionary of descr, fortran_order and shape that it "
          + "should be", "\(header)")
    }
    var long = DataFiles.npy([1], shape: "(1,)")
    (long[8], long[9]) = (0xFF, 0xFF)
    #expect(try refusal(long, "a.npy") == "a.npy: the file ends within the header")
    long[6] = 9
    #expect(
      try refusal(long, "a.npy") == "a.npy: version 9 of the NPY format; 1 to 3 are known")
    let infinite = DataFiles.npy(
      header: "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }",
      elements: [0, 0, 0x80, 0x7F])
    #expect(
      try refusal(infinite, "a.npy") == "a.npy: the element in row 1, column 1 is infinite")
  }

  @Test func `archives that are damaged`() throws {
    #expect(
      try refusal(Array("no archive".utf8), "a.npz")
        == "a.npz: expected a zip archive, which ends with a directory")
    for cut in stride(from: 1, to: DataFiles.npz.count, by: 7) {
      #expect(try refusal(Array(DataFiles.npz.dropLast(cut)), "a.npz").hasPrefix("a.npz"))
    }
    var wrong = DataFiles.npz
    wrong[60] ^= 1
    #expect(
      try ["a.npz, X.npy: the compressed data are damaged", "a.npz, X.npy: the checksum is wrong"]
        .contains(refusal(wrong, "a.npz")))
  }

  @Test func `images and labels that do not fit`() throws {
    let images = DataFiles.idx([1, 2, 3, 4], shape: [2, 2])
    #expect(
      try refusal(Array(images.dropLast()), "a.idx")
        == "a.idx: shape [2, 2] takes 4 bytes, there are 3")
    #expect(
      try refusal(DataFiles.idx([], shape: [-1, -1, -1, -1]), "a.idx")
        .hasSuffix("takes more bytes than there can be, there are 0"))
    #expect(
      try refusal(DataFiles.idx([1], shape: [1], type: 7), "a.idx")
        == "a.idx: 7 stands for no type of elements")
    #expect(
      try refusal([1, 2, 3], "a.idx")
        == "a.idx: expected an IDX file, which begins with two zero bytes")
    #expect(try refusal([0, 0, 8, 200], "a.idx") == "a.idx: the file ends within the header")
    let labels = folder.file("l.idx")
    try AtomicFile.write(DataFiles.idx([1, 2, 3], shape: [3]), to: labels)
    #expect(
      try refusal(images, "a.idx", options: .init(labelsPath: labels))
        == "l.idx: 3 targets \"label\" for 2 rows of features")
    try AtomicFile.write(images, to: labels)
    #expect(
      try refusal(images, "a.idx", options: .init(labelsPath: labels))
        == "l.idx: targets \"label\" of 2 columns; expected one")
    #expect(
      try refusal(images, "b.idx", options: .init(labelsPath: "/nowhere"))
        == "cannot read /nowhere: No such file or directory")
  }

  @Test func `compressed files that are damaged`() throws {
    for cut in 1..<30 {
      let path = folder.file("t.csv.gz")
      try AtomicFile.write(Array(DataFiles.gzippedCSV.dropLast(cut)), to: path)
      guard cut != 24 else { continue }  // exactly one whole member
      let error = #expect(throws: TableError.self) { try Dataset(contentsOf: path) }
      #expect(error?.description == "cannot read \(path): the compressed data end too early")
    }
    var wrong = DataFiles.gzippedCSV
    wrong[12] ^= 0x55
    let path = folder.file("w.csv.gz")
    try AtomicFile.write(wrong, to: path)
    let error = #expect(throws: TableError.self) { try Dataset(contentsOf: path) }
    #expect(error?.description == "cannot read \(path): the compressed data are damaged")
  }
}
