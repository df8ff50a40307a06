// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import Testing

@testable import HalfspaceIO

/// The last good checkpoint and the one before, whatever happens.
@Suite struct CheckpointFolderTests {
  private let folder = TemporaryFolder()

  private func name(_ steps: Int) -> String {
    "step-" + String(String(steps + 1_000_000_000_000).dropFirst()) + ".safetensors"
  }

  @Test func `the last two checkpoints are kept and the last is loaded`() throws {
    let path = folder.file("new/c")
    let checkpoints = try CheckpointFolder(path)
    #expect(try checkpoints.isEmpty)
    for steps in [2, 5, 11] { try checkpoints.save(CheckpointSample.state(0, steps: steps)) }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted() == [name(5), name(11)])
    let loaded = try checkpoints.load()
    #expect(loaded.state.counts.steps == 11 && loaded.skipped.isEmpty)
    #expect(loaded.path == "\(path)/\(name(11))")
    #expect(try !checkpoints.isEmpty)
  }

  @Test func `a damaged checkpoint makes way for the one before, and is passed`() throws {
    var checkpoints: CheckpointFolder? = try CheckpointFolder(folder.path)
    for steps in [5, 11] { try checkpoints?.save(CheckpointSample.state(0, steps: steps)) }
    var bytes = try FileBytes.read(folder.file(name(11)))
    bytes.removeLast(100)
    try AtomicFile.write(bytes, to: folder.file(name(11)))
    // What a killed process leaves, and what is somebody else's.
    try AtomicFile.write("half", to: folder.file(".halfspace-1234.tmp"))
    try AtomicFile.write("mine", to: folder.file("step-notes.safetensors"))
    checkpoints = nil

    checkpoints = try CheckpointFolder(folder.path)
    let loaded = try #require(try checkpoints?.load())
    #expect(loaded.state.counts.steps == 5)
    #expect(loaded.skipped.count == 1 && loaded.skipped[0] is SafetensorsError)
    // Nothing good is removed for a checkpoint before the damaged one.
    try checkpoints?.save(CheckpointSample.state(0, steps: 8))
    #expect(folder.names == [name(5), name(8), name(11), "step-notes.safetensors"])
    try checkpoints?.save(CheckpointSample.state(0, steps: 13))
    #expect(folder.names == [name(8), name(13), "step-notes.safetensors"])
  }

  @Test func `without a readable checkpoint the newest says why`() throws {
    let checkpoints = try CheckpointFolder(folder.path)
    var error = #expect(throws: CheckpointError.self) { try checkpoints.load() }
    #expect(error?.description == "there is no checkpoint in \(folder.path)")
    var file = try CheckpointSample.state(2, steps: 1).file()
    file.metadata["halfspace.checkpoint"] = "2"
    try file.write(to: folder.file(name(3)))
    try AtomicFile.write("", to: folder.file(name(2)))
    error = #expect(throws: CheckpointError.self) { try checkpoints.load() }
    #expect(error?.path == folder.file(name(3)))
    #expect(error?.reason == .version(found: "2", supported: "1"))
  }

  @Test func `two runs cannot share a folder`() throws {
    var first: CheckpointFolder? = try CheckpointFolder(folder.path)
    let error = #expect(throws: CheckpointError.self) { _ = try CheckpointFolder(folder.path) }
    #expect(error?.description == "\(folder.path) is in use by another run")
    try first?.save(CheckpointSample.state(2, steps: 1))
    first = nil
    #expect(try CheckpointFolder(folder.path).load().state.counts.steps == 1)
  }

  @Test func `a run that has diverged does not replace what is good`() throws {
    let checkpoints = try CheckpointFolder(folder.path)
    var state = try CheckpointSample.state(0, steps: 5)
    try checkpoints.save(state)
    state.counts.steps = 6
    state.hidden.rows[0, 0] = .nan
    #expect(throws: TrainingError.self) { try checkpoints.save(state) }
    #expect(folder.names == [name(5)])
  }

  @Test func `a folder that cannot be made or used is refused`() throws {
    try AtomicFile.write("x", to: folder.file("file"))
    for path in [folder.file("file"), folder.file("file/c"), "/proc/none"] {
      let error = #expect(throws: FileError.self) { _ = try CheckpointFolder(path) }
      #expect(error?.path == path && error?.reason.isEmpty == false)
    }
  }

  // The administrator may write everywhere.
  @Test(.enabled(if: getuid() != 0, "runs as an ordinary user only"))
  func `a read-only folder is refused before anything is computed`() throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder.path)
    let error = #expect(throws: FileError.self) { _ = try CheckpointFolder(folder.path) }
    #expect(error?.reason == "Permission denied")
  }

  @Test func `when there is no room the checkpoints that are there stay`() async {
    // In a process of its own, where no file may grow beyond 2000 bytes.
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      let checkpoints = try CheckpointFolder(folder.path)
      for steps in [5, 6] { try checkpoints.save(CheckpointSample.state(0, steps: steps)) }
      let names = folder.names
      let bytes = try names.map { try FileBytes.read(folder.file($0)) }
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 2000, rlim_max: 2000)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let error = #expect(throws: SafetensorsError.self) {
        try checkpoints.save(CheckpointSample.state(0, steps: 7))
      }
      let after = try names.map { try FileBytes.read(folder.file($0)) }
      let steps = try checkpoints.load().state.counts.steps
      let isRight =
        error?.reason == .unwritable("File too large") && folder.names == names
        && after == bytes && steps == 6
      if !isRight { exit(EXIT_FAILURE) }
    }
  }
}
