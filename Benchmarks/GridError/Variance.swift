// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Foundation
import Halfspace

/// What Hoeffding's decomposition says about the share of rows that fire on both of two unit
/// queries of correlation `rho`.
///
/// A row fires on both with probability kappa. Rows of a group share parts of their coordinates;
/// V(f) is the variance of that probability once a share f of the coordinates is known, V(1) =
/// kappa (1 - kappa). Of a group with s vectors per part,
///
///     two parts     (2 z1 / s + z2 / s^2) / G                 z1 = V(1/2), z2 = V(1) - 2 z1
///     three parts   (3 z1 / s + 3 z2 / s^2 + z3 / s^3) / G    z1 = V(1/3), z2 = V(2/3) - 2 z1,
///                                                             z3 = V(1) - 3 z1 - 3 z2
///
/// is the variance of the share, and V(1) / m that of independent rows.
struct Variance {
  let threshold: Double
  let correlation: Double
  let kappa: Double

  init(threshold: Double, correlation: Double) {
    self.threshold = threshold
    self.correlation = correlation
    kappa = ShiftedReLU.kappa0(threshold: threshold, correlation: correlation)
  }

  var independent: Double { kappa * (1 - kappa) }

  /// The variance of the share of firing rows of a grid.
  func ofGrid(rows m: Int, groups: Int, parts: Int) -> Double {
    let s = pow(Double(m) / Double(groups), 1 / Double(parts))
    let first = known(share: 1 / Double(parts))
    guard parts == 3 else {
      return (2 * first / s + (independent - 2 * first) / (s * s)) / Double(groups)
    }
    let second = known(share: 2.0 / 3) - 2 * first
    let third = independent - 3 * first - 3 * second
    return (3 * first / s + 3 * second / (s * s) + third / (s * s * s)) / Double(groups)
  }

  /// V(f). The known coordinates add to the two pre-activations normal numbers of variance f and
  /// correlation rho; what is left has variance 1 - f. For one and the same query V(f) =
  /// kappa_0(b, f) - Q(b)^2; otherwise integrated by the rectangle rule, which is exact for
  /// practical purposes where the integrand is smooth and vanishes at the ends.
  private func known(share f: Double) -> Double {
    if correlation == 1 {
      let both = ShiftedReLU.kappa0(threshold: threshold, correlation: f)
      return both - kappa * kappa
    }
    let (steps, reach) = (240, 8.0)
    let h = 2 * reach / Double(steps)
    let (known, rest) = (f.squareRoot(), (1 - f).squareRoot())
    let across = (1 - correlation * correlation).squareRoot()
    var sum = 0.0
    for i in 0..<steps {
      let z = -reach + (Double(i) + 0.5) * h
      for j in 0..<steps {
        let y = -reach + (Double(j) + 0.5) * h
        let weight = exp(-(z * z + y * y) / 2)
        guard weight > 1e-16 else { continue }
        var corner = 0.0
        var moment = 0.0
        unsafe hs_normal_corner_f64(
          (threshold - known * z) / rest,
          (threshold - known * (correlation * z + across * y)) / rest, correlation, &corner,
          &moment)
        sum += weight * corner * corner
      }
    }
    return sum * h * h / (2 * Double.pi) - kappa * kappa
  }
}
