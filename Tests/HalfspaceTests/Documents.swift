// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The documents of the repository and the code in them.
enum Documents {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The README and the articles, by path from the root.
  static func all() throws -> [String: String] {
    let catalog = "Sources/Halfspace/Halfspace.docc"
    let articles = try FileManager.default
      .contentsOfDirectory(atPath: root.appendingPathComponent(catalog).path)
      .filter { $0.hasSuffix(".md") }.map { "\(catalog)/\($0)" }
    return try Dictionary(
      uniqueKeysWithValues: (articles + ["README.md"]).map { path in
        (path, try text(path))
      })
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The blocks of Swift code in a document, without their fences.
  static func swiftBlocks(in document: String) -> [String] {
    document.components(separatedBy: "```swift\n").dropFirst().map {
      String($0[..<($0.range(of: "```")?.lowerBound ?? $0.endIndex)])
    }
  }

  /// What stands between the lines `// Example` and `// End` of the given source files of this folder,
  /// without their indentation.
  static func compiledExamples(in files: [String]) throws -> [String] {
    var examples: [String] = []
    for file in files {
      var open: [Substring]?
      for line in try text("Tests/HalfspaceTests/\(file)").split(
        separator: "\n", omittingEmptySubsequences: false)
      {
        switch line.trimmingCharacters(in: .whitespaces) {
        case "// Example": open = []
        case "// End":
          let lines = open ?? []
          let indent = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
          examples.append(lines.map { $0.dropFirst(indent) + "\n" }.joined())
          open = nil
        default: open?.append(line)
        }
      }
    }
    return examples
  }
}
