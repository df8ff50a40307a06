// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace inspect MODEL`.
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what a model file holds and how it was trained.")

    @Argument(help: "The model (safetensors).")
    var model: String

    func run() throws {
      try Talk.reportingErrors {
        try Talk.print(Self.table(of: try TabularModel(contentsOf: model)))
      }
    }

    private static func table(of model: TabularModel) -> TextTable {
      let record = model.record
      var table = TextTable("what", "value")
      table.alignments = [.left, .left]
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
      table.append("inputs", Format.count(model.predictor.dimension))
      table.append("outputs", Format.count(model.predictor.outputCount))
      table.append("width", Format.count(record.network.width))
      table.append("stored neurons", Format.count(model.predictor.count))
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
