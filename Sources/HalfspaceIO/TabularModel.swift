// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
public import HalfspaceNN

/// A trained model of a table: from the cells of a row to a class or a number.
///
/// ```swift
/// let table = try Table(contentsOf: "letter.csv")
/// let outcome = try TabularModel.train(on: table, target: "Letter")
/// print(outcome.model.record.test!.accuracy!)     // share of held-out rows that are right
/// try outcome.model.save(to: "letter.safetensors")
///
/// let model = try TabularModel(contentsOf: "letter.safetensors")
/// let labels = try model.predict(table).texts
/// ```
///
/// Safe for concurrent use.
public struct TabularModel: Sendable {
  /// From cells to features.
  public var encoder: TableEncoder
  /// From features to the unit vectors that networks take.
  public let transform: FeatureTransform
  /// From outputs to classes or numbers.
  public let target: TargetEncoder
  /// The network.
  public let predictor: Predictor
  /// How the model came to be.
  public let record: TrainingRecord

  /// A model of its parts, which must fit each other.
  public init(
    encoder: TableEncoder, transform: FeatureTransform, target: TargetEncoder,
    predictor: Predictor, record: TrainingRecord
  ) {
    precondition(
      transform.outputCount == predictor.dimension,
      "the transform gives \(transform.outputCount) coordinates, "
        + "the network takes \(predictor.dimension)")
    self.encoder = encoder
    self.transform = transform
    self.target = target
    self.predictor = predictor
    self.record = record
  }

  /// What a model says about the rows of a table.
  public enum Predictions: Sendable, Equatable {
    /// Labels of classes.
    case labels([String])
    /// Numbers.
    case values([Double])
    /// Sets of labels, and what separates the labels of a set in a cell.
    case labelSets([[String]], separator: String)
    /// Whether a row has each of the labels that have a column of their own, in their order.
    case labelColumns([[Bool]])

    /// One text per row; of columns of labels ones and zeros, separated by commas.
    public var texts: [String] {
      switch self {
      case .labels(let labels): labels
      case .values(let values): values.map { "\($0)" }
      case .labelSets(let sets, let separator): sets.map { $0.joined(separator: separator) }
      case .labelColumns(let rows):
        rows.map { row in row.map { $0 ? "1" : "0" }.joined(separator: ",") }
      }
    }
  }

  /// Network outputs `[rows, outputs]` for the rows of a table, which need not have the target
  /// column. O(rows) lookups.
  ///
  /// - Throws: `TableError` that names line and column of a cell that the model cannot take.
  public func scores(for table: Table, threads: Int = 1) throws -> Matrix {
    let inputs = try transform.apply(to: try encoder.encode(table), threads: threads)
    return predictor.scores(for: inputs, threads: threads)
  }

  /// Predicts a class or a number for every row of a table, which need not have the target column.
  ///
  /// - Throws: as `scores(for:threads:)`.
  public func predict(_ table: Table, threads: Int = 1) throws -> Predictions {
    predictions(from: try scores(for: table, threads: threads))
  }

  /// The class, number or labels that network outputs `[rows, outputs]` stand for.
  /// O(rows * outputs), and a logarithm of the outputs for the best labels.
  ///
  /// - Parameter choice: which labels are given to a row that may have any number of them.
  public func predictions(
    from scores: Matrix, choosing choice: LabelChoice = .probable
  ) -> Predictions {
    switch target.encoding {
    case .classification(let labels):
      return .labels((0..<scores.rows).map { labels[predictedClass(scores, $0)] })
    case .regression:
      return .values((0..<scores.rows).map { target.value(ofOutput: scores[$0, 0]) })
    case .multiLabel(let labels, let separator):
      return .labelSets(
        choice.labels(scores: scores).map { $0.map { labels[Int($0)] } }, separator: separator)
    case .labelColumns(let names):
      return .labelColumns(
        choice.labels(scores: scores).map { chosen in
          let chosen = Set(chosen)
          return names.indices.map { chosen.contains(Int32($0)) }
        })
    }
  }

  /// The largest output; a single output is for class 1 when positive.
  private func predictedClass(_ scores: Matrix, _ row: Int) -> Int {
    scores.columns == 1 ? (scores[row, 0] > 0 ? 1 : 0) : scores.indexOfLargest(inRow: row)
  }

  /// Compares predictions with the target column of a table.
  ///
  /// - Parameter weightColumn: a column that says how often each row counts; nil: once.
  /// - Throws: as `scores(for:threads:)`, and for missing or unknown targets and bad weights.
  public func evaluate(
    on table: Table, weightColumn: String? = nil, threads: Int = 1
  ) throws -> Evaluation {
    try evaluate(
      scores: try scores(for: table, threads: threads), targets: table,
      weights: try weightColumn.map(table.weights(in:)))
  }

  /// Compares outputs with the targets that a table holds.
  func evaluate(scores: Matrix, targets table: Table, weights: [Double]?) throws -> Evaluation {
    // Where no row counts, as by chance among few that are held out, all are alike.
    let weights = weights.flatMap { $0.contains { $0 > 0 } ? $0 : nil }
    // Of classes the report would tell more than is asked for, at a price.
    switch target.task {
    case .classification:
      let classes = try target.classes(of: table)
      let predicted = (0..<scores.rows).map { Int32(predictedClass(scores, $0)) }
      return Evaluation(
        rows: table.rowCount,
        accuracy: Metrics.accuracy(predicted: predicted, expected: classes, weights: weights))
    case .regression, .multiLabel:
      return try report(scores: scores, targets: table, weights: weights).summary
    }
  }
}
