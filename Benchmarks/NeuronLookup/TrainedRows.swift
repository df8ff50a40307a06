// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace

/// What training on a table leaves: the stored rows, the table's rows as inputs, the threshold.
struct TrainedRows {
  let weights: Matrix
  let inputs: Matrix
  let threshold: Float

  /// Trains on the embedded digits, or on `letter.csv` in `dataFolder`.
  init(table name: String, dataFolder: String?) throws {
    let table: Table
    let target: String
    var options = TrainingOptions()
    options.epochs = 5
    options.threads = ThreadCount.available
    if name == "digits" {
      (table, target) = (try EmbeddedData.digits, "digit")
    } else {
      table = try Table(contentsOf: (dataFolder ?? ".") + "/\(name).csv")
      target = table.columns[0].name
      options.width = 32_768
      options.threshold = .value(3.3)
      options.outputs = .symmetricPairs(.signs)
    }
    let model = try TabularModel.train(on: table, target: target, options: options).model
    weights = model.predictor.weights
    threshold = model.predictor.threshold
    inputs = try model.transform.apply(to: try model.encoder.encode(table))
  }

  /// Tables that can be had: the embedded one, and those in the folder.
  static func tables(in dataFolder: String?) -> [String] {
    let hasLetter =
      dataFolder.map { FileManager.default.fileExists(atPath: $0 + "/letter.csv") } ?? false
    return hasLetter ? ["digits", "letter"] : ["digits"]
  }

  /// The folder that `HALFSPACE_DATA` names (a file in it will do), or one that is there.
  static var dataFolder: String? {
    let isFolder = { (path: String) in
      FileManager.default.fileExists(atPath: path + "/letter.csv")
    }
    if let given = ProcessInfo.processInfo.environment["HALFSPACE_DATA"] {
      return isFolder(given) ? given : URL(fileURLWithPath: given).deletingLastPathComponent().path
    }
    return isFolder("../shared/data") ? "../shared/data" : nil
  }
}
