// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// `--target`: what is to be predicted.
struct TargetOption: ParsableArguments {
  @Option(
    name: .customLong("target"),
    help: ArgumentHelp(
      "The column to predict. Needed unless the file tells it. Given several times: columns of ones "
        + "and zeros, one for each label, of which a row may have any number.",
      valueName: "column"))
  var columns: [String] = []
}
