// SPDX-License-Identifier: Apache-2.0
import Halfspace

/// Hands out full batches of training rows, shuffled anew in every epoch.
struct BatchOrder {
  private let count: Int
  private let batch: Int
  private var order: [Int] = []
  private var position = 0
  private var epoch: UInt64 = 0

  init(rows: Int, batch: Int) {
    count = rows
    self.batch = batch
  }

  var batchesPerEpoch: Int { count / batch }

  mutating func next() -> ArraySlice<Int> {
    if position + batch > order.count {
      order = Array(0..<count)
      var generator = SeededGenerator(seed: 1, stream: epoch)
      generator.shuffle(&order)
      epoch += 1
      position = 0
    }
    defer { position += batch }
    return order[position..<position + batch]
  }

  /// What is handed out next, empty at the end of an epoch.
  var following: ArraySlice<Int> { order[position..<min(position + batch, order.count)] }
}
