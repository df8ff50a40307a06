// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg

/// What candidate lists with some margin cost, in pairs of a dense product. Estimates: they decide
/// when something is done, never what is reported. The constants were measured on one Zen core.
struct MarginCost {
  /// Training rows, and those of a batch.
  let rows: Int
  let batch: Int
  /// Entries grow with the margin as the tail of the normal distribution does: by these factors for
  /// multiples of the unit of margins, times the one for a margin of zero.
  private let growth: [Double]

  /// Deciding one listed pair: more than a pair of a product, because it has to be put in order, which takes
  /// the longer beside it the shorter rows are, and because long rows come from memory.
  let listed: Double
  /// Floats of a row.
  let stride: Double

  /// Putting a pair in order, in pairs of rows of one float.
  private static let order = 150.0
  /// Fetching a row from memory, and bytes of rows that stay in the last cache.
  private static let fetch = 4.0
  private static let cachedBytes = 32 << 20
  /// What making lists takes, as a share of what an index takes for an epoch: an index over the training
  /// rows is asked for every neuron.
  private static let makingOfEpoch = 2.0
  /// Copying one entry of a list in a merge, in multiply-adds.
  static let merge = 90.0
  /// Refreshing a neuron, for each training row: its query, its share of a merge, and looking at its codes
  /// until then.
  static let refresh = 0.5
  /// The margins that are tried, in standard deviations of what an initial neuron gives on a row of
  /// norm 1.
  static let choices: [Float] = units.map { Float($0) * unit }
  private static let unit: Float = 1 / 64
  private static let units = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]

  /// Costs of rows of `weights` above `threshold` over `rows` training rows, which come in batches of `batch`.
  init(_ weights: Matrix, threshold: Float, rows: Int, batch: Int) {
    self.rows = rows
    self.batch = max(1, batch)
    stride = Double(max(1, weights.stride))
    let isFar = weights.byteCount > Self.cachedBytes
    listed = 1 + Self.order / stride + (isFar ? Self.fetch : 0)
    let slope = max(1, Double(threshold)) * Double(Self.unit)
    growth = (0...Self.units.last!).map { exp(slope * Double($0)) }
  }

  /// A neuron for which `entries` rows were listed at one margin, in an epoch with another margin and
  /// at `speed` (distance per epoch): its entries, and its share of a refresh.
  func of(
    margin: Float, speed: Double, entries: Double, at listedMargin: Float
  ) -> Double {
    listed * self.entries(at: margin, of: entries, at: listedMargin)
      + Self.refresh * Double(rows) * speed / Double(margin)
  }

  /// The entries that a neuron is expected to have at `margin`, which has `entries` at another.
  func entries(at margin: Float, of entries: Double, at listedMargin: Float) -> Double {
    min(
      Double(rows),
      max(1, entries) * growth[Int(margin / Self.unit)] / growth[Int(listedMargin / Self.unit)])
  }

  /// The cheapest choice: beyond it, costs rise.
  func best(
    speed: Double, entries: Double, at listedMargin: Float
  ) -> (margin: Float, cost: Double) {
    var best = (margin: Self.choices[0], cost: Double.infinity)
    for margin in Self.choices {
      let cost = of(margin: margin, speed: speed, entries: entries, at: listedMargin)
      guard cost < best.cost else { break }
      best = (margin, cost)
    }
    return best
  }

  /// Seconds of a pair of a dense product, where the dense lookup over `neurons` takes `pace` for a row. Where rows
  /// come one by one it scans, which takes twice as long for a pair; so do lists then, input by input.
  static func pair(ofDense pace: Double, neurons: Int) -> Double {
    pace / Double(max(1, neurons))
  }

  /// Seconds to make lists over `rows` training rows, where an index takes `pace` for a row.
  static func making(rows: Int, index pace: Double) -> Double {
    makingOfEpoch * pace * Double(rows)
  }
}
