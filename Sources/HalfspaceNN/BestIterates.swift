// SPDX-License-Identifier: Apache-2.0

/// The weights of the epoch with the least validation loss: what early stopping returns to.
public struct BestIterates: Sendable {
  /// The validation loss.
  public var loss: Double
  /// Number of the epoch, from 1.
  public var epoch: Int
  /// The weights; neurons that joined since are not among them.
  public var iterates: Iterates

  /// The weights of the given epoch.
  public init(loss: Double, epoch: Int, iterates: Iterates) {
    self.loss = loss
    self.epoch = epoch
    self.iterates = iterates
  }
}
