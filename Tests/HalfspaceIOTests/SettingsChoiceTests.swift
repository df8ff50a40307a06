// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Settings chosen by trials where nobody has chosen any.
@Suite struct SettingsChoiceTests {
  /// A linear target of six columns with as much noise as signal.
  private static func noisyLine(rows: Int) -> Table {
    var source = NormalSource(seed: 21)
    var columns = [[Double]](repeating: [], count: 7)
    for _ in 0..<rows {
      let x = (0..<6).map { _ in Double(source.next()) }
      for (column, value) in x.enumerated() { columns[column].append(value) }
      columns[6].append(x[0] + x[1] - x[2] + 1.7 * Double(source.next()))
    }
    return Table(
      name: "line",
      columns: zip(["a", "b", "c", "d", "e", "f", "y"], columns)
        .map { TableColumn(name: $0, numbers: $1) })
  }

  private func options(_ change: (inout TrainingOptions) -> Void = { _ in }) -> TrainingOptions {
    var options = TrainingOptions()
    options.threads = 1
    change(&options)
    return options
  }

  @Test func `few noisy rows get a network that ends near a linear model`() throws {
    let table = Self.noisyLine(rows: 2160)
    let (training, test) = (table.selecting(rows: 0..<160), table.selecting(rows: 160..<2160))
    let chosen = try TabularModel.train(
      on: training, target: "y", options: options { $0.testFraction = 0 })
    let plain = try TabularModel.train(
      on: training, target: "y",
      options: options {
        $0.testFraction = 0
        $0.metric = TrainingOptions.Metric.none
      })
    // No model explains more than 3 / (3 + 1.7²) = 0.51 of the variance.
    let (with, without) = (
      try #require(chosen.model.evaluate(on: test).r2),
      try #require(plain.model.evaluate(on: test).r2)
    )
    #expect(with > 0.35 && with > without + 0.05)
    let choice = try #require(chosen.choice)
    #expect(choice.learningRate != nil || choice.width != nil || choice.linearPart == .fitted)
    // The first trial is that of the recipe; what was chosen is one of the trials, and the model's.
    #expect(chosen.trials.first?.settings == TrialSettings())
    #expect(chosen.trials.contains { $0.settings == choice })
    #expect(choice.width == nil || chosen.model.record.network.width == choice.width)
    #expect(plain.choice == nil && plain.trials.isEmpty)
  }

  @Test func `the choice depends on seed and table only, and can be given`() throws {
    let table = Self.noisyLine(rows: 60)
    let one = try TabularModel.train(on: table, target: "y", options: options())
    let three = try TabularModel.train(
      on: table, target: "y", options: options { $0.threads = 3 })
    #expect(one.trials == three.trials)
    #expect(try one.model.file().encoded() == three.model.file().encoded())
    // The same settings by hand: the same bytes.
    let given = try #require(one.choice).applied(to: options())
    #expect(!given.choosesByTrial)
    let again = try TabularModel.train(on: table, target: "y", options: given)
    #expect(try one.model.file().encoded() == again.model.file().encoded())
  }

  /// A chequered square of four by four fields.
  private static func board(rows: Int) -> Table {
    var generator = SeededGenerator(seed: 5)
    var columns = [[Double]](repeating: [], count: 2)
    var labels: [String] = []
    for _ in 0..<rows {
      let (x, y) = (generator.below(4000), generator.below(4000))
      columns[0].append(Double(x) / 1000)
      columns[1].append(Double(y) / 1000)
      labels.append((x / 1000 + y / 1000).isMultiple(of: 2) ? "white" : "black")
    }
    return Table(
      name: "board",
      columns: [
        TableColumn(name: "x", numbers: columns[0]), TableColumn(name: "y", numbers: columns[1]),
        TableColumn(name: "field", texts: labels),
      ])
  }

  @Test func `the default rate is lowered where it silences the neurons`() throws {
    let table = Self.board(rows: 2500)
    let outcome = try TabularModel.train(
      on: table, target: "field", options: options { $0.metric = TrainingOptions.Metric.none })
    #expect(try #require(outcome.model.record.test?.accuracy) > 0.9)
    #expect(outcome.model.record.training.learningRate < 20)
    // A person who gives a rate gets it.
    let given = try TabularModel.train(
      on: table, target: "field", options: options { $0.learningRate = 45 })
    #expect(given.model.record.training.learningRate == 45)
    #expect(try #require(given.model.record.test?.accuracy) < 0.7)
  }

