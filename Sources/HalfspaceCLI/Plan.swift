// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace plan`.
  struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Plan the width, threshold, rate and steps that are sufficient for an excess loss.",
      discussion: """
        From numbers: the norm of the target function and the number of inputs. From a table: the \
        norm that its target column needs is estimated from up to 2,000 rows.

        Examples: halfspace plan --norm 4 --dimension 16 --epsilon 0.05
        halfspace plan digits.csv --target digit --positive-class 3 --epsilon 0.2
        """)

    @Argument(help: "A table (CSV, libsvm, IDX, NPY or NPZ).")
    var table: String?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Excess of the loss over that of the best function of the norm.", valueName: "loss"))
    var epsilon: Double

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Norm of the target function.", valueName: "M"))
    var norm: Double?

    @Option(
      parsing: .unconditional, help: ArgumentHelp("Coordinates of an input.", valueName: "d"))
    var dimension: Int?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Largest eigenvalue of the mean of x xᵀ. (default: 1/d, or the table's)",
        valueName: "value"))
    var concentration: Double?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Largest slope of the loss.", valueName: "L"))
    var lipschitz: Double?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Largest target to be met.", valueName: "value"))
    var targetBound: Double?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Threshold. (default: sqrt(0.4 ln m))", valueName: "b"))
    var threshold: Float?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Factor on the outputs, over sqrt(m). (default: enough to stay near the initial weights)",
        valueName: "B"))
    var outputScale: Double?

    @Option(
      parsing: .unconditional, help: ArgumentHelp("Rows per step.", valueName: "n"))
    var batch = 1

    @Option(
      help: ArgumentHelp(
        "The column to predict. Needed unless the file tells it.", valueName: "column"))
    var target: String?

    @Option(help: ArgumentHelp("The class that is set against the rest.", valueName: "label"))
    var positiveClass: String?

    @Option(
      help: ArgumentHelp(
        "The loss: absolute, huber, logistic or hinge. (default: hinge for classes, absolute for "
          + "numbers)", valueName: "name"))
    var loss: TrainingOptions.LossName?

    @Option(
      help: ArgumentHelp(
        "A column not to be used; may be given several times.", valueName: "column"))
    var drop: [String] = []

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Rows to estimate the norm from, at most.", valueName: "n"))
    var sample = 2000

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Level of the noise in the targets. (default: found by cross-validation)",
        valueName: "level"))
    var noise: Double?

    @Option(
      parsing: .unconditional, help: ArgumentHelp("Seed of the rows chosen.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(
      help: ArgumentHelp("Write the plan, as JSON, to this file.", valueName: "file"))
    var report: String?

    @OptionGroup var data: DataOptions

    @OptionGroup var threads: ThreadOption

    func validate() throws {
      guard batch > 0 else { throw ValidationError("--batch must be positive.") }
      if table == nil {
        guard norm != nil, dimension != nil else {
          throw ValidationError("Give a table, or --norm and --dimension.")
        }
        guard target == nil, positiveClass == nil, noise == nil, drop.isEmpty, loss == nil,
          data.format == nil, data.labels == nil
        else {
          throw ValidationError(
            "--target, --positive-class, --loss, --drop, --noise, --format and --labels need a "
              + "table.")
        }
        return
      }
      let numbers = [norm, concentration, lipschitz, targetBound].contains { $0 != nil }
      guard !numbers, dimension == nil else {
        throw ValidationError(
          "--norm, --dimension, --concentration, --lipschitz and --target-bound are for plans "
            + "without a table.")
      }
      guard sample > 1 else { throw ValidationError("--sample must be at least 2.") }
    }

    func run() throws {
      try Talk.reportingErrors {
        try OutputFile.check([report], inputs: [table, data.labels].compactMap { $0 })
        if let table {
          try planForTable(table)
        } else if let norm, let dimension {
          try planForNumbers(norm, dimension)
        }
      }
    }

    private func planForNumbers(_ norm: Double, _ dimension: Int) throws {
      let plan = try ConvergencePlan(
        norm: norm, epsilon: epsilon, dimension: dimension, lipschitz: lipschitz ?? 1,
        concentration: concentration, threshold: threshold.map(Threshold.value) ?? .paper,
        outputScale: outputScale.map { .value($0) } ?? .planned, targetBound: targetBound)
      try write { plan.add(to: &$0, batchSize: batch, rows: nil) }
      try Talk.print(plan.table(batchSize: batch, rows: nil))
    }

    private func planForTable(_ path: String) throws {
      let dataset = try Dataset(
        contentsOf: path, options: data.options(knownColumns: Set([target].compactMap { $0 })))
      let table = try dataset.table(predicting: [target].compactMap { $0 })
      var options = TrainingOptions()
      options.loss = loss
      options.batchSize = batch
      options.droppedColumns = Set(drop)
      options.seed = seed
      options.threads = threads.count
      var request = PlanForData.Request(epsilon: epsilon)
      if let threshold { request.threshold = .value(threshold) }
      if let noise { request.regularization = .noiseLevel(noise) }
      if let outputScale { request.outputScale = .value(outputScale) }
      request.sampleLimit = sample
      request.seed = seed
      request.threads = threads.count
      let plan = try TablePlan(
        table: table, target: try dataset.requireTarget(target, of: table.columnNames),
        positiveClass: positiveClass,
        options: options, request: request)
      try write { plan.add(to: &$0) }
      try Talk.print(plan.summary)
      try Talk.print(plan.planned.plan.table(batchSize: batch, rows: plan.rowCount))
    }

    private func write(_ fill: (inout JSONObject) -> Void) throws {
      guard let report else { return }
      var object = JSONObject()
      fill(&object)
      try AtomicFile.write(object.text(), to: report)
    }
  }
}
