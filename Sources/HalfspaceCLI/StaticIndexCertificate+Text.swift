// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension StaticIndexCertificate {
  /// What the run has shown, in two sentences.
  var summary: String {
    "\(verdict): largest displacement \(Format.significant(largestDisplacement)), margin "
      + "\(Format.significant(margin)). It gave \(Format.significant(overReport)) candidates for "
      + "each, predicted \(Format.significant(predictedOverReport))."
  }

  private var verdict: String {
    if holds { return "One index over the initial weights has found every neuron that fired" }
    let moved =
      switch violations {
      case 0: "No row went further than the margin of the static index"
      case 1: "1 row went further than the margin of the static index"
      default: "\(Format.count(violations)) rows went further than the margin of the static index"
      }
    return switch rebuilds {
    case 0: moved + "; each was looked at by itself"
    case 1: moved + ", which was made again once"
    default: moved + ", which was made again \(Format.count(rebuilds)) times"
    }
  }
}
