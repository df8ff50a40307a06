// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Halfspace

/// `--format` and `--labels`: what a file of rows is.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The format of the rows; by default as the file's extension says.", valueName: "format"))
  var format: DataFormat?

  @Option(
    help: ArgumentHelp(
      "The labels of a file of images (IDX). (default: beside it, named as MNIST does)",
      valueName: "file"))
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "A file with the target of every row (NPY or IDX), for rows that have none of their own.",
      valueName: "file"))
  var targets: String?

  /// The files that are read beside the rows.
  var files: [String] { [labels, targets].compactMap { $0 } }

  /// For a table that has the given columns.
  func options(knownColumns: Set<String> = []) -> Dataset.Options {
    Dataset.Options(
      format: format, csv: .init(knownColumns: knownColumns), labelsPath: labels,
      targetsPath: targets)
  }
}