  @Test func `one setting given leaves nothing to trials`() {
    #expect(options().choosesByTrial)
    let changes: [(inout TrainingOptions) -> Void] = [
      { $0.width = 64 }, { $0.threshold = .value(1) }, { $0.epochs = 3 }, { $0.constant = 1 },
      { $0.scaling = .rank }, { $0.metric = .learned }, { $0.optimizer = .adam },
      { $0.loss = .squared }, { $0.patience = 3 }, { $0.outputs = .zero },
      { $0.trainsOutputs = false }, { $0.linearPart = .fitted },
    ]
    for change in changes { #expect(!options(change).choosesByTrial) }
    // What is no setting of the network does not matter.
    let others = options {
      $0.seed = 5
      $0.threads = 2
      $0.testFraction = 0
      $0.droppedColumns = ["a"]
      $0.lookup = .dense
    }
    #expect(others.choosesByTrial)
  }

  @Test func `a handful of rows is trained on as it is`() throws {
    let outcome = try TabularModel.train(
      on: SampleTable.classification(rows: 30), target: "kind", options: options())
    #expect(outcome.trials.isEmpty && outcome.choice == TrialSettings())
  }

  @Test func `settings that cannot be trained with are no result`() throws {
    let prepared = try PreparedTable(
      Self.noisyLine(rows: 60), targets: ["y"], options: options())
    let trial = try SettingsTrial(prepared, options: options())
    var settings = TrialSettings()
    settings.width = 64
    settings.firingFraction = 0.25
    let result = try #require(trial.result(of: settings, visits: 2000))
    #expect(result.rows == 8 * 10 && result.rowVisits <= 2000)
    #expect(trial.result(of: settings, visits: 2000) == result)
    settings.firingFraction = 2
    #expect(trial.result(of: settings, visits: 2000) == nil)
    settings.firingFraction = 0.25
    settings.learningRate = 1e30
    #expect(trial.result(of: settings, visits: 2000) == nil)
  }

  @Test func `a trial counts what is wrong, against what costs nothing to say`() {
    func share(_ rows: [[Float]], _ targets: Targets, _ task: PredictionTask, mean: Double = 0)
      -> [Double]
    {
      let (error, scale) = SettingsTrial.error(
        of: Matrix(rows), against: targets, mean: mean, task: task)
      return [error, scale]
    }
    // Of labels: one missed and one too many, then one missed, of three there are.
    #expect(
      share([[1, -1, 1], [-1, -1, -1]], .labelSets([[0, 1], [2]], count: 3), .multiLabel) == [3, 3])
    #expect(share([[1, -1]], .labelSets([[0]], count: 2), .multiLabel) == [0, 1])
    #expect(
      share([[0.1, 0.3, 0.2], [2, 1, 0]], .classes([2, 0], count: 3), .classification) == [1, 2])
    let ones = Matrix([[1], [0], [1]])
    #expect(share([[0.2], [0.1], [-3]], .values(ones), .classification) == [2, 3])
    #expect(share([[0], [2], [1]], .values(ones), .regression, mean: 1) == [5, 1])
  }

  @Test func `sets of labels are tried as other targets are`() throws {
    let table = SampleTable.labelSets(rows: 120)
    let options = options { $0.labelSeparator = ";" }
    let trial = try SettingsTrial(
      try PreparedTable(table, targets: ["tags"], options: options), options: options)
    var settings = TrialSettings()
    (settings.width, settings.firingFraction) = (256, 0.3)
    let learned = try #require(trial.result(of: settings, visits: 20_000))
    // Saying no label at all has an error of 1.
    #expect(learned.error < 0.5 && !learned.judgesClasses)
    settings.linearPart = .fitted
    #expect(try #require(trial.result(of: settings, visits: 20_000)).error < 0.6)
    settings.learningRate = 1e30
    #expect(trial.result(of: settings, visits: 2000) == nil)
  }

  @Test func `what is linear in many columns is not left to a network alone`() throws {
    var source = NormalSource(seed: 5)
    var columns = [[Double]](repeating: [], count: 41)
    for _ in 0..<1000 {
      let x = (0..<40).map { _ in Double(source.next()) }
      for (column, value) in x.enumerated() { columns[column].append(value) }
      columns[40].append(x.reduce(0, +) / 6 + 0.8 * Double(source.next()))
    }
    let table = Table(
      name: "wide",
      columns: columns.enumerated().map { TableColumn(name: "c\($0)", numbers: $1) })
    let (training, test) = (table.selecting(rows: 0..<120), table.selecting(rows: 120..<1000))
    func r2(_ change: (inout TrainingOptions) -> Void = { _ in }) throws -> Double {
      let options = options {
        $0.testFraction = 0
        change(&$0)
      }
      let model = try TabularModel.train(on: training, target: "c40", options: options).model
      return try #require(model.evaluate(on: test).r2)
    }
    let (chosen, plain) = (try r2(), try r2 { $0.metric = TrainingOptions.Metric.none })
    // Ridge regression comes to 0.35 or so, what can be known is 0.63.
    #expect(chosen > 0.3 && chosen > plain + 0.1, "\(chosen), \(plain)")
  }

  /// A sine with noise that leaves 0.92 of the variance to be explained.
  private static func wave(rows: Int) -> Table {
    var source = NormalSource(seed: 41)
    var generator = SeededGenerator(seed: 41)
    var columns = [[Double]](repeating: [], count: 2)
    for _ in 0..<rows {
      let x = Double(generator.below(4000)) / 1000 - 2
      columns[0].append(x)
      columns[1].append(sin(4 * x) + 0.2 * Double(source.next()))
    }
    return Table(
      name: "wave", columns: zip(["x", "y"], columns).map { TableColumn(name: $0, numbers: $1) })
  }

  @Test func `where few rows make few steps the run is longer`() throws {
    let table = Self.wave(rows: 2200)
    let (training, test) = (table.selecting(rows: 0..<200), table.selecting(rows: 200..<2200))
    let options = options { $0.testFraction = 0 }
    let chosen = try TabularModel.train(on: training, target: "y", options: options)
    #expect(chosen.choice?.epochs == 160 && chosen.epochs.count == 160)
    #expect(try #require(chosen.model.evaluate(on: test).r2) > 0.88)
    // Of many rows the recipe's epochs are steps enough.
    let many = try TabularModel.train(on: test, target: "y", options: options)
    #expect(many.choice?.epochs == nil && many.epochs.count == 40)
  }

  @Test func `what is far behind others on some of the rows is given up`() throws {
    let prepared = try PreparedTable(Self.noisyLine(rows: 200), targets: ["y"], options: options())
    let trial = try SettingsTrial(prepared, options: options())
    var linear = TrialSettings()
    (linear.epochs, linear.linearPart) = (0, .fitted)
    let rival = try #require(trial.result(of: linear, visits: 65_536))
    func result(against rival: TrialResult?) throws -> (TrialResult?, share: Double) {
      var share = 0.0
      let result = try trial.result(of: TrialSettings(), visits: 65_536, against: rival) {
        share = $0
        return .proceed
      }
      return (result, share)
    }
    let whole = try result(against: nil)
    #expect(try #require(whole.0).error > 1.3 * rival.error && whole.share > 0.99)
    let given = try result(against: rival)
    #expect(given.0 == nil && given.share < 0.99)
    // Nobody is far behind oneself.
    #expect(try result(against: whole.0).0 == whole.0)
  }

  @Test func `rows set apart again tell less than other rows would`() {
    let (excess, error) = TrialResult.difference([0.5, 0.3, 0.4, 0.6], [0.3, 0.3, 0.3, 0.3])
    #expect(abs(excess - 0.15) < 1e-12)
    // The variance is 0.05 / 3; a quarter for the four times, a quarter for a fifth of the rows held out.
    #expect(abs(error - (0.05 / 3 * 0.5).squareRoot()) < 1e-12)
  }

  // MARK: Trials as part of a run

  @Test func `trials say how far they are and end when told to`() throws {
    let prepared = try PreparedTable(Self.noisyLine(rows: 60), targets: ["y"], options: options())
    func choice() throws -> SettingsChoice {
      try SettingsChoice(
        for: prepared, options: options(), communicator: SingleProcess())
    }
    let whole = try choice()
    var (last, count) = (0.0, 0)
    whole.run { progress in
      #expect(progress.done >= last && progress.done <= Double(progress.count))
      #expect(count == 0 || progress.count == count)
      (last, count) = (progress.done, progress.count)
      return .proceed
    }
    #expect(last > Double(whole.results.count) - 1e-9 && whole.results.count <= count)
    let stopped = try choice()
    stopped.run { $0.done >= 2.5 ? .stop : .proceed }
    #expect(stopped.results == Array(whole.results.prefix(2)))
    let none = try choice()
    none.run { _ in .stop }
    #expect(none.results.isEmpty && none.best == TrialSettings())
  }

  @Test func `a run that goes on has its settings from its beginning`() throws {
    let table = Self.wave(rows: 80)
    var saved: TrainerState?
    let whole = try TabularModel.train(
      on: table, targets: ["y"], options: options(), resuming: nil
    ) { trainer in
      try trainer.run(onStep: {
        if trainer.stepCount == 3 { saved = trainer.state() }
        return .proceed
      })
    }
    let folder = TemporaryFolder()
    try #require(saved).save(to: folder.file("state"))
    let resumed = try TabularModel.train(
      on: table, targets: ["y"], options: options(),
      resuming: try TrainerState(contentsOf: folder.file("state")),
      choose: { _ in Issue.record("trials were made again") }, run: { try $0.run() })
    #expect(try resumed.model.file().encoded() == whole.model.file().encoded())
    #expect(resumed.choice == whole.choice && resumed.trials.isEmpty)
    // A state that tells no settings: they are found again.
    saved?.note = nil
    var trials = 0
    let again = try TabularModel.train(
      on: table, targets: ["y"], options: options(), resuming: saved,
      choose: {
        $0.run()
        trials = $0.results.count
      }, run: { try $0.run() })
    #expect(trials == whole.trials.count)
    #expect(try again.model.file().encoded() == whole.model.file().encoded())
  }

  @Test func `better by chance is not clearly better`() {
    func result(_ error: Double, rows: Int, isShare: Bool) -> TrialResult {
      TrialResult(
        settings: .init(), error: error, rows: rows, rowVisits: 1, judgesClasses: isShare,
        costs: [])
    }
    let base = result(0.2, rows: 100, isShare: true)
    #expect(!result(0.19, rows: 100, isShare: true).isClearlyBetter(than: base))
    #expect(result(0.17, rows: 100, isShare: true).isClearlyBetter(than: base))
    #expect(!result(0.2, rows: 100, isShare: true).isClearlyBetter(than: base))
    let mean = result(0.5, rows: 100, isShare: false)
    #expect(!result(0.496, rows: 100, isShare: false).isClearlyBetter(than: mean))
    #expect(result(0.49, rows: 100, isShare: false).isClearlyBetter(than: mean))
  }

  @Test func `of few rows the simplest settings that are as good but for chance are taken`() {
    func result(_ number: Int, _ costs: [Double]) -> TrialResult {
      var settings = TrialSettings()
      settings.width = number
      return TrialResult(
        settings: settings, error: 0, rows: 1, rowVisits: 1, judgesClasses: false, costs: costs)
    }
    func simplest(_ costs: [[Double]]) -> Int? {
      TrialResult.simplest(of: costs.enumerated().map { result($0, $1) }).settings.width
    }
    // Worse every time by the same: that is no chance.
    #expect(simplest([[0.3, 0.5, 0.4, 0.6], [0.2, 0.4, 0.3, 0.5]]) == 1)
    // Worse by 0.02 on average, with a standard error of 0.069, and the same without one.
    #expect(simplest([[0.3, 0.5, 0.2, 0.6], [0.2, 0.6, 0.22, 0.5]]) == 0)
    #expect(simplest([[0.3, 0.5], [0.3, 0.5], [0.3, 0.5]]) == 0)
    #expect(simplest([[0.9, 0.9, 0.5], [0.35, 0.5, 0.5], [0.3, 0.5, 0.5]]) == 1)
  }

  @Test func `a linear target gets the linear model, and that in two neurons an output`() throws {
    var source = NormalSource(seed: 31)
    var columns = [[Double]](repeating: [], count: 5)
    for _ in 0..<400 {
      let x = (0..<4).map { _ in Double(source.next()) }
      for (column, value) in x.enumerated() { columns[column].append(value) }
      columns[4].append(2 * x[0] - x[1] + 0.5 * x[3] + Double(source.next()))
    }
    let table = Table(
      name: "plane",
      columns: zip(["a", "b", "c", "d", "y"], columns).map { TableColumn(name: $0, numbers: $1) })
    let outcome = try TabularModel.train(on: table, target: "y", options: options())
    #expect(outcome.choice?.epochs == 0 && outcome.choice?.linearPart == .fitted)
    #expect(outcome.model.predictor.count == 2 && outcome.epochs.isEmpty)
    let again = try TabularModel(file: outcome.model.file())
    #expect(
      again.predictor.scores(for: Matrix([[1, 2, 3, 4, 1]]))
        .isIdentical(to: outcome.model.predictor.scores(for: Matrix([[1, 2, 3, 4, 1]]))))
    // No passes and no linear part: nothing to train.
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: table, target: "y", options: options { $0.epochs = 0 })
    }
  }
}
