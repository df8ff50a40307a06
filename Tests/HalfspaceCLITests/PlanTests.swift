// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// `halfspace plan`, and `halfspace train --paper`, which runs a plan.
@Suite struct PlanTests {
  /// Equal up to what reading a number back may lose.
  private func isNear(_ a: Double?, _ b: Double) -> Bool {
    a.map { abs($0 - b) <= 1e-14 * abs(b) } ?? false
  }

  @Test func `a plan from numbers is the library's`() throws {
    let workspace = try Workspace()
    let plan = try ConvergencePlan(norm: 4, epsilon: 0.05, dimension: 16)
    let output = try workspace.succeed([
      "plan", "--norm", "4", "--epsilon", "0.05", "--dimension", "16", "--report", "p.json",
    ]).output
    #expect(output.contains("3,200"))
    let report = try Report(workspace.file("p.json"))
    for (name, value) in [
      ("width", Double(plan.width)), ("steps", Double(plan.steps)), ("threshold", plan.threshold),
      ("learningRate", plan.learningRate), ("outputScale", plan.outputScale),
      ("indexMargin", plan.indexMargin), ("overReport", plan.overReport),
      ("cost.dense", plan.cost().dense),
    ] { #expect(isNear(report.number("plan.\(name)"), value), "\(name)") }
  }

  @Test func `every number of a request counts`() throws {
    let workspace = try Workspace()
    let plan = try ConvergencePlan(
      norm: 3, epsilon: 0.1, dimension: 8, lipschitz: 2, concentration: 0.5,
      threshold: .value(1.5), outputScale: .value(7), targetBound: 0.5)
    try workspace.succeed([
      "plan", "--norm", "3", "--epsilon", "0.1", "--dimension", "8", "--lipschitz", "2",
      "--concentration", "0.5", "--threshold", "1.5", "--output-scale", "7", "--target-bound",
      "0.5",
      "--batch", "4", "--report", "p.json",
    ])
    let report = try Report(workspace.file("p.json"))
    #expect(report.number("plan.width") == Double(plan.width))
    #expect(report.number("plan.steps") == Double(plan.steps))
    #expect(isNear(report.number("plan.learningRate"), plan.learningRate))
    #expect(isNear(report.number("plan.cost.oracle"), plan.cost(batchSize: 4).oracle))
  }

  @Test(arguments: [
    (
      "--norm 4 --epsilon 0 --dimension 8", "no plan: the excess 0.0 is not a positive number"
    ),
    (
      "--norm 4 --epsilon 0.1 --dimension 8 --target-bound 3 --threshold 0",
      "no plan: functions of norm 4.0 stay below 2.8284271247461903, the targets reach 3.0; the "
        + "norm must be larger or the threshold lower"
    ),
    (
      "t.csv --target kind --epsilon 0.5",
      "cannot train: a plan is for one output, \"kind\" has 3 classes; --positive-class sets one "
        + "against the rest"
    ),
    (
      "t.csv --target kind --epsilon 0.5 --positive-class fig",
      "cannot train: no row of \"kind\" has the class fig; there are apple, sour, pear, plum"
    ),
    (
      "t.csv --epsilon 0.5",
      "cannot train: t.csv does not tell what to predict; --target names the column, one of "
        + "size, cm, color, a \"shape\", kind"
    ),
    (
      "t.csv --target kind --epsilon 0.5 --positive-class pear --loss softmax",
      "no plan: the softmax loss has no bounded slope for one output; use the absolute, Huber, "
        + "logistic or hinge loss"
    ),
  ])
  func `requests that cannot be met are refused`(_ options: String, _ sentence: String) throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "t.csv")
    try workspace.fail(["plan"] + options.split(separator: " ").map(String.init), sentence)
  }

  @Test(arguments: [
    "plan --norm 4", "plan --epsilon 1", "plan --epsilon 1 --norm 4",
    "plan --epsilon 1 --norm 4 --dimension 3 --format csv",
    "plan t.csv --target y --epsilon 1 --norm 3",
    "plan --epsilon 1 --norm 4 --dimension 3 --noise 1",
    "train t.csv --target y --paper", "train t.csv --target y --epsilon 1",
    "train t.csv --target y --paper --epsilon 1 --width 64",
    "train t.csv --target y --index-margin 0.1",
    "train t.csv --target y --paper --epsilon 1 --lookup tiles --index-margin 0.1",
  ])
  func `options that contradict each other are misuse`(_ line: String) throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.numbers, "t.csv")
    let result = try workspace.run(line.split(separator: " ").map(String.init))
    #expect(result.status == 64 && !result.isCrash, "\(line): \(result.errors)")
    #expect(result.errors.contains("Error: ") && workspace.names == ["t.csv"])
  }

  @Test func `a plan from a table is the one that training keeps`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "t.csv")
    let request = [
      "t.csv", "--target", "kind", "--positive-class", "plum", "--epsilon", "0.6", "--batch", "4",
    ]
    let planned = try workspace.succeed(["plan"] + request + ["--report", "p.json"]).output
    #expect(planned.contains("The targets need a norm of"))
    let trained = try workspace.succeed(
      ["train"] + request + ["--paper", "--report", "r.json"]
    ).output
    #expect(trained.contains(": kept."))
    let (plan, run) = (
      try Report(workspace.file("p.json")), try Report(workspace.file("r.json"))
    )
    for name in ["norm", "width", "steps", "learningRate", "estimate.lambda"] {
      #expect(plan.number("plan.\(name)") == run.number("plan.\(name)"), "\(name)")
    }
    let mean = try #require(run.number("plan.meanLoss"))
    #expect(mean <= (try #require(run.number("plan.lossLimit"))) && mean < 1)
    #expect(run.number("network.width") == plan.number("plan.width"))
    let stored = try #require(run.number("network.materialized"))
    let deviation = try #require(plan.number("plan.materializedDeviation"))
    #expect(abs(stored - (plan.number("plan.materialized") ?? 0)) < 4 * deviation)
    #expect(run.text("lookup") == "static-index")
    // On so few rows, many times over, some rows may go further than planned: then that is said.
    let violations = try #require(run.number("lookups.certificate.violations"))
    let rebuilds = try #require(run.number("lookups.certificate.rebuilds"))
    let verdict =
      violations + rebuilds == 0
      ? "One index over the initial weights has found every neuron"
      : "went further than the margin of the static index"
    #expect(trained.contains(verdict))
    #expect(
      isNear(
        run.number("lookups.certificate.margin"),
        Double(Float(try #require(plan.number("plan.indexMargin"))))))
    #expect(run.text("training.optimizer") == "sgd" && run.text("training.loss") == "hinge")
    let steps = try #require(plan.number("plan.steps"))
    let epochs = try #require(run.number("training.epochs"))
    let rows = try #require(run.number("rows.train"))
    #expect(epochs * (rows / 4).rounded(.up) >= steps)
    let text = try workspace.succeed(["inspect", "model.safetensors"]).output
    #expect(text.contains("plum") && text.contains("signed-pairs, fixed"))
    #expect(text.contains("gaussian"))
    // The model knows the class it was set on.
    let answers = try workspace.succeed(["predict", "model.safetensors", "t.csv"]).lines
    #expect(Set(answers.dropFirst()) == ["plum", "not plum"])
  }

  @Test func `numbers are planned for with the absolute loss`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.numbers, "t.csv")
    let trained = try workspace.succeed([
      "train", "t.csv", "--target", "y", "--paper", "--epsilon", "0.5", "--report", "r.json",
    ]).output
    #expect(trained.contains(": kept."))
    let report = try Report(workspace.file("r.json"))
    #expect(report.text("plan.loss") == "absolute" && report.text("training.loss") == "absolute")
    #expect(try #require(report.number("test.r2")) > 0.3)
  }

  @Test func `a known noise level takes the place of cross-validation`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.numbers, "t.csv")
    func norm(_ arguments: [String]) throws -> Double {
      try workspace.succeed(
        ["plan", "t.csv", "--target", "y", "--epsilon", "0.5", "--report", "p.json"] + arguments)
      return try #require(try Report(workspace.file("p.json")).number("plan.estimate.fitNorm"))
    }
    #expect(try norm(["--noise", "0.5"]) < norm(["--noise", "0.1"]))
    #expect(try norm(["--sample", "20"]) > 0)
  }

  @Test(arguments: [1, 3])
  func `rows beyond a narrow margin are counted, and what became of the index`(
    epochs: Int
  ) throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    let output = try workspace.succeed([
      "train", "kinds.csv", "--target", "kind", "--lookup", "static-index", "--index-margin",
      "0.001", "--report", "r.json", "--width", "128", "--epochs", "\(epochs)", "--threads", "1",
    ]).output
    let report = try Report(workspace.file("r.json"))
    let violations = try #require(report.number("lookups.certificate.violations"))
    let rebuilds = try #require(report.number("lookups.certificate.rebuilds"))
    #expect(violations > 1 && (rebuilds > 0) == (epochs > 1))
    let fate =
      switch rebuilds {
      case 0: "; each was looked at by itself"
      case 1: ", which was made again once"
      default: ", which was made again \(Int(rebuilds)) times"
      }
    #expect(
      output.contains(
        "\n\(Int(violations)) rows went further than the margin of the static index\(fate): largest"
      ))
  }

  @Test func `a width that is too large is told in few digits`() throws {
    let workspace = try Workspace()
    let result = try workspace.run(["plan", "--norm", "4", "--dimension", "8", "--epsilon", "1e-7"])
    #expect(result.status == 1)
    #expect(
      result.errors.wholeMatch(
        of: /halfspace: no plan: the width 1\.6e\+15 is more than 281474976710656; .*\n/) != nil,
      "\(result.errors)")
  }
}
