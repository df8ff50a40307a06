// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// The command line tool. Standard output is data, standard error is talk.
@main
struct HalfspaceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "halfspace",
    abstract: "Trains and serves very wide shifted-ReLU networks on tables, exactly.",
    version: Version.current,
    subcommands: [
      Train.self, Tune.self, Evaluate.self, Predict.self, Serve.self, Inspect.self, Export.self,
      Plan.self, Demo.self,
    ])
}
