// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import Testing

/// What `AtomicFile.checkWritable` promises about a later write.
@Suite struct AtomicFileCheckTests {
  @Test func `new files, old files and devices can be written, and nothing is changed`() throws {
    let folder = TemporaryFolder()
    try AtomicFile.write("old", to: folder.file("old"))
    for path in [folder.file("m"), folder.file("old"), "/dev/null"] {
      try AtomicFile.checkWritable(path)
    }
    #expect(folder.names == ["old"])
    #expect(try String(contentsOfFile: folder.file("old"), encoding: .utf8) == "old")
  }

  @Test(arguments: ["m", "model", "./m", "a.b.c"])
  func `names without a folder are in the current one`(name: String) throws {
    try AtomicFile.checkWritable(name)
  }

  @Test func `what a write would refuse is refused at once, in the same words`() throws {
    let folder = TemporaryFolder()
    try AtomicFile.write("a file", to: folder.file("file"))
    for path in ["", folder.path, folder.file("none/m"), folder.file("file/m"), "/"] {
      let checked = #expect(throws: FileError.self) { try AtomicFile.checkWritable(path) }
      let written = #expect(throws: FileError.self) { try AtomicFile.write("new", to: path) }
      #expect(checked == written)
    }
    #expect(folder.names == ["file"])
  }
}
