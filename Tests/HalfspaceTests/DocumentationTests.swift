// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Documents show code that compiles, and name files that are there.
@Suite struct DocumentationTests {
  private static let exampleFiles = ["ReadmeExamples.swift", "ArticleExamples.swift"]

  @Test func `every Swift example of the documents is compiled here, letter by letter`() throws {
    let compiled = Set(try Documents.compiledExamples(in: Self.exampleFiles))
    var shown: Set<String> = []
    for (path, document) in try Documents.all() {
      for block in Documents.swiftBlocks(in: document) {
        // An import stands at the head of a file, not in an example's function.
        let block = block.replacingOccurrences(of: "import Halfspace\n\n", with: "")
        #expect(
          compiled.contains(block), "\(path) shows an example that is not compiled:\n\(block)")
        shown.insert(block)
      }
    }
    #expect(shown.count >= 8)
    for example in compiled.subtracting(shown) {
      Issue.record("an example is compiled but shown nowhere:\n\(example)")
    }
  }

  @Test func `links between documents and to results lead to files`() throws {
    let documents = try Documents.all()
    let articles = Set(
      documents.keys.map { String($0.split(separator: "/").last!.dropLast(".md".count)) })
    for (path, document) in documents {
      for match in document.matches(of: /<doc:([A-Za-z]+)>/) {
        #expect(articles.contains(String(match.1)), "\(path) names the article \(match.1)")
      }
      for match in document.matches(of: /\]\(((?:Benchmarks|Sources|Tests)\/[^)]+)\)/) {
        #expect(throws: Never.self, "\(path) links to \(match.1)") {
          try Documents.text(String(match.1))
        }
      }
    }
  }
}
