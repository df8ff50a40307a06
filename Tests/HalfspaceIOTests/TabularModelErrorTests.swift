// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import HalfspaceNN
import HalfspaceReporting
import Testing

/// Tables and options that no model can be made of: each has its sentence.
@Suite struct TabularModelErrorTests {
  private func expect(
    _ sentence: String, _ table: Table = SampleTable.regression(), target: String = "y",
    sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout TrainingOptions) -> Void = { _ in }
  ) {
    var options = TrainingOptions()
    options.width = 64
    options.epochs = 2
    options.threads = 1
    change(&options)
    let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
      try TabularModel.train(on: table, target: target, options: options)
    }
    #expect(error.map { "\($0)" } == sentence, sourceLocation: sourceLocation)
  }

  private func table(_ targets: [Double], spread: Bool = true) -> Table {
    Table(
      name: "t",
      columns: [
        TableColumn(name: "x", numbers: targets.indices.map { spread ? Double($0) : 1 }),
        TableColumn(name: "y", numbers: targets),
      ])
  }

  @Test func `options that make no sense`() {
    expect("cannot train: the width 0 is not positive") { $0.width = 0 }
    expect("cannot train: the width -1 is not positive") { $0.width = -1 }
    expect("cannot train: the width \(Int.max) is more than 2^48") { $0.width = .max }
    for fraction in [-0.1, 1, 2, .nan, .infinity] {
      expect("cannot train: the test fraction \(fraction) is not in 0..<1") {
        $0.testFraction = fraction
      }
    }
    expect("cannot train: the constant coordinate nan is not a finite number") {
      $0.constant = .nan
    }
    expect("cannot train: the number of epochs 0 is not positive") { $0.epochs = 0 }
    expect("cannot train: the batch size 0 is not positive") { $0.batchSize = 0 }
    expect("cannot train: the learning rate nan is not a positive number") {
      $0.learningRate = .nan
    }
    expect("cannot train: the firing fraction 1.0 is not between 0 and 1") {
      $0.threshold = .firingFraction(1)
    }
    expect("cannot train: symmetric pairs need an even width, got 63") {
      $0.width = 63
      $0.outputs = .symmetricPairs()
    }
    expect("cannot train: output weights that start at zero and are not trained stay zero") {
      $0.outputs = .zero
      $0.trainsOutputs = false
    }
  }

  @Test func `losses that do not fit`() {
    expect("cannot train: the softmax loss is not for regression") { $0.loss = .softmax }
    let kinds = SampleTable.classification()
    expect("cannot train: the squared loss is not for classification", kinds, target: "kind") {
      $0.loss = .squared
    }
    expect("cannot train: the hinge loss is for 2 classes, the target has 3", kinds, target: "kind")
    { $0.loss = .hinge }
  }

  @Test func `columns that are not there or cannot be missing`() {
    expect(
      "numbers, column \"z\": there is no such column; there are \"a\", \"b\", \"y\"", target: "z")
    expect("numbers, column \"z\": there is no such column; there are \"a\", \"b\", \"y\"") {
      $0.droppedColumns = ["z"]
    }
    expect("cannot train: the target column \"y\" cannot be dropped") { $0.droppedColumns = ["y"] }
    expect("numbers: no column distinguishes the rows, so there is nothing to learn from") {
      $0.droppedColumns = ["a", "b"]
    }
    expect(
      "t: no column distinguishes the rows, so there is nothing to learn from",
      table([1, 2, 3, 4.5], spread: false))
  }

  @Test func `too little to learn from`() {
    expect(
      "t, column \"y\": every row has the class \"1\", so there is nothing to learn", table([1]))
    expect(
      "t, column \"y\": every row has the target 1, so there is nothing to learn", table([1, 1])
    ) {
      $0.task = .regression
    }
    expect(
      "cannot train: 2 rows are too few to hold a share of 0.2 out as a test; a test fraction of 0 "
        + "trains on all", table([1.5, 2.5])
    ) { $0.task = .regression }
    expect(
      "cannot train: 2 rows of 2 classes are too few to hold a share of 0.2 out as a test; a test "
        + "fraction of 0 trains on all", table([1, 2]))
    // Only one row has another target: with every seed that holds it out, nothing is left to learn.
    let targets = [Double](repeating: 0.5, count: 9) + [1.5]
    let seed = (UInt64(1)...100).first {
      TrainTestSplit(rowCount: 10, testFraction: 0.2, seed: $0).test.contains(9)
    }
    expect(
      "cannot train: all 8 rows that are not held out as a test have the same target",
      table(targets)
    ) {
      $0.task = .regression
      $0.seed = seed ?? 0
    }
  }

  @Test(arguments: [1e9, 1e30, 1e300])
  func `training that leaves the numbers is no model`(rate: Double) {
    for (table, target) in [
      (SampleTable.regression(), "y"), (SampleTable.classification(), "kind"),
    ] {
      var options = TrainingOptions()
      options.width = 64
      options.epochs = 2
      options.learningRate = rate
      let error = #expect(throws: TrainingError.self) {
        try TabularModel.train(on: table, target: target, options: options)
      }
      guard case .diverged(let epoch, rate)? = error else {
        Issue.record("\(String(describing: error)) is not about the rate \(rate)")
        continue
      }
      #expect((1...2).contains(epoch))
    }
  }
}
