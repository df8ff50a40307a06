// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceNN
internal import HalfspaceReporting

/// Requests that no network can meet, with the reason.
public enum PlanError: Error, CustomStringConvertible, Equatable {
  /// A number that makes no sense; the text completes "no plan: ...".
  case invalid(String)
  /// Functions of this norm do not reach the targets: `|f(x)| <= M sqrt(Q(b))`.
  case targetsOutOfReach(bound: Double, reach: Double, norm: Double)
  /// The width is more than the library allows; an excess of `smallest` is possible.
  case tooWide(width: Double, largest: Int, smallestEpsilon: Double)
  /// More steps than a trainer counts.
  case tooManySteps(Double)
  /// Fewer than one neuron is expected to fire on an input.
  case silent(width: Int, threshold: Double, expectedFiring: Double)
  /// The guarantee needs a loss of bounded slope and one output.
  case unsuitableLoss(String)
  /// The loss is steeper than planned for.
  case lossTooSteep(name: String, slope: Double, planned: Double)

  /// One sentence.
  public var description: String {
    switch self {
    case .invalid(let reason): "no plan: \(reason)"
    case .targetsOutOfReach(let bound, let reach, let norm):
      "no plan: functions of norm \(norm) stay below \(reach), the targets reach \(bound); "
        + "the norm must be larger or the threshold lower"
    case .tooWide(let width, let largest, let smallest):
      "no plan: the width \(String(format: "%.4g", width)) is more than \(largest); an excess of \(smallest) is the "
        + "smallest that can be planned for"
    case .tooManySteps(let steps): "no plan: \(steps) steps are more than 2^40"
    case .silent(let width, let threshold, let expected):
      "no plan: of \(width) neurons only \(expected) are expected to fire on an input at threshold "
        + "\(threshold); lower the threshold"
    case .unsuitableLoss(let name):
      "no plan: the \(name) loss has no bounded slope for one output; use the absolute, Huber, "
        + "logistic or hinge loss"
    case .lossTooSteep(let name, let slope, let planned):
      "no plan: the \(name) loss has slope \(slope), the plan is for at most \(planned)"
    }
  }
}
