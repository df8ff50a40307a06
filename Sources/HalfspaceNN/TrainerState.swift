// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Everything that the rest of a run depends on, as plain values: with the data and the settings
/// it makes a trainer that goes on as if it had never stopped, bit for bit.
///
/// ```swift
/// let state = trainer.state()                       // after any step
/// let other = try Trainer(
///   inputs: inputs, targets: targets, network: network, training: training, resuming: state)
/// try other.run()                                   // the rest
/// ```
///
/// ```
/// neurons   [ 17, 203, ... ]   M numbers in the initial network, in the order of the rows
/// shards    [ 0, ..., M ]      offsets that sums over neurons run in
/// hidden    rows [M, d], decay, optimizer [M, d] each, averageSum [M, d]
/// output    rows [M, C], decay, optimizer [M, C] each, averageSum [M, C]
/// ```
///
/// The rows stand in the order of the whole network, however they were distributed over threads
/// or processes. What finds the neurons that fire is no part of the state: its structures are made
/// anew from the rows, and as its reports are exact, the trajectory does not depend on when. The same
/// holds for `lookup` and `threads` of the training configuration: a run may go on with others.
public struct TrainerState: Sendable {
  /// One layer: its rows, and what moves them.
  public struct Layer: Sendable {
    /// The stored rows, to be multiplied by `decay`.
    public var rows: Matrix
    /// What weight decay has left of the layer.
    public var decay: Double
    /// The optimizer's matrices, as many as `Optimizer` has; none for a layer that is not trained.
    public var optimizer: [Matrix]
    /// The sum that the average of the iterates needs (`IterateAverage`); nil while not averaging.
    public var averageSum: Matrix?

    /// A layer of its parts.
    public init(rows: Matrix, decay: Double, optimizer: [Matrix], averageSum: Matrix?) {
      self.rows = rows
      self.decay = decay
      self.optimizer = optimizer
      self.averageSum = averageSum
    }
  }

  /// What is counted rather than stored in rows.
  public struct Counts: Sendable, Equatable, Codable {
    /// Steps taken.
    public var steps: Int
    /// Neurons that have fired in all steps, summed over rows.
    public var firings: Int
    /// Pairs that fired in the static reports.
    public var initialFirings: Int
    /// Rows that static reports were made for.
    public var rowsSeen: Int
    /// The sums of the average of the iterates; nil while not averaging.
    public var average: IterateAverage?
    /// How far the run is.
    public var progress: RunProgress
    /// Where the time went.
    public var times: TrainingTimes
  }

  /// The network before training.
  public var network: NetworkConfiguration
  /// How it is trained.
  public var training: TrainingConfiguration
  /// The data.
  public var data: DataFingerprint
  /// Numbers of the stored neurons in the initial network, in the order of the rows.
  public var neurons: [Int]
  /// Offsets of the logical shards.
  public var shards: [Int]
  /// The first layer.
  public var hidden: Layer
  /// The output weights.
  public var output: Layer
  /// The weights that early stopping would return to.
  public var best: BestIterates?
  /// Counts and sums.
  public var counts: Counts
  /// What whoever made the trainer wants to be told when the run goes on (`Trainer.note`).
  public var note: String?

  /// A state of its parts; `Trainer` checks whether they fit each other.
  public init(
    network: NetworkConfiguration, training: TrainingConfiguration, data: DataFingerprint,
    neurons: [Int], shards: [Int], hidden: Layer, output: Layer, best: BestIterates?,
    counts: Counts, note: String? = nil
  ) {
    self.network = network
    self.training = training
    self.data = data
    self.neurons = neurons
    self.shards = shards
    self.hidden = hidden
    self.output = output
    self.best = best
    self.counts = counts
    self.note = note
  }

  /// Whether all numbers are finite. A run whose state is not has diverged. O(M (d + C)).
  public var isFinite: Bool {
    [hidden, output].allSatisfy { layer in
      layer.rows.isFinite && layer.optimizer.allSatisfy(\.isFinite)
        && layer.averageSum?.isFinite != false
    } && counts.progress.loss.isFinite
  }
}
