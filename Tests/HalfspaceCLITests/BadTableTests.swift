// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Tables that nothing can be learned from or predicted for: one sentence that names the place,
/// and no file.
@Suite struct BadTableTests {
  /// A table and what is wrong with it.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String?
    let options: [String]
    let sentence: String

    init(_ name: String, _ text: String?, _ sentence: String) {
      self.init(name, text, [], sentence)
    }

    init(_ name: String, _ text: String?, _ options: [String], _ sentence: String) {
      testDescription = name
      self.text = text
      self.options = options
      self.sentence = sentence
    }
  }

  private static let identifiers =
    "id,a,y\n" + (0..<100).map { "u\($0)x,\($0 % 7),\($0 % 2)\n" }.joined()

  @Test(arguments: [
    Case("missing file", nil, "cannot read t.csv: No such file or directory"),
    Case("empty file", "", "t.csv: the file is empty"),
    Case("blank lines", "\n \n\n", "t.csv: the file is empty"),
    Case("header only", "a,b,y\n", "t.csv: there are no rows below the header"),
    Case(
      "short row", "a,b,y\n1,2,3\n4,5\n1,2,3\n", "t.csv, line 3: expected 3 fields, found 2"),
    Case("long row", "a,b,y\n1,2,3\n4,5,6,7\n", "t.csv, line 3: expected 3 fields, found 4"),
    Case(
      "open quote", "a,b,y\n1,2,3\n4,\"5,6\n",
      "t.csv, line 3, column \"b\": the quoted field that begins here is never closed"),
    Case(
      "missing target column", "a,b\n1,2\n3,4\n",
      "t.csv, column \"y\": there is no such column; there are \"a\", \"b\""),
    Case(
      "missing target cell", "a,b,y\n1,2,x\n3,4,\n5,6,z\n",
      "t.csv, line 3, column \"y\": the target is missing"),
    Case(
      "NaN", "a,b,y\n1,2,x\n3,nan,z\n",
      "t.csv, line 3, column \"b\": expected a finite number, "
        + "found \"nan\""),
    Case(
      "infinity", "a,b,y\n1,-inf,x\n3,4,z\n",
      "t.csv, line 2, column \"b\": expected a finite number, found \"-inf\""),
    Case(
      "number beyond the range", "a,b,y\n1,2,x\n1e999,4,z\n",
      "t.csv, line 3, column \"a\": expected a finite number, found \"1e999\""),
    Case(
      "NaN as a target", "a,b,y\n1,2,1.5\n3,4,NaN\n",
      "t.csv, line 3, column \"y\": expected a finite number, found \"NaN\""),
    Case(
      "text as a number", "a,b,y\n1,2,1.5\n3,4,tall\n", ["--task", "regression"],
      "t.csv, line 3, column \"y\": expected a number, found \"tall\""),
    Case(
      "single class", "a,y\n1,x\n2,x\n3,x\n",
      "t.csv, column \"y\": every row has the class \"x\", so there is nothing to learn"),
    Case(
      "constant target", "a,y\n1,7\n2,7\n3,7\n", ["--task", "regression"],
      "t.csv, column \"y\": every row has the target 7, so there is nothing to learn"),
    Case(
      "one row", "a,y\n1,x\n",
      "t.csv, column \"y\": every row has the class \"x\", so there is nothing to learn"),
    Case(
      "two rows", "a,y\n1,x\n2,z\n",
      "cannot train: 2 rows of 2 classes are too few to hold a share of 0.2 out as a test; a test "
        + "fraction of 0 trains on all"),
    Case(
      "two rows of numbers", "a,y\n1,1.5\n2,2.5\n", ["--task", "regression"],
      "cannot train: 2 rows are too few to hold a share of 0.2 out as a test; a test fraction of "
        + "0 trains on all"),
    Case(
      "constant features", "a,b,y\n1,k,1\n1,k,2\n1,k,1\n1,k,2\n",
      "t.csv: no column distinguishes the rows, so there is nothing to learn from"),
    Case(
      "only a target", "y\n1\n2\n1\n2\n1\n",
      "t.csv: no column distinguishes the rows, so there is nothing to learn from"),
    Case(
      "identifiers", identifiers,
      "t.csv, column \"id\": 80 different texts in 80 rows, more than the 50 that can be "
        + "categories; drop the column (--drop COLUMN)"),
    Case(
      "a class for every row", identifiers, ["--target", "id"],
      "cannot train: 100 rows of 100 classes are too few to hold a share of 0.2 out as a test; a "
        + "test fraction of 0 trains on all"),
    Case(
      "dropping what is not there", "a,y\n1,x\n2,z\n", ["--drop", "b"],
      "t.csv, column \"b\": there is no such column; there are \"a\", \"y\""),
    Case(
      "two columns of one name", "a,a,y\n1,2,x\n2,3,z\n",
      "t.csv, column \"a\": columns 1 and 2 have the same name"),
    Case(
      "no text", "a,y\n1,x\u{0}\n",
      "t.csv: expected a text table, but it holds NUL bytes"),
  ])
  func `training refuses`(_ bad: Case) throws {
    let workspace = try Workspace()
    if let text = bad.text { try workspace.write(text, "t.csv") }
    let target = bad.options.contains("--target") ? [] : ["--target", "y"]
    try workspace.fail(
      ["train", "t.csv"] + target + SampleText.short + bad.options, bad.sentence)
  }

  @Test func `a folder is no table`() throws {
    let workspace = try Workspace()
    try FileManager.default.createDirectory(
      atPath: workspace.file("t.csv"), withIntermediateDirectories: false)
    try workspace.fail(
      ["train", "t.csv", "--target", "y"], "cannot read t.csv: Is a directory")
  }

  @Test func `predicting and evaluating refuse what training never saw`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m"] + SampleText.short)
    let header = "\"size, cm\",color,\"a \"\"shape\"\"\",kind\n"
    func refuse(
      _ command: String, _ rows: String, _ sentence: String,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      try workspace.write(rows, "new.csv")
      try workspace.fail([command, "m", "new.csv"], sentence, sourceLocation: sourceLocation)
    }
    for command in ["predict", "evaluate"] {
      try refuse(
        command, header + "1,red,round,pear\nsmall,red,round,pear\n",
        "new.csv, line 3, column \"size, cm\": expected a number, found \"small\"")
      try refuse(
        command, header + "1,red,round,pear\n\n1,red,round,pear\n",
        "new.csv, line 3: expected 4 fields, found a blank line")
      try refuse(
        command, header + "1,red,round,pear\n1,pink,round,pear\n",
        "new.csv, line 3, column \"color\": the training rows had no \"pink\" here, only "
          + "\"blue\", \"dark, green\", \"red\"; --ignore-unknown lets it count as no category")
      try refuse(
        command, header + "1,red,,pear\n",
        "new.csv, line 2, column \"a \"shape\"\": the cell is empty, and a column of categories "
          + "without empty cells in training needs one; --ignore-unknown lets it count as no "
          + "category")
      try refuse(
        command, header + "inf,red,round,pear\n",
        "new.csv, line 2, column \"size, cm\": expected a finite number, found \"inf\"")
      try refuse(
        command, "color,kind\nred,pear\n",
        "new.csv: the training table's columns \"size, cm\", \"a \"shape\"\" are not in this table")
      try refuse(command, header, "new.csv: there are no rows below the header")
      try refuse(command, "", "new.csv: the file is empty")
    }
    try refuse(
      "evaluate", header + "1,red,round,pear\n1,red,round,quince\n",
      "new.csv, line 3, column \"kind\": the training rows had no class \"quince\", only "
        + "\"apple, sour\", \"pear\", \"plum\"")
    try refuse(
      "evaluate", header + "1,red,round,\n",
      "new.csv, line 2, column \"kind\": the target is missing")
    try refuse(
      "evaluate", "\"size, cm\",color,\"a \"\"shape\"\"\"\n1,red,round\n",
      "new.csv, column \"kind\": there is no such column; there are \"size, cm\", \"color\", "
        + "\"a \"shape\"\"")
    try workspace.fail(
      ["predict", "m", "none.csv"], "cannot read none.csv: No such file or directory")
  }

  @Test func `a model of numbers wants numbers to be judged by`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.numbers, "numbers.csv")
    try workspace.succeed(
      ["train", "numbers.csv", "--target", "y", "--output", "m"] + SampleText.short)
    try workspace.write("a,b,y\n0,1,2\n0,1,many\n", "new.csv")
    try workspace.fail(
      ["evaluate", "m", "new.csv"],
      "new.csv, line 3, column \"y\": expected a number, found \"many\"")
  }
}
