// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Halfspace
internal import _HalfspaceReport

/// The settings of a run in the form of the theory.
struct PaperFlags: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Train as in the theory, by a plan for --epsilon: independent Gaussian rows in symmetric "
        + "pairs with fixed signs, threshold sqrt(0.4 ln m), plain SGD, averaged iterates, a static "
        + "index on the initial network."))
  var paper = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("With --paper: the excess loss to plan for.", valueName: "loss"))
  var epsilon: Double?

  @Option(
    help: ArgumentHelp(
      "With --paper: the class that is set against the rest.", valueName: "label"))
  var positiveClass: String?

  func validate() throws {
    if paper, epsilon == nil { throw ValidationError("--paper needs --epsilon.") }
    if !paper, epsilon != nil || positiveClass != nil {
      throw ValidationError("--epsilon and --positive-class need --paper.")
    }
  }

  /// Refuses settings that the plan chooses, and those of a lookup that is not used.
  func check(_ flags: TrainingFlags) throws {
    let lookup = flags.lookup ?? (paper ? .staticIndex : .automatic)
    guard flags.indexMargin == nil || lookup == .staticIndex else {
      throw ValidationError("--index-margin is for --lookup static-index.")
    }
    guard paper else { return }
    let chosen: [(String, Bool)] = [
      ("--width", flags.width != nil), ("--threshold", flags.threshold != nil),
      ("--firing-fraction", flags.firingFraction != nil),
      ("--expected-firing", flags.expectedFiring != nil), ("--epochs", flags.epochs != nil),
      ("--learning-rate", flags.learningRate != nil), ("--optimizer", flags.optimizer != nil),
      ("--weight-decay", flags.weightDecay != nil), ("--outputs", flags.outputs != nil),
      ("--patience", flags.patience != nil),
    ]
    if let (name, _) = chosen.first(where: \.1) {
      throw ValidationError("\(name) is chosen by the plan of --paper.")
    }
  }

  /// The plan for a table; nil without `--paper`.
  func plan(
    _ dataset: Dataset, targets: [String], options: TrainingOptions, quiet: Bool
  ) throws -> TablePlan? {
    guard paper, let epsilon else { return nil }
    let table = try dataset.table(predicting: targets)
    guard targets.count < 2 else {
      throw ConfigurationError.invalid("a plan is for one output, not for \(targets.count)")
    }
    let target = try dataset.requireTarget(targets.first, of: table.columnNames)
    var request = PlanForData.Request(epsilon: epsilon)
    request.seed = options.seed
    request.threads = options.threads
    let plan = try TablePlan(
      table: table, target: target, positiveClass: positiveClass, options: options,
      request: request)
    if !quiet {
      try Talk.print(plan.summary)
      try Talk.print(plan.planned.plan.table(batchSize: plan.batchSize, rows: plan.rowCount))
    }
    return plan
  }
}
