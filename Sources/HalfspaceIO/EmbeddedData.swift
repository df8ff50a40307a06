// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Real data that comes with the package.
public enum EmbeddedData {
  /// Handwritten digits: 1,797 rows of 64 pixels (`pixel0` ... `pixel63`, 0 to 16) and the column
  /// `digit`.
  ///
  /// E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
  /// Repository, 1998, <https://doi.org/10.24432/C50P49>, CC BY 4.0; the test part.
  ///
  /// - Throws: `TableError` when the package's resources are not beside the executable.
  public static var digits: Table {
    get throws(TableError) { try Table(contentsOf: path(of: "digits.csv")) }
  }

  /// Where the resource called `name` is, or should be.
  ///
  /// The accessor that the package manager generates (`Bundle.module`) looks in the same place, but
  /// kills the process when nothing is there.
  private static func path(of name: String) -> String {
    let executable = Bundle.main.executableURL?.resolvingSymlinksInPath()
    let folders = [Bundle.main.bundleURL, executable?.deletingLastPathComponent()]
    let candidates = folders.compactMap { folder in
      folder?.appendingPathComponent("halfspace_HalfspaceIO.resources/\(name)").path
    }
    return candidates.first(where: FileManager.default.fileExists(atPath:)) ?? candidates[0]
  }
}
