// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Halfspace
internal import HalfspaceMPI

/// `--threads`.
struct ThreadOption: ParsableArguments {
  @Option(
    name: .customLong("threads"), parsing: .unconditional,
    help: ArgumentHelp("Number of threads; results do not depend on it.", valueName: "n"))
  var count: Int = max(1, ThreadCount.available / ProcessGroup.launchedHereCount)

  func validate() throws {
    guard (1...1024).contains(count) else {
      throw ValidationError("--threads must be between 1 and 1024.")
    }
  }
}
