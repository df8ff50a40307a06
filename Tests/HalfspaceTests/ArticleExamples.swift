// SPDX-License-Identifier: Apache-2.0
import Halfspace
import Testing
import _HalfspaceTestSupport

/// The examples of the articles.
@Suite struct ArticleExamples {
  private func firstModel() throws {
    // Example
    let table = try Table(contentsOf: "flowers.csv")
    var options = TrainingOptions()
    options.testFraction = 0.25
    let outcome = try TabularModel.train(on: table, target: "species", options: options)
    print(outcome.model.record.test!.accuracy!)

    try outcome.model.save(to: "flowers.safetensors")
    let model = try TabularModel(contentsOf: "flowers.safetensors")
    print(try model.predict(table).texts)
    // End
  }

  private func columnsOfLabels() throws {
    // Example
    let mail = try Table(contentsOf: "mail.csv")
    let sorted = try TabularModel.train(on: mail, targets: ["spam", "urgent"])
    print(sorted.model.target.columns, sorted.model.record.test?.microF1 ?? 0)
    // End
  }

  private func judged(_ table: Table) throws {
    // Example
    let model = try TabularModel(contentsOf: "churn.safetensors")
    guard case .classification(let report) = try model.report(on: table) else { return }
    print(report.accuracy, report.macro.f1, report.auc ?? .nan)
    for (label, values) in zip(report.labels, report.classes) {
      print(label, values.precision, values.recall, values.f1)
    }
    // End
  }

  private func vectors(inputs: Matrix, targets: Matrix) throws {
    // Example
    let trainer = try Trainer(
      inputs: inputs, targets: .values(targets),
      network: .init(width: 1 << 20, threshold: .expectedFiring(32)),
      training: .init(loss: .squared, epochs: 30, learningRate: 4))
    try trainer.run { report in
      print(report.epoch, report.loss, report.firingsPerRow)
      return .proceed
    }
    let predictions = trainer.predictor().scores(for: inputs)
    // End
    #expect(predictions.rows == inputs.rows)
  }

  @Test func `networks of several widths and thresholds tell how many neurons fire`() throws {
    // Example
    let wide = NetworkConfiguration(width: 1 << 22, threshold: .expectedFiring(64))
    let share = NetworkConfiguration(width: 1 << 14, threshold: .firingFraction(0.01))
    let exact = NetworkConfiguration(width: 1 << 16, threshold: .value(3.1))
    let paper = NetworkConfiguration(width: 1 << 16, threshold: .paper)
    for network in [wide, share, exact, paper] {
      let b = try network.threshold.resolved(width: network.width)
      let k = Double(network.width) * GaussianTail.probability(above: Double(b))
      print("m = \(network.width), b = \(b): \(k) neurons fire on a row")
    }
    // End
    let b = try paper.threshold.resolved(width: paper.width)
    #expect(abs(b - 2.106215) < 1e-5)
  }

  @Test func `a tuner ranks the settings it has tried`() throws {
    var rows = "size,color,species\n"
    for row in 0..<48 { rows += "\(row % 12),\(row % 5),\(row % 12 < 6 ? "a" : "b")\n" }
    let table = try Table(csv: rows, name: "flowers")
    func tune() throws -> TuningOutcome {
      // Example
      let tuner = try Tuner(table, target: "species")
      let outcome = tuner.run(budget: 20_000)
      for trial in outcome.ranking.prefix(3) {
        print(trial.result.score, trial.result.settings.arguments.joined(separator: " "))
      }
      // End
      return outcome
    }
    #expect(try tune().isComplete)
  }

  @Test func `a forecast counts the neurons that will be stored`() {
    let inputs = TestData.unitRows(200, 8, seed: 3)
    // Example
    let forecast = MaterializationForecast(inputs: inputs, threshold: 3.1)
    let stored = forecast.expectedCount(width: 1 << 16)
    print("about \(Int(stored)) of 65536 neurons will be stored")
    // End
    #expect(stored > 0 && stored < 65536)
  }

  @Test func `two structures report the same pairs`() {
    let weights = TestData.gaussian(2000, 8, seed: 1)
    let queries = TestData.unitRows(20, 8, seed: 2)
    // Example
    var brute = BruteForceIndex(weights)
    var tiles = CertifiedTileIndex(weights)
    var expected = FiringReport()
    var report = FiringReport()
    brute.report(queries: queries, above: 2.5, into: &expected)
    tiles.report(queries: queries, above: 2.5, into: &report)
    for query in 0..<queries.rows {
      assert(report.range(of: query) == expected.range(of: query))
    }
    print("\(tiles.statistics.innerProducts) of \(queries.rows * weights.rows) pairs were decided")
    // End
    #expect(report.count > 0)
    #expect(report.count == expected.count)
  }

  @Test func `the automatic index says what it has chosen`() {
    let weights = TestData.gaussian(5000, 8, seed: 1)
    let queries = TestData.unitRows(20, 8, seed: 2)
    // Example
    var index = AutomaticIndex(weights)
    var report = FiringReport()
    index.report(queries: queries, above: 2.5, into: &report)
    print(index.choice(forBatchesOf: queries.rows)?.structure ?? .scan)
    print(index.statistics)
    // End
    #expect(index.statistics.queries == queries.rows)
  }
}
