// SPDX-License-Identifier: Apache-2.0

/// Formats of files with rows to learn from.
///
/// Any of them may be compressed with gzip, which is recognized by the bytes of the file.
public enum DataFormat: String, Sendable, Codable, CaseIterable {
  /// Delimited text with or without a header: CSV, TSV and their like.
  case csv
  /// Sparse text, `label index:value index:value ...`: libsvm, svmlight.
  case libsvm
  /// Arrays of bytes or numbers as MNIST is distributed in, images and labels in a file each.
  case idx
  /// An array of NumPy.
  case npy
  /// A zip archive of arrays of NumPy, as `numpy.savez` writes.
  case npz

  /// The format that a path's extension stands for, `.gz` aside; text tables when it is not known.
  public init(path: String) {
    var name = (path.split(separator: "/").last ?? "").lowercased()
    if name.hasSuffix(".gz") { name.removeLast(3) }
    // MNIST: train-images-idx3-ubyte, sometimes with a dot for the last dash.
    if name.hasSuffix("-ubyte") || name.hasSuffix(".ubyte") {
      self = .idx
      return
    }
    switch name.split(separator: ".").last ?? "" {
    case "libsvm", "svm", "svmlight": self = .libsvm
    case "idx": self = .idx
    case "npy": self = .npy
    case "npz": self = .npz
    default: self = .csv
    }
  }
}
