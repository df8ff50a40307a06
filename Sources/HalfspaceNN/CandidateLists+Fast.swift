// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

// Neurons that are not listed. A mover is checked on every row until it is put among the fast neurons,
// with others, and found by its code. It stays there unless it has become slow enough for a list.

extension CandidateLists {
  /// Pairs that are decided in the time in which a neuron is put among the fast ones.
  private static let pairsOfCoding = 16
  /// Neurons that take as long as all else about it.
  private static let others = 64
  /// Pairs that are decided in the time that it takes to find out what a list would save.
  private static let pairsOfJudgement = 256
  /// Fewer neurons than these are checked as fast as codes are looked at. Rows that are asked one by one
  /// leave little of a batch to make up for the codes of what they move.
  private var leastCoded: Int { batchRows < Self.fewestRowsTogether ? 1024 : 64 }
  private static let fewestRowsTogether = 8
  /// Whether the neurons that are not listed are worth codes.
  var wantsCodes: Bool { movers.count + fast.count >= leastCoded }
  /// Epochs that a fast neuron is watched before it is said to be fast still.
  private static let leastAge = 0.5

  /// The neurons that are not listed, ascending.
  var unlisted: [Int32] { Self.merged(movers, fast.neurons) }

  /// Whether checking the movers has cost what it takes to put them among the fast neurons.
  var isCodingDue: Bool {
    let pairs = wantsCodes ? Self.pairsOfCoding : Self.pairsOfJudgement
    return !movers.isEmpty && moverChecks >= pairs * (movers.count + fast.count + Self.others)
  }

  /// Puts the movers among the fast neurons, if they are worth codes. O(d) each, old and new.
  func code() {
    moverChecks = 0
    guard wantsCodes else { return judgeAll() }
    let all = unlisted
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
    // Of a neuron of which nothing is known.
    let most = areCoded ? cost.ofCodes(entries: 0, at: Self.firstMargin) : cost.ofChecks
    return zip(neurons, choices(for: neurons, areCoded: areCoded)).reduce(0) { sum, pair in
      let choice = pair.1
      guard choice.limit >= 0, choice.saving > 0 else { return sum }
      return sum + min(choice.saving, most)
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
  func choices(for neurons: [Int32], areCoded: Bool) -> [Choice] {
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
