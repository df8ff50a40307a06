// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// How a network is trained.
public struct TrainingConfiguration: Sendable, Equatable, Codable {
  /// The loss.
  public var loss: Loss
  /// Passes over the training rows; 0 leaves the network as it is drawn.
  public var epochs: Int
  /// Rows per step; the last batch of an epoch holds what is left.
  public var batchSize: Int
  /// The base learning rate.
  public var learningRate: Double
  /// How the rate changes over the run.
  public var schedule: LearningRateSchedule
  /// How gradients become steps.
  public var optimizer: Optimizer
  /// Decoupled weight decay: in each step the weights shrink by `rate * weightDecay`.
  public var weightDecay: Double
  /// From which share of the run on the iterates are averaged, in `0..<1`; nil: the last iterate
  /// is the result.
  public var averagingStart: Double?
  /// Whether the rows are shuffled before each epoch.
  public var shuffles: Bool
  /// Epochs without a better validation loss after which the run ends, with the best weights
  /// restored; nil: never. Needs validation data.
  public var patience: Int?
  /// Share of the neurons that fire on a row at the start that an epoch of the first quarter must reach,
  /// in `0..<1`: one in which fewer fire, or whose loss is not finite, was too fast, and the run begins
  /// again with a third of the learning rate, up to `Trainer.mostRestarts` times. Nil: whatever happens
  /// to the neurons is meant.
  public var firingFloor: Double?
  /// Seed of the shuffles.
  public var seed: UInt64
  /// How the neurons that fire are found. The result does not depend on it, and it is not encoded.
  public var lookup = LookupStrategy.automatic
  /// `rho`, for `LookupStrategy.staticIndex`: how far a row may move before it is looked at by
  /// itself; nil: `ln 2 / max(1, b)`, at which about twice as many candidates are looked at as fire.
  /// The result does not depend on it, and it is not encoded.
  public var indexMargin: Double?
  /// What processes divide among them. The result does not depend on it, and it is not encoded.
  public var division = WorkDivision.automatic
  /// Threads to use. The result does not depend on it, and it is not encoded.
  public var threads: Int = 1

  private enum CodingKeys: String, CodingKey {
    case loss, epochs, batchSize, learningRate, schedule, optimizer, weightDecay, averagingStart
    case shuffles, patience, firingFloor, seed
  }

  /// Plain SGD with the rate falling linearly to zero, unless said otherwise.
  public init(
    loss: Loss, epochs: Int = 20, batchSize: Int = 32, learningRate: Double = 20,
    schedule: LearningRateSchedule = .linear, optimizer: Optimizer = .sgd, weightDecay: Double = 0,
    averagingStart: Double? = nil, shuffles: Bool = true, patience: Int? = nil,
    firingFloor: Double? = nil, seed: UInt64 = 1, lookup: LookupStrategy = .automatic,
    indexMargin: Double? = nil,
    division: WorkDivision = .automatic, threads: Int = 1
  ) {
    self.loss = loss
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.schedule = schedule
    self.optimizer = optimizer
    self.weightDecay = weightDecay
    self.averagingStart = averagingStart
    self.shuffles = shuffles
    self.patience = patience
    self.firingFloor = firingFloor
    self.seed = seed
    self.lookup = lookup
    self.indexMargin = indexMargin
    self.division = division
    self.threads = threads
  }

  /// What processes are to divide, where there are several.
  ///
  /// - Throws: `ConfigurationError` when the batch cannot be divided.
  func division(
    for communicator: any Communicator, inputs: InputRows
  ) throws(ConfigurationError) -> WorkDivision {
    guard communicator.size == 1 || inputs.inMemory != nil else {
      guard division != .batches else {
        throw .invalid("batches of sparse or streamed rows cannot be divided")
      }
      return .neurons
    }
    guard communicator.size > 1, !optimizer.touchesFiredRowsOnly else {
      return communicator.size > 1 ? division : .neurons
    }
    guard division != .batches else {
      throw .invalid("\(optimizer.name) moves every row in every step; batches cannot be divided")
    }
    return .neurons
  }

  func validate(threshold: Float) throws(ConfigurationError) {
    guard epochs >= 0 else { throw .invalid("the number of epochs \(epochs) is negative") }
    // Steps are counted by an integer.
    guard epochs <= 1 << 30 else { throw .invalid("\(epochs) epochs are more than 2^30") }
    guard batchSize > 0 else { throw .invalid("the batch size \(batchSize) is not positive") }
    guard learningRate > 0, learningRate.isFinite else {
      throw .invalid("the learning rate \(learningRate) is not a positive number")
    }
    guard threads > 0 else { throw .invalid("the number of threads \(threads) is not positive") }
    guard weightDecay >= 0, weightDecay * learningRate < 1 else {
      throw .invalid("the weight decay \(weightDecay) times the learning rate is not in 0..<1")
    }
    guard weightDecay == 0 || threshold >= 0 else {
      throw .invalid("weight decay needs a threshold of at least 0, got \(threshold)")
    }
    if let start = averagingStart, !(start >= 0 && start < 1) {
      throw .invalid("averaging from the share \(start) of the run is not in 0..<1")
    }
    if let patience, patience < 1 { throw .invalid("the patience \(patience) is not positive") }
    if let firingFloor, !(firingFloor >= 0 && firingFloor < 1) {
      throw .invalid("the firing floor \(firingFloor) is not in 0..<1")
    }
    if let indexMargin, !(indexMargin > 0 && indexMargin.isFinite) {
      throw .invalid("the margin \(indexMargin) of the index is not a positive number")
    }
    try optimizer.validate()
  }
}
