// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

// Neurons that are not listed. A mover is checked on every row until it is put among the fast neurons,
// with others, and found by its code. It stays there unless it has become slow enough for a list.

extension CandidateLists {
  /// Pairs that are decided in the time in which a neuron is put among the fast ones.
  private static let pairsOfCoding = 16
  /// Fewer neurons than these are checked as fast as codes are looked at.
  private static let leastCoded = 64
  /// Epochs that a fast neuron is watched before it is said to be fast still.
  private static let leastAge = 0.5

  /// The neurons that are not listed, ascending.
  var unlisted: [Int32] { Self.merged(movers, fast.neurons) }

  /// Whether checking the movers has cost what it takes to put them among the fast neurons.
  var isCodingDue: Bool {
    !movers.isEmpty
      && moverChecks >= Self.pairsOfCoding * (movers.count + fast.count + Self.leastCoded)
  }

  /// Puts the movers among the fast neurons, if they are worth codes. O(d) each, old and new.
  func code() {
    moverChecks = 0
    let all = unlisted
    guard all.count >= Self.leastCoded else { return judgeAll() }
    saving += saving(of: movers, areCoded: true)
    movers = []
    fast.take(all, of: weights)
  }

  /// Finds out anew what listing the neurons that are not listed would save. O(d) each.
  func judgeAll() {
    judgedAt = rowsAnswered
    saving = saving(of: movers, areCoded: false) + saving(of: fast.neurons, areCoded: true)
    let ages = ages
    for neuron in fast.neurons where ages.of(Int(neuron)) >= Self.leastAge {
      // How fast it goes is measured from here on.
      let r = Int(neuron)
      unsafe reference.row(r).update(from: weights.row(r), count: weights.stride)
      takenAt[r] = rowsAnswered
    }
  }

  private func saving(of neurons: [Int32], areCoded: Bool) -> Double {
    let least = cost.ofCodes(entries: 0, at: margins.first ?? 0)
    return zip(neurons, choices(for: neurons, areCoded: areCoded)).reduce(0) { sum, pair in
      let choice = pair.1
      guard choice.limit >= 0, choice.saving > 0 else { return sum }
      return sum + min(choice.saving, least)
    }
  }

  /// The margin that a neuron is to have, its limit with this, and what a list saves in an epoch, in pairs
  /// of a dense product.
  struct Choice {
    var margin: Float
    var limit: Float
    var saving: Double
  }

  /// What is best for neurons that are not listed.
  func choices(for neurons: [Int32], areCoded: Bool = true) -> [Choice] {
    let cost = cost
    return Self.inParallel(neurons.count, threads: threads) {
      [weights, reference, budget, listed, margins, ages = ages] k in
      let r = Int(neurons[k])
      var margin = margins[r]
      var saving = Double.infinity
      if listed[r] >= 0 {
        let distance = Drift.distance(weights, r, reference, r)
        let entries = Double(listed[r])
        let best = cost.best(speed: distance / ages.of(r), entries: entries, at: margin)
        saving =
          (areCoded ? cost.ofCodes(entries: entries, at: margin) : cost.ofChecks) - best.cost
        margin = best.margin
      }
      let limit = unsafe budget.limit(
        stride: weights.stride, row: weights.row(r), margin: margin)
      return Choice(margin: margin, limit: limit, saving: saving)
    }
  }

  /// Two ascending lists as one.
  static func merged(_ some: [Int32], _ more: [Int32]) -> [Int32] {
    guard !some.isEmpty else { return more }
    guard !more.isEmpty else { return some }
    var merged: [Int32] = []
    merged.reserveCapacity(some.count + more.count)
    var (i, j) = (0, 0)
    while i < some.count, j < more.count {
      if some[i] < more[j] {
        merged.append(some[i])
        i += 1
      } else {
        merged.append(more[j])
        j += 1
      }
    }
    return merged + some[i...] + more[j...]
  }
}
