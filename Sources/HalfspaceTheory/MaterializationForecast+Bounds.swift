// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension MaterializationForecast {
  /// Bounds of the probability that a Gaussian row fires on at least one of the rows of `inputs`
  /// `[n, d]`, from the probabilities of firing on one and on two of them alone.
  ///
  /// Below: `sum_i Q² / sum_j kappa_0(x_i, x_j)` (de Caen, Discrete Mathematics 1997). Above:
  /// `n Q` less the heaviest spanning tree of the pairs (Hunter, J. Appl. Prob. 1976; Worsley,
  /// Biometrika 1982), and at most 1. O(n² d).
  public static func bounds(
    inputs: Matrix, threshold: Double, threads: Int = 1
  ) -> ClosedRange<Double> {
    precondition(inputs.rows > 0, "inputs [\(inputs.rows), \(inputs.columns)]")
    let pairs = ShiftedReLUKernel(threshold: threshold, trained: .shift)
      .gramMatrix(of: inputs, threads: threads)
    let n = pairs.rows
    var lower = 0.0
    var single = 0.0
    for i in 0..<n {
      let q = pairs.elements[i * n + i]
      guard q > 0 else { continue }
      var row = 0.0
      for j in 0..<n { row += pairs.elements[i * n + j] }
      lower += q * q / row
      single += q
    }
    let upper = min(1, single - heaviestTree(pairs))
    // Rounding must not turn the bounds of a single input around.
    return min(lower, upper)...upper
  }

  /// Weight of the heaviest spanning tree of a complete graph, by Prim's algorithm.
  private static func heaviestTree(_ weights: DoubleMatrix) -> Double {
    let n = weights.rows
    var best = [Double](repeating: -1, count: n)
    var isInTree = [Bool](repeating: false, count: n)
    var total = 0.0
    var current = 0
    for _ in 1..<max(1, n) {
      isInTree[current] = true
      var next = -1
      for j in 0..<n where !isInTree[j] {
        best[j] = max(best[j], weights.elements[current * n + j])
        if next < 0 || best[j] > best[next] { next = j }
      }
      total += best[next]
      current = next
    }
    return total
  }
}
