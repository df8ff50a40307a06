// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

/// The learning curve of a run as a file: a row or a point per epoch.
struct LearningCurve {
  /// How it is written.
  enum Format: String {
    case csv, jsonl, svg
    /// For TensorBoard, which looks for files with this in their names.
    case tfevents

    /// The format that the name of a file tells: by its extension, or as TensorBoard does.
    init?(path: String) {
      let file = URL(fileURLWithPath: path)
      if file.lastPathComponent.contains(Format.tfevents.rawValue) {
        self = .tfevents
      } else {
        self.init(rawValue: file.pathExtension.lowercased())
      }
    }
  }

  let path: String
  let format: Format
  /// What the chart says above the axes.
  let title: String
  /// When the run began.
  private let start = Date().timeIntervalSince1970

  init?(path: String, title: String) {
    guard let format = Format(path: path) else { return nil }
    self.path = path
    self.format = format
    self.title = title
  }

  /// Writes the curve of these epochs, in place of what was there.
  ///
  /// - Throws: `FileError`.
  func write(_ epochs: [EpochReport]) throws {
    switch format {
    case .csv: try AtomicFile.write(csv(epochs), to: path)
    case .jsonl: try AtomicFile.write(try jsonLines(epochs), to: path)
    case .svg: try AtomicFile.write(chart(epochs).svg, to: path)
    case .tfevents: try AtomicFile.write(events(epochs), to: path)
    }
  }

  private func csv(_ epochs: [EpochReport]) -> String {
    var csv = CSVWriter(columns: [
      "epoch", "loss", "validation_loss", "validation_accuracy", "learning_rate",
      "firings_per_row", "seconds",
    ])
    for epoch in epochs {
      csv.append([
        epoch.epoch, epoch.loss, epoch.validationLoss?.description ?? "",
        epoch.validationAccuracy?.description ?? "", epoch.learningRate, epoch.firingsPerRow,
        epoch.times.total,
      ])
    }
    return csv.text
  }

  /// A line of JSON.
  private struct Row: Encodable {
    let epoch: Int
    let loss: Double
    let validationLoss: Double?
    let validationAccuracy: Double?
    let learningRate: Double
    let firingsPerRow: Double
    let seconds: Double
  }

  private func jsonLines(_ epochs: [EpochReport]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try epochs.map { epoch in
      let row = Row(
        epoch: epoch.epoch, loss: epoch.loss,
        // A loss that has overflowed is no number in JSON.
        validationLoss: epoch.validationLoss.flatMap { $0.isFinite ? $0 : nil },
        validationAccuracy: epoch.validationAccuracy, learningRate: epoch.learningRate,
        firingsPerRow: epoch.firingsPerRow, seconds: epoch.times.total)
      return String(decoding: try encoder.encode(row), as: UTF8.self) + "\n"
    }.joined()
  }

  private func events(_ epochs: [EpochReport]) -> [UInt8] {
    var events = TensorBoardEvents(start: start)
    for epoch in epochs {
      let scalars: [(String, Double?)] = [
        ("loss/training", epoch.loss), ("loss/validation", epoch.validationLoss),
        ("accuracy/validation", epoch.validationAccuracy), ("learning rate", epoch.learningRate),
        ("firings per row", epoch.firingsPerRow), ("stored neurons", Double(epoch.materialized)),
      ]
      events.append(
        step: epoch.epoch, time: start + epoch.times.total,
        scalars: scalars.compactMap { name, value in value.map { (name, $0) } })
    }
    return events.bytes
  }

  private func chart(_ epochs: [EpochReport]) -> LineChart {
    func series(_ name: String, _ value: (EpochReport) -> Double?) -> LineChart.Series? {
      let points = epochs.compactMap { epoch in
        value(epoch).map { LineChart.Point(Double(epoch.epoch), $0) }
      }
      return points.isEmpty ? nil : LineChart.Series(name, points)
    }
    let series = [series("training", \.loss), series("validation", \.validationLoss)]
      .compactMap { $0 }
    // Losses fall by powers; those that reach zero have no place on such an axis.
    let isPositive = series.allSatisfy { $0.points.allSatisfy { $0.y > 0 } }
    return LineChart(
      title: title, x: ChartAxis("epoch"),
      y: ChartAxis("loss", scale: isPositive ? .logarithmic : .linear), series: series)
  }
}
