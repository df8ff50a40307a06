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

  /// For a table that has the given columns.
  func options(knownColumns: Set<String> = []) -> Dataset.Options {
    Dataset.Options(
      format: format, csv: .init(knownColumns: knownColumns), labelsPath: labels)
  }
}

extension Dataset {
  /// The column to predict: the given one, or the one that the file tells.
  func target(_ given: String?, of table: Table) throws(ConfigurationError) -> String {
    guard let target = given ?? targetName else {
      throw ConfigurationError.invalid(
        "\(table.name) does not tell what to predict; --target names the column, one of "
          + table.columnNames.prefix(20).joined(separator: ", ")
          + (table.columnNames.count > 20 ? ", ..." : ""))
    }
    return target
  }
}
