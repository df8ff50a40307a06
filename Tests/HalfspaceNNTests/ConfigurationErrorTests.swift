// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@testable import HalfspaceNN

/// Settings and data that no network can be made of: each has its sentence.
@Suite struct ConfigurationErrorTests {
  private func expect(
    _ reason: String, inputs: Matrix? = nil, targets: Targets? = nil,
    validation: (inputs: Matrix, targets: Targets)? = nil,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout NetworkConfiguration, inout TrainingConfiguration) -> Void = { _, _ in }
  ) {
    let problem = Problem.values(1, rows: 6, dimension: 4)
    var network = NetworkConfiguration(width: 64, threshold: .expectedFiring(8))
    var training = TrainingConfiguration(loss: .squared, learningRate: 0.1)
    change(&network, &training)
    let error = #expect(throws: ConfigurationError.self, sourceLocation: sourceLocation) {
      try Trainer(
        inputs: inputs ?? problem.inputs, targets: targets ?? problem.targets,
        network: network, training: training, validation: validation)
    }
    #expect(
      error?.description == "cannot train: \(reason)", sourceLocation: sourceLocation)
  }

  @Test func `a width that is not positive`() {
    for threshold in [Threshold.value(1), .firingFraction(0.1), .paper] {
      expect("the width 0 is not positive") { network, _ in
        network.width = 0
        network.threshold = threshold
      }
      expect("the width -3 is not positive") { network, _ in
        network.width = -3
        network.threshold = threshold
      }
    }
  }

  @Test func `a width that no machine can hold`() {
    for width in [1 << 48 + 1, Int.max] {
      expect("the width \(width) is more than 2^48") { network, _ in
        network.width = width
        network.threshold = .value(1)
      }
    }
    var network = NetworkConfiguration(width: 1 << 48, threshold: .value(1))
    network.rows = .productGrid(groups: 1 << 30)
    let error = #expect(throws: ConfigurationError.self) {
      try network.makeInitialNetwork(dimension: 4, outputCount: 1)
    }
    let pattern = /cannot train: a product grid of \d+ rows of 4 takes \d+ bytes, more than half .*/
    #expect(error?.description.wholeMatch(of: pattern) != nil)
  }

  @Test func `more epochs and larger batches than there are rows`() throws {
    expect("1073741825 epochs are more than 2^30") { $1.epochs = 1 << 30 + 1 }
    expect("9223372036854775807 epochs are more than 2^30") { $1.epochs = .max }
    let problem = Problem.values(1, rows: 6, dimension: 4)
    let scores = try [6, Int.max].map { batchSize in
      let trainer = try Trainer(
        inputs: problem.inputs, targets: problem.targets,
        network: NetworkConfiguration(width: 64, threshold: .expectedFiring(8)),
        training: TrainingConfiguration(
          loss: .squared, epochs: 2, batchSize: batchSize, learningRate: 0.1))
      try trainer.run()
      return trainer.predictor().scores(for: problem.inputs)
    }
    #expect(scores[0].isIdentical(to: scores[1]))
  }

  @Test func `a threshold that no neuron reaches`() {
    expect(
      "at threshold 50.0 none of the 64 neurons fires on any of the 6 training rows; lower the "
        + "threshold or widen the network"
    ) { network, _ in network.threshold = .value(50) }
    // Rows of zeros reach no threshold above zero, nor zero itself: firing is strict.
    expect(
      "at threshold 0.0 none of the 64 neurons fires on any of the 2 training rows; lower the "
        + "threshold or widen the network",
      inputs: Matrix(rows: 2, columns: 4), targets: .values(Matrix(rows: 2, columns: 1))
    ) { network, _ in network.threshold = .value(0) }
  }

  @Test func `initializations that contradict themselves`() {
    expect("symmetric pairs need an even width, got 65") { network, _ in
      network.width = 65
      network.outputs = .symmetricPairs()
    }
    expect("output weights that start at zero and are not trained stay zero") { network, _ in
      network.trainsOutputs = false
    }
    expect("65 groups for 64 rows") { network, _ in network.rows = .productGrid(groups: 65) }
    expect("33 groups for 32 rows") { network, _ in
      network.rows = .productGrid(groups: 33)
      network.outputs = .symmetricPairs()
    }
    expect("1 parts of 4 coordinates") { network, _ in network.rows = .productGrid(parts: 1) }
    expect("4 parts of 4 coordinates") { network, _ in network.rows = .productGrid(parts: 4) }
    expect("0 groups for 64 rows") { network, _ in network.rows = .productGrid(groups: 0) }
  }

  @Test(arguments: [0, -1, Double.nan, .infinity])
  func `output scales that are not positive numbers`(_ value: Double) {
    expect("the output scale \(value) is not a positive number") { network, _ in
      network.outputScale = value
    }
  }

  @Test func `training settings out of range`() {
    expect("the number of epochs -1 is negative") { $1.epochs = -1 }
    expect("the batch size -1 is not positive") { $1.batchSize = -1 }
    expect("the learning rate 0.0 is not a positive number") { $1.learningRate = 0 }
    expect("the learning rate nan is not a positive number") { $1.learningRate = .nan }
    expect("the learning rate inf is not a positive number") { $1.learningRate = .infinity }
    expect("the number of threads 0 is not positive") { $1.threads = 0 }
    expect("the patience 0 is not positive", validation: Self.validation()) { $1.patience = 0 }
    expect("averaging from the share 1.0 of the run is not in 0..<1") { $1.averagingStart = 1 }
    expect("averaging from the share nan of the run is not in 0..<1") {
      $1.averagingStart = .nan
    }
    expect("the momentum 1.5 is not in 0..<1") { $1.optimizer = .momentum(mu: 1.5) }
    expect("the threshold nan is not a finite number") { network, _ in
      network.threshold = .value(.nan)
    }
  }

  @Test func `weight decay that breaks the network`() {
    expect("weight decay needs a threshold of at least 0, got -0.5") { network, training in
      training.weightDecay = 0.01
      network.threshold = .value(-0.5)
    }
    expect("the weight decay 10.0 times the learning rate is not in 0..<1") {
      $1.weightDecay = 10
    }
    expect("the weight decay -0.1 times the learning rate is not in 0..<1") {
      $1.weightDecay = -0.1
    }
    expect("the weight decay nan times the learning rate is not in 0..<1") {
      $1.weightDecay = .nan
    }
    expect("the weight decay 1.0 would shrink the weights by exp(-100.0)") {
      $1.weightDecay = 1
      $1.epochs = 1000
    }
  }

  @Test func `data of the wrong shape`() {
    expect(
      "there are no rows", inputs: Matrix(rows: 0, columns: 4),
      targets: .values(Matrix(rows: 0, columns: 1)))
    expect("the inputs have no columns", inputs: Matrix(rows: 6, columns: 0))
    expect(
      "6 input rows but 5 targets", targets: .values(Matrix(rows: 5, columns: 1)))
    expect(
      "the class 3 of row 1 is outside 0..<3",
      targets: .classes([0, 3, 0, 0, 0, 0], count: 3)
    ) { $1.loss = .softmaxCrossEntropy }
    expect("the softmaxCrossEntropy loss does not fit these targets") {
      $1.loss = .softmaxCrossEntropy
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func `data that are not finite`(_ value: Float) {
    let inputs = Problem.values(1, rows: 6, dimension: 4).inputs
    inputs[4, 2] = value
    expect("the input of row 4 is not finite", inputs: inputs)
    let targets = Matrix(rows: 6, columns: 1)
    targets[2, 0] = value
    expect("the target of row 2 is not finite", targets: .values(targets))
  }

  @Test func `validation data that do not fit`() {
    expect("early stopping needs validation rows") { $1.patience = 2 }
    expect(
      "2 input rows but 3 targets",
      validation: (Matrix(rows: 2, columns: 4), .values(Matrix(rows: 3, columns: 1))))
    expect(
      "there are no rows",
      validation: (Matrix(rows: 0, columns: 4), .values(Matrix(rows: 0, columns: 1))))
    expect(
      "the validation rows have 5 columns, the training rows 4",
      validation: (Matrix(rows: 2, columns: 5), .values(Matrix(rows: 2, columns: 1))))
    expect(
      "the validation targets do not have the training targets' outputs",
      validation: (Matrix(rows: 2, columns: 4), .values(Matrix(rows: 2, columns: 2))))
    let notFinite = Self.validation()
    notFinite.inputs[1, 1] = .nan
    expect("the input of row 1 is not finite", validation: notFinite)
  }

  @Test func `a stream with data that do not fit`() throws {
    let trainer = try Problem.values(1, rows: 6, dimension: 4).trainer(
      .init(width: 64, threshold: .expectedFiring(8)), .init(loss: .squared))
    let inputs = Matrix(rows: 2, columns: 4)
    func refusal(_ inputs: Matrix, _ targets: Targets) -> String? {
      #expect(throws: ConfigurationError.self) {
        try trainer.takeStep(onNew: inputs, targets: targets)
      }?.description
    }
    #expect(
      refusal(inputs, .values(Matrix(rows: 2, columns: 3)))
        == "cannot train: the targets do not have the 1 outputs of the network")
    #expect(
      refusal(inputs, .classes([0, 1], count: 2))
        == "cannot train: the squared loss does not fit these targets")
    #expect(
      refusal(inputs, .values(Matrix(rows: 3, columns: 1)))
        == "cannot train: 2 input rows but 3 targets")
    inputs[1, 3] = .nan
    #expect(
      refusal(inputs, .values(Matrix(rows: 2, columns: 1)))
        == "cannot train: the input of row 1 is not finite")
    #expect(trainer.stepCount == 0)
  }

  @Test func `configurations survive encoding`() throws {
    let network = NetworkConfiguration(
      width: 128, threshold: .expectedFiring(9), rows: .productGrid(groups: 4),
      outputs: .symmetricPairs(.signs), trainsOutputs: false, seed: 12)
    let training = TrainingConfiguration(
      loss: .huber(delta: 2), epochs: 3, batchSize: 7, learningRate: 0.25,
      schedule: .step(epochs: 2, factor: 0.1), optimizer: .adam(lazy: true), weightDecay: 0.01,
      averagingStart: 0.5, shuffles: false, patience: 4, seed: 99)
    #expect(
      try JSONDecoder().decode(
        NetworkConfiguration.self, from: JSONEncoder().encode(network)) == network)
    #expect(
      try JSONDecoder().decode(
        TrainingConfiguration.self, from: JSONEncoder().encode(training)) == training)
  }

  private static func validation() -> (inputs: Matrix, targets: Targets) {
    let problem = Problem.values(1, rows: 3, dimension: 4, seed: 5)
    return (problem.inputs, problem.targets)
  }
}
