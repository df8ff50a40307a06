// SPDX-License-Identifier: Apache-2.0

/// Reads archives of NumPy's arrays, as `numpy.savez` and `savez_compressed` write them.
enum NPZReader {
  /// The arrays by name, in the order of the archive.
  static func arrays(
    _ bytes: [UInt8], file: String
  ) throws(DataFileError) -> [(name: String, array: NumericArray)] {
    let archive = try ZipArchive(bytes, file: file)
    var arrays: [(name: String, array: NumericArray)] = []
    for member in archive.members where member.name.hasSuffix(".npy") {
      let name = String(member.name.dropLast(4))
      guard !arrays.contains(where: { $0.name == name }) else {
        throw DataFileError(
          file: file, place: member.name, reason: .inconsistent("the name occurs twice"))
      }
      arrays.append(
        (
          name,
          try NPYReader.array(
            FileRegion(try archive.contents(member)), file: file, place: member.name)
        ))
    }
    guard !arrays.isEmpty else {
      throw DataFileError(file: file, reason: .malformed("there are no arrays in the archive"))
    }
    return arrays
  }

  /// Which of the arrays are features and which, if any, the target: `X` and `y`, `x` and `y`,
  /// `data` and `target`, `images` and `labels`; or one array alone; or two of which one has a
  /// single column.
  static func roles(
    _ arrays: [(name: String, array: NumericArray)], file: String
  ) throws(DataFileError) -> (features: Int, target: Int?) {
    if arrays.count == 1 { return (0, nil) }
    let featureNames = ["x", "data", "features", "images", "x_train", "train_x"]
    let targetNames = ["y", "target", "targets", "label", "labels", "y_train", "train_y"]
    func position(of names: [String]) -> Int? {
      names.lazy.compactMap { name in arrays.firstIndex { $0.name.lowercased() == name } }.first
    }
    if let features = position(of: featureNames) { return (features, position(of: targetNames)) }
    let single = arrays.indices.filter { arrays[$0].array.shape.dropFirst().allSatisfy { $0 == 1 } }
    guard arrays.count == 2, single.count == 1 else {
      let names = arrays.map { "\"\($0.name)\"" }.joined(separator: ", ")
      throw DataFileError(
        file: file,
        reason: .inconsistent(
          "which of the arrays \(names) are the rows is not clear; expected \"X\" and \"y\""))
    }
    return (1 - single[0], single[0])
  }
}
