// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Text tables that are read as they are needed: `--stream`, `--scratch`.
@Suite struct StreamedTableTests {
  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    return workspace
  }

  private static let train =
    ["train", "kinds.csv", "--target", "kind", "--quiet"] + SampleText.short

  @Test func `the model does not depend on how rows are read, and no file stays behind`() throws {
    let workspace = try workspace()
    try workspace.succeed(Self.train)
    try workspace.succeed(
      Self.train + ["--stream", "--output", "streamed"], environment: ["TMPDIR": workspace.path])
    #expect(try workspace.bytes("model.safetensors") == workspace.bytes("streamed"))
    #expect(workspace.names == ["kinds.csv", "model.safetensors", "streamed"])
    let evaluate = ["evaluate", "streamed", "kinds.csv"]
    let whole = try workspace.succeed(evaluate).output
    let rows = try workspace.succeed(evaluate + ["--stream", "--scratch", "."]).output
    #expect(whole == rows)
  }

  @Test(arguments: ["", " --stream"]) func `a pipe is opened once`(flag: String) throws {
    let workspace = try workspace()
    let command = (["train", "pipe"] + Self.train.dropFirst(2)).joined(separator: " ") + flag
    let result = try workspace.shell(
      "mkfifo pipe; cat kinds.csv > pipe & \"$HALFSPACE\" \(command)")
    #expect(result.status == 0 && !result.isCrash, "\(result.errors)")
    #expect(workspace.names.contains("model.safetensors"))
  }

  @Test func `a temporary file for which there is no room or folder is reported`() throws {
    let workspace = try workspace()
    try workspace.fail(
      Self.train + ["--stream", "--scratch", "nowhere"],
      "cannot write a temporary file in nowhere: No such file or directory")
    // Blocks of 512 bytes.
    let command = (Self.train + ["--stream", "--scratch", "."]).joined(separator: " ")
    let full = try workspace.shell("ulimit -f 2; \"$HALFSPACE\" \(command)")
    #expect(full.status == 1)
    #expect(full.errors == "halfspace: cannot write a temporary file in .: File too large\n")
    #expect(workspace.names == ["kinds.csv"])
  }
}
