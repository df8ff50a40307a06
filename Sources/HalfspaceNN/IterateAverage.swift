// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// The average of the iterates of a run, at the price of the rows that move.
///
/// With true weights `W_t = s_t V_t` (`s` the decay scalar, `V` the stored rows) and steps
/// `V_t = V_(t-1) + D_t`, summation by parts gives, for iterates 1..T,
///
///     sum_t s_t V_t = S_T V_T - sum_t S_(t-1) D_t,     S_t = s_1 + ... + s_t, S_0 = 0.
///
/// A row that did not move has `D_t = 0`, so the second sum touches only moved rows in every step
/// (`LayerOptimizer.averageSum`), and the average is `(S_T / T) (V_T - sum / S_T)`: exact, not an
/// approximation of the dense average.
public struct IterateAverage: Sendable, Equatable, Codable {
  /// `S_t` for the first layer.
  public private(set) var decaySum = 0.0
  /// `S_t` for the output weights.
  public private(set) var outputDecaySum = 0.0
  /// Iterates averaged so far.
  public private(set) var count = 0

  mutating func add(decay: Double, outputDecay: Double) {
    decaySum += decay
    outputDecaySum += outputDecay
    count += 1
  }

  /// Whether the sums can be of so many decay scalars.
  var isPossible: Bool {
    [decaySum, outputDecaySum].allSatisfy { sum in
      count == 0 ? sum == 0 : sum > 0 && sum <= Double(count)
    }
  }

  /// Stored rows and scalar of the averaged layer.
  static func average(
    _ parameters: Matrix, sum: Matrix, decaySum: Double, count: Int
  ) -> (rows: Matrix, decay: Double) {
    let rows = parameters.copy()
    let ids = (0..<Int32(rows.rows)).map { $0 }
    unsafe hs_add_rows_f32(
      rows.rows, ids, rows.stride, Float(-1 / decaySum), sum.pointer, rows.pointer)
    return (rows, decaySum / Double(count))
  }
}
