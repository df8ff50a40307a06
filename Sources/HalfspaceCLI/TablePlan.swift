// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

/// A plan for the training rows of a table.
struct TablePlan {
  /// The table to train on: with a positive class, its target says "3" or "not 3".
  let table: Table
  /// The plan and what it rests on.
  let planned: PlanForData
  /// Which neurons of the planned network will be stored.
  let stored: MaterializationForecast
  /// Rows to train on.
  let rowCount: Int
  /// Rows per step.
  let batchSize: Int
  /// Features are scaled in this way, and this coordinate is appended.
  private let scaling: FeatureTransform.Scaling
  private let constant: Double

  /// Plans for what `TabularModel.train` would train on with the same options.
  init(
    table: Table, target: String, positiveClass: String?, options: TrainingOptions,
    request: PlanForData.Request
  ) throws {
    try options.validate()
    for name in [target] + options.droppedColumns.sorted() { _ = try table.column(name) }
    let table = try positiveClass.map { try Self.marking($0, in: target, of: table) } ?? table
    let encoder = try TargetEncoder(
      fitting: table, column: target, task: options.task, labelSeparator: options.labelSeparator)
    guard encoder.task != .multiLabel else {
      throw ConfigurationError.invalid(
        "a plan is for one output, \"\(target)\" holds sets of labels")
    }
    if encoder.labels.count > 2 {
      throw ConfigurationError.invalid(
        "a plan is for one output, \"\(target)\" has \(encoder.labels.count) classes; "
          + "--positive-class sets one against the rest")
    }
    let training = Self.trainingRows(of: table, encoder, options)
    let features = try TableEncoder(
      fitting: training, target: target, dropping: options.droppedColumns
    ).encode(training)
    let scaling = options.scaling ?? FeatureTransform.suggestedScaling(for: features)
    let constant = options.constant ?? 0
    let transform = try FeatureTransform(
      fitting: features, scaling: scaling, constant: constant)
    let values: [Float]
    switch encoder.task {
    case .classification: values = try encoder.classes(of: training).map { Float($0) }
    case .regression, .multiLabel:
      // Mean and scale are those of the training rows, as they will be in training.
      values = try TargetEncoder(fitting: training, column: target, task: .regression)
        .standardizedValues(of: training)
    }
    let inputs = try transform.apply(to: features, threads: options.threads)
    planned = try PlanForData(
      inputs: inputs, targets: .values(Matrix(values.map { [$0] })),
      loss: try Self.loss(options.loss, task: encoder.task), request: request)
    // A few hundred probes give the share to a few percent; a second of work at most.
    let work = Double(inputs.rows) * Double(inputs.columns)
    stored = MaterializationForecast(
      inputs: inputs, threshold: planned.plan.threshold,
      probes: Int(max(50, min(1000, 1e9 / work))), seed: options.seed)
    self.table = table
    self.scaling = scaling
    self.constant = constant
    rowCount = training.rowCount
    batchSize = options.batchSize ?? 1
    guard batchSize > 0 else {
      throw ConfigurationError.invalid("the batch size \(batchSize) is not positive")
    }
  }

  /// The options with everything that is planned in its place.
  func options(_ options: TrainingOptions) -> TrainingOptions {
    let plan = planned.plan
    let network = plan.network()
    var options = options
    options.width = network.width
    options.threshold = network.threshold
    options.rows = network.rows
    options.outputs = network.outputs
    options.trainsOutputs = network.trainsOutputs
    options.outputScale = network.outputScale
    options.loss = TrainingOptions.LossName(rawValue: planned.loss.name)
    options.optimizer = .sgd
    options.epochs = plan.epochs(rows: rowCount, batchSize: batchSize)
    options.batchSize = batchSize
    options.learningRate = plan.learningRate
    options.schedule = .constant
    options.averagingStart = 0
    if options.indexMargin == nil { options.indexMargin = plan.indexMargin }
    options.scaling = scaling
    options.constant = constant
    return options
  }

  private static func marking(
    _ label: String, in target: String, of table: Table
  ) throws -> Table {
    let column = try table.column(target)
    let texts = (0..<table.rowCount).map(column.text)
    guard texts.contains(label) else {
      let known = Set(texts.compactMap { $0 }).sorted().prefix(30).joined(separator: ", ")
      throw ConfigurationError.invalid(
        "no row of \"\(target)\" has the class \(label); there are \(known)")
    }
    return try table.replacing(
      TableColumn(
        name: target, texts: texts.map { $0.map { $0 == label ? label : "not \(label)" } }))
  }

  private static func trainingRows(
    of table: Table, _ target: TargetEncoder, _ options: TrainingOptions
  ) -> Table {
    guard options.testFraction > 0 else { return table }
    let split =
      switch target.task {
      case .classification:
        (try? target.classes(of: table)).map {
          TrainTestSplit(
            stratifying: $0, testFraction: options.testFraction, seed: options.seed)
        }
      case .regression, .multiLabel:
        TrainTestSplit(
          rowCount: table.rowCount, testFraction: options.testFraction, seed: options.seed)
      }
    return split.map { table.selecting(rows: $0.training) } ?? table
  }

  private static func loss(
    _ name: TrainingOptions.LossName?, task: PredictionTask
  ) throws -> Loss {
    switch name {
    case nil: return task == .classification ? .hinge : .absolute
    case .hinge: return .hinge
    case .logistic: return .logistic
    case .absolute: return .absolute
    case .huber: return .huber(delta: 1)
    case .squared, .softmax, .oneVersusRest:
      throw PlanError.unsuitableLoss(name?.rawValue ?? "")
    }
  }
}
