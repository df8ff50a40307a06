// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace inspect MODEL`.
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what a model file holds, how it was trained, and how it fires on a table.",
      discussion: """
        With a table: how many of the stored neurons fire on a row, and on how many rows each of \
        them fires, as mean and minimum, quartiles, maximum.
        """)

    @Argument(help: "The model (safetensors).")
    var model: String

    @Argument(help: "Rows with the columns the model was trained on.")
    var table: String?

    @Flag(help: "Let a category that training did not have count as none, instead of refusing it.")
    var ignoreUnknown = false

    @OptionGroup var data: DataOptions

    func run() throws {
      try Talk.reportingErrors {
        var model = try TabularModel(contentsOf: model)
        if ignoreUnknown { model.encoder.unknownCategories = .ignore }
        var text = Self.table(of: model)
        if let table {
          var firing = FiringStatistics(model.predictor)
          try model.forEachPiece(ofInputs: table, options: data.options()) { inputs in
            firing.add(try inputs.matrix())
          }
          Self.append(firing, to: &text)
        }
        try Talk.print(text)
      }
    }

    private static func append(_ firing: FiringStatistics, to table: inout TextTable) {
      let neurons = firing.rowsPerNeuron.count
      func text(_ distribution: FiringStatistics.Distribution, of whole: Int) -> String {
        let share = Format.percent(distribution.mean / Double(max(1, whole)), decimals: 3)
        let quartiles = distribution.quartiles.map(Format.count).joined(separator: ", ")
        return "\(Format.significant(distribution.mean, digits: 4)) (\(share)): \(quartiles)"
      }
      table.append("rows of the table", Format.count(firing.rows))
      table.append("stored neurons firing on a row", text(firing.perRow, of: neurons))
      table.append("rows a stored neuron fires on", text(firing.perNeuron, of: firing.rows))
      let silent = Format.percent(Double(firing.silentNeurons) / Double(max(1, neurons)))
      table.append(
        "stored neurons firing on no row", "\(Format.count(firing.silentNeurons)) (\(silent))")
    }

    private static func table(of model: TabularModel) -> TextTable {
      let record = model.record
      var table = TextTable("what", "value")
      table.alignments = [.left, .left]
      table.append("format", model.formatVersion)
      table.append("target", model.target.column)
      table.append("task", model.target.task.rawValue)
      let labels = model.target.labels
      if !labels.isEmpty {
        let more = labels.count > 30 ? ", ..." : ""
        table.append(
          "classes", "\(labels.count): " + labels.prefix(30).joined(separator: ", ") + more)
      }
      if let sparse = model.encoder.sparse {
        table.append("columns of sparse rows", Format.count(sparse.columns))
        if let hashing = sparse.hashing {
          table.append("hashed to columns", Format.count(hashing.columns))
        }
      } else {
        table.append("columns used", model.encoder.columns.map(\.name).joined(separator: ", "))
      }
      if !model.encoder.constantColumns.isEmpty {
        table.append("constant columns", model.encoder.constantColumns.joined(separator: ", "))
      }
      table.append("features", Format.count(model.encoder.featureCount))
      table.append("scaling", model.transform.scaling.rawValue)
      if let metric = model.transform.metric {
        table.append(
          "metric",
          "learned, \(Format.significant(metric.directions)) of \(metric.inputCount) directions")
      }
      table.append("inputs", Format.count(model.predictor.dimension))
      table.append("outputs", Format.count(model.predictor.outputCount))
      table.append("width", Format.count(record.network.width))
      let share = Double(model.predictor.count) / Double(record.network.width)
      table.append(
        "stored neurons",
        "\(Format.count(model.predictor.count)) (\(Format.percent(share, decimals: 3)))")
      if let count = record.linearNeurons {
        table.append("of them a linear part", Format.count(count))
      }
      table.append("threshold", "\(record.threshold)")
      table.append("firing fraction", Format.percent(record.firingFraction, decimals: 4))
      table.append("first layer", record.network.rows.name)
      table.append("output weights", record.network.outputsName)
      table.append("loss", record.training.loss.name)
      table.append("optimizer", record.training.optimizer.name)
      table.append("epochs", Format.count(record.epochs))
      table.append("batch", Format.count(record.training.batchSize))
      table.append("learning rate", "\(record.training.learningRate)")
      table.append("training rows", Format.count(record.trainRows))
      if let test = record.test {
        table.append("held-out rows", Format.count(test.rows))
        table.append("on held-out rows", test.sentence)
      }
      table.append("seed", "\(record.network.seed)")
      return table
    }
  }
}

extension NetworkConfiguration.Rows {
  /// As `--initial` says it.
  fileprivate var name: String {
    switch self {
    case .productGrid: InitialChoice.productGrid.rawValue
    case .gaussian: InitialChoice.gaussian.rawValue
    }
  }
}

extension NetworkConfiguration {
  /// As `--outputs` says it, and whether they were trained.
  fileprivate var outputsName: String {
    let choice = OutputsChoice.allCases.first { $0.initialOutputs == outputs }
    return (choice?.rawValue ?? "\(outputs)") + (trainsOutputs ? "" : ", fixed")
  }
}
