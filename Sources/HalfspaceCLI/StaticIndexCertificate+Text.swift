// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension StaticIndexCertificate {
  /// What the run has shown, in two sentences.
  var summary: String {
    let verdict =
      holds
      ? "One index over the initial weights has found every neuron that fired"
      : "\(Format.count(violations)) rows went further than the margin of the static index, which "
        + "was made again \(rebuilds == 1 ? "once" : "\(Format.count(rebuilds)) times")"
    return "\(verdict): largest displacement \(Format.significant(largestDisplacement)), margin "
      + "\(Format.significant(margin)). It gave \(Format.significant(overReport)) candidates for "
      + "each, predicted \(Format.significant(predictedOverReport))."
  }
}
