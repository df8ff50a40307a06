// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Halfspace

/// `--format`, `--labels` and their like: what a file of rows is, and how it is read.
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
      "A file with the target of every row (NPY or IDX), or with ones and zeros in a column for each "
        + "label, for rows that have none of their own.",
      valueName: "file"))
  var targets: String?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Read rows as they are needed, text through a temporary file of rows, or keep all in memory. "
        + "(default: by size)"))
  var stream: Bool?

  @Option(
    help: ArgumentHelp(
      "The folder for that temporary file. (default: TMPDIR, or /var/tmp)", valueName: "folder"))
  var scratch: String?

  /// The files that are read beside the rows.
  var files: [String] { [labels, targets].compactMap { $0 } }

  /// For a table that has the given columns.
  func options(knownColumns: Set<String> = []) -> Dataset.Options {
    var options = Dataset.Options(
      format: format, csv: .init(knownColumns: knownColumns), labelsPath: labels,
      targetsPath: targets)
    options.streams = stream
    options.scratchFolder = scratch
    return options
  }
}
