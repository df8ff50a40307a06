// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import HalfspaceIO

@Suite struct AtomicFileTests {
  private let folder = TemporaryFolder()

  @Test func `a file appears with all its bytes and nothing beside it`() throws {
    let path = folder.file("a.bin")
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try AtomicFile.write(bytes, to: path)
    #expect(try FileBytes.read(path) == bytes)
    #expect(folder.names == ["a.bin"])
  }

  @Test func `chunks are written one after the other`() throws {
    let path = folder.file("a.txt")
    let chunks: [[UInt8]] = [Array("one ".utf8), [], Array("two".utf8)]
    try AtomicFile.write(chunks: chunks.lazy.map { $0 }, to: path)
    #expect(try FileBytes.read(path) == Array("one two".utf8))
    try AtomicFile.write("", to: path)
    #expect(try FileBytes.read(path).isEmpty)
  }

  @Test func `an existing file is replaced and keeps its permissions`() throws {
    let path = folder.file("a.txt")
    try AtomicFile.write("a longer first version", to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    try AtomicFile.write("second", to: path)
    #expect(try FileBytes.read(path) == Array("second".utf8))
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o640)
  }

  @Test func `a symbolic link keeps pointing at the file that is written`() throws {
    let (path, link) = (folder.file("a.txt"), folder.file("link"))
    try AtomicFile.write("first", to: path)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    try AtomicFile.write("second", to: link)
    #expect(try FileBytes.read(path) == Array("second".utf8))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
  }

  @Test func `a reader that has the file open keeps the old contents`() throws {
    let path = folder.file("a.txt")
    try AtomicFile.write("first", to: path)
    let reader = try #require(FileHandle(forReadingAtPath: path))
    try AtomicFile.write("second", to: path)
    #expect(try reader.readToEnd() == Data("first".utf8))
  }

  @Test func `a missing folder, a folder in the way and a name too long are refused`() {
    var error = #expect(throws: FileError.self) {
      try AtomicFile.write("x", to: folder.file("no/a.txt"))
    }
    #expect(
      error?.description
        == "cannot write \(folder.file("no/a.txt")): No such file or directory")
    error = #expect(throws: FileError.self) { try AtomicFile.write("x", to: folder.path) }
    #expect(error?.reason == "Is a directory")
    error = #expect(throws: FileError.self) {
      try AtomicFile.write("x", to: folder.file(String(repeating: "n", count: 300)))
    }
    #expect(error?.reason == "File name too long")
    error = #expect(throws: FileError.self) { try AtomicFile.write("x", to: "") }
    #expect(error?.operation == .write)
    #expect(folder.names.isEmpty)
  }

  // The administrator may write everywhere.
  @Test(.enabled(if: getuid() != 0, "runs as an ordinary user only"))
  func `a folder without write permission is refused`() throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder.path)
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write("x", to: folder.file("a.txt"))
    }
    #expect(error?.reason == "Permission denied")
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func `a full device is reported with path and reason`() {
    let error = #expect(throws: FileError.self) { try AtomicFile.write("x", to: "/dev/full") }
    #expect(error?.description == "cannot write /dev/full: No space left on device")
  }

  @Test func `a device is written to and stays a device`() throws {
    try AtomicFile.write("x", to: "/dev/null")
    let attributes = try FileManager.default.attributesOfItem(atPath: "/dev/null")
    #expect(attributes[.type] as? FileAttributeType == .typeCharacterSpecial)
  }

  @Test func `a write that fails half-way leaves the old file and nothing else`() async {
    // In a process of its own, where no file may grow beyond 1000 bytes.
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      let path = folder.file("a.bin")
      try AtomicFile.write("old", to: path)
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let error = #expect(throws: FileError.self) {
        try AtomicFile.write([UInt8](repeating: 7, count: 100_000), to: path)
      }
      let contents = try FileBytes.read(path)
      let isRight =
        error?.reason == "File too large" && folder.names == ["a.bin"]
        && contents == Array("old".utf8)
      if !isRight { exit(EXIT_FAILURE) }
    }
  }

  @Test func `a pipe can be read to its end`() throws {
    let pipe = Pipe()
    let bytes = [UInt8](repeating: 5, count: 10_000)
    pipe.fileHandleForWriting.write(Data(bytes))
    try pipe.fileHandleForWriting.close()
    let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
    #expect(try FileBytes.read(path) == bytes)
  }
}
