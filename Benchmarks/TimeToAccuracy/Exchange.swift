// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

/// Files that programs in other languages read and write: the same rows for everyone.
///
/// Written: `<problem>-train.csv` and `<problem>-test.csv`, the encoded features and, last, the
/// target (a class number, or the number itself, standardized); `<problem>-train-inputs.csv` and
/// `<problem>-test-inputs.csv`, the same transformed; `settings.json`, the network for a dense twin. Read: `peers.json`, the curves of the others.
struct Exchange {
  let folder: URL

  func write(_ problems: [TableProblem]) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var settings = JSONObject()
    for problem in problems {
      for (part, features, targets) in [
        ("train", problem.features.training, problem.training.targets),
        ("test", problem.features.test, problem.test.targets),
        ("train-inputs", problem.training.inputs, problem.training.targets),
        ("test-inputs", problem.test.inputs, problem.test.targets),
      ] {
        let url = folder.appendingPathComponent("\(problem.name)-\(part).csv")
        try AtomicFile.write(Self.csv(features, targets), to: url.path)
      }
      settings[key: problem.name] = try Self.settings(problem)
    }
    try AtomicFile.write(
      try JSONValue.object(settings).text() + "\n",
      to: folder.appendingPathComponent("settings.json").path)
  }

  /// The curves that are there.
  func read() throws -> [Curve] {
    let url = folder.appendingPathComponent("peers.json")
    guard FileManager.default.fileExists(atPath: url.path) else { return [] }
    return try JSONDecoder().decode([Curve].self, from: Data(contentsOf: url))
  }

  private static func csv(_ features: Matrix, _ targets: Targets) -> String {
    var csv = CSVWriter(columns: (0..<features.columns).map { "x\($0)" } + ["y"])
    for row in 0..<features.rows {
      let target: any CustomStringConvertible =
        switch targets {
        case .classes(let classes, _): classes[row]
        case .labelSets: preconditionFailure("no workload has sets of labels")
        case .values(let values): values[row, 0]
        }
      csv.append(features.rowArray(row) + [target])
    }
    return csv.text
  }

  private static func settings(_ problem: TableProblem) throws -> JSONValue {
    let (network, training) = (problem.recipe.network, problem.recipe.training)
    let threshold = try network.threshold.resolved(width: network.width)
    return [
      "task": problem.isClassification ? "classification" : "regression",
      "scaling": .string(problem.recipe.scaling.rawValue),
      "constant": .number(problem.recipe.constant), "width": .integer(network.width),
      "threshold": .number(threshold), "epochs": .integer(training.epochs),
      "batch": .integer(training.batchSize), "learningRate": .number(training.learningRate),
    ]
  }
}

extension TableProblem {
  var isClassification: Bool {
    if case .classes = training.targets { true } else { false }
  }

  /// Scores worth waiting for.
  var goals: [Double] {
    switch name {
    case "digits": [0.975, 0.985]
    case "letter": [0.97, 0.972]
    default: [0.78, 0.80]
    }
  }
}
