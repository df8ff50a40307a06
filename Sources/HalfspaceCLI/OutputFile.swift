// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Halfspace

/// Where a result goes.
enum OutputFile {
  /// Checks before any work is done that the outputs can be written and would not replace an input
  /// or each other.
  ///
  /// - Throws: `FileError`.
  static func check(_ outputs: [String?], inputs: [String]) throws {
    var taken = inputs.map { (identity($0), "it is an input") }
    for output in outputs.compactMap({ $0 }) {
      try AtomicFile.checkWritable(output)
      let place = identity(output)
      if let (_, reason) = taken.first(where: { $0.0 == place }), isReplaced(output) {
        throw FileError(path: output, operation: .write, reason: reason)
      }
      taken.append((place, "it is named for two outputs"))
    }
  }

  /// The file that a path leads to, links followed; it need not exist.
  private static func identity(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
  }

  /// Whether writing would put a new file in place of what is there: not so for pipes and devices.
  private static func isReplaced(_ path: String) -> Bool {
    let type =
      try? FileManager.default
      .attributesOfItem(atPath: identity(path))[.type] as? FileAttributeType
    return type == nil || type == .typeRegular
  }
}
