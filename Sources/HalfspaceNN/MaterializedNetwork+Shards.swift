// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension MaterializedNetwork {
  /// Offsets of the shards held here, within the rows that are stored here.
  var heldShards: [Int] {
    let own = ownership.shards(of: communicator.rank)
    return shards[own.lowerBound...own.upperBound].map { $0 - held.lowerBound }
  }

  /// One matrix of all rows, in layout order, from what each process holds of it: weights, or
  /// anything else that has a row for each stored one. Always a copy. All processes call it, and
  /// all get the whole.
  public func gathered(_ rows: Matrix) -> Matrix {
    // Each gives the rows that it moves.
    let own =
      communicator.size > 1 && division == .batches
      ? rows.gather(ownership.rows(of: communicator.rank)) : rows
    return communicator.gather(rows: own, counts: ownership.counts)
  }

  /// The rows held here of a matrix of all rows. A copy.
  public func held(of rows: Matrix) -> Matrix { rows.gather(held) }

  /// What processes had better divide in steps of `batch` rows, by what the static report has
  /// shown.
  func cheaperDivision(batch: Int) -> WorkDivision {
    guard communicator.size > 1 else { return .neurons }
    let cost = DivisionCost(
      ranks: communicator.size, stored: count, mostHeld: ownership.counts.max() ?? 0,
      shards: shards.count - 1, firings: Double(initialFirings) / Double(max(1, rowsSeen)),
      batch: batch, inputStride: weights.stride, outputStride: outputs.stride)
    return cost.batches < cost.neurons ? .batches : .neurons
  }
}
