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
        let model = try TabularModel(contentsOf: model)
        let record = model.record
        var table = TextTable("what", "value")
        table.append("target", model.target.column)
        table.append("task", model.target.task.rawValue)
        if !model.target.labels.isEmpty {
          table.append("classes", model.target.labels.joined(separator: " "))
        }
        table.append("features", "\(model.encoder.featureCount)")
        table.append("scaling", model.transform.scaling.rawValue)
        table.append("inputs", "\(model.predictor.dimension)")
        table.append("outputs", "\(model.predictor.outputCount)")
        table.append("width", Format.count(record.network.width))
        table.append("stored neurons", Format.count(model.predictor.count))
        table.append("threshold", "\(record.threshold)")
        table.append("firing fraction", Format.percent(record.firingFraction, decimals: 4))
        table.append("loss", record.training.loss.name)
        table.append("optimizer", record.training.optimizer.name)
        table.append("epochs", "\(record.epochs)")
        table.append("batch", "\(record.training.batchSize)")
        table.append("learning rate", "\(record.training.learningRate)")
        table.append("training rows", Format.count(record.trainRows))
        if let test = record.test {
          table.append("held-out rows", Format.count(test.rows))
          table.append("on held-out rows", test.sentence)
        }
        table.append("seed", "\(record.network.seed)")
        print(table)
      }
    }
  }
}
