// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// The cost model on machines that are not here, with the measured prices of computation: a table of
/// 10^9 rows, of 64 coordinates and 10 classes, and a network of which 2^27 neurons are stored and
/// 4,096 fire on a row. Rows are held by ranks, so that the batch travels too.
struct ScalingForecast {
  private static let rows = 1e9
  private static let stored = Double(1 << 27)
  private static let shards = 4096
  private static let firings = 4096.0
  private static let dimension = 64.0
  private static let outputs = 16.0
  /// A network of 2 µs and 12.5 GB/s for each rank.
  private static let network = ExchangeCost(latency: 2e-6, secondsPerByte: 1 / 12.5e9)

  private let alone: [LookupStrategy: ScalingMeasurement]

  init(_ results: [ScalingMeasurement]) {
    alone = Dictionary(
      uniqueKeysWithValues: results.filter { $0.case.ranks == 1 && $0.case.kind == .strong }
        .map { ($0.case.lookup, $0) })
  }

  /// Seconds for each pair of a row and a stored neuron: what scans cost.
  private func secondsPerPair(_ result: ScalingMeasurement) -> Double {
    result.divided / Double(result.case.batch * result.stored)
  }

  /// Seconds for each pair that fires: what lists cost.
  private func secondsPerFiring(_ result: ScalingMeasurement) -> Double {
    result.divided / (Double(result.case.batch) * result.firingsPerRow)
  }

  /// The step of some ranks: what they divide and what each does for itself; the exchange of sums
  /// and of the batch.
  private func step(
    ranks: Int, batch: Double, secondsPerRow: Double, replicatedPerRow: Double
  ) -> (computed: Double, exchanged: Double) {
    // Whole shards.
    let share = Double((Self.shards + ranks - 1) / ranks) / Double(Self.shards)
    let sums = Self.network.sums(
      bytes: 4 * batch * Self.outputs, shards: Self.shards, ranks: ranks)
    let rows = Self.network.gather(bytes: 4 * batch * Self.dimension, ranks: ranks)
    return (batch * (secondsPerRow * share + replicatedPerRow), sums + rows)
  }

  var text: String {
    guard let tiles = alone[.tiles], let lists = alone[.candidateLists] else { return "" }
    let replicated = tiles.replicated / Double(tiles.case.batch)
    let ways = [
      ("tiles", secondsPerPair(tiles) * Self.stored),
      ("candidate lists", secondsPerFiring(lists) * Self.firings),
    ]
    let touchedShare =
      lists.touchedRows / (lists.firingsPerRow * Double(lists.case.batch))
    var table = TextTable(
      "lookup", "batch", "ranks", "computed", "exchanged", "step", "efficiency", "an epoch",
      "moved rows would take")
    for (name, perRow) in ways {
      for batch in [256.0, 4096, 65536] {
        for ranks in [1, 16, 128, 1024, 4096] {
          let (computed, exchanged) = step(
            ranks: ranks, batch: batch, secondsPerRow: perRow, replicatedPerRow: replicated)
          let step = computed + exchanged
          let single = batch * (perRow + replicated)
          let pairs = batch * Self.firings
          let moved = Self.network.dividedBatch(
            bytes: 4 * batch * Self.outputs, pairs: pairs,
            moved: min(Self.stored, pairs * touchedShare),
            rowBytes: 4 * (Self.dimension + Self.outputs), ranks: ranks)
          table.append(
            name, Format.count(Int(batch)), Format.count(ranks), Format.duration(computed),
            Format.duration(exchanged), Format.duration(step),
            Format.percent(single / step / Double(ranks), decimals: 0),
            Format.duration(step * Self.rows / batch), Format.duration(moved))
        }
      }
    }
    return """

      ## On paper

      10^9 rows of 64 coordinates in 10 classes, held by the ranks; 2^27 stored neurons in 4,096
      shards, 4,096 of which fire on a row; ranks of one thread in a network of 2 µs and 12.5 GB/s
      for each. Prices of computation are those measured above: \
      \(Format.significant(secondsPerPair(tiles) * 1e12)) ps for each pair of a row and a stored neuron
      with tiles, \(Format.significant(secondsPerFiring(lists) * 1e9)) ns for each that fires with
      candidate lists, and \(Format.significant(replicated * 1e9)) ns for each row of the batch that
      every rank spends for itself. *Moved rows would take*: the exchanges of a step with the batch
      divided instead of the neurons.

      \(table)

      """
  }
}
