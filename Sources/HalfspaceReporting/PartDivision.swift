// SPDX-License-Identifier: Apache-2.0

/// Where rows are cut into parts for threads, so that these take equally long: rows that are looked at longest
/// may be where they like.
///
/// ```
/// places   0    40    80    120   160     shards of the rows
/// windows       [     80     ]            where a bound may be, so that no two are within a shard
/// ranges   0..<70     | 70..<160
/// ```
///
/// Bounds follow what parts have taken, slowly: a row that changes hands is in the other's cache.
struct PartDivision {
  private(set) var ranges: [Range<Int>] = []
  /// Of each part the shards that it has rows of, and whether it begins within one.
  private(set) var shards: [Range<Int>] = []
  private(set) var isSplit: [Bool] = []
  private var rows = -1
  private var most = 0
  private var places: [Int] = []
  /// Where the bounds between parts would be by now, and may be.
  private var bounds: [Double] = []
  private var windows: [ClosedRange<Int>] = []
  /// Rows by which bounds move.
  private var unit = 1

  /// Share of a difference that is made up for in a step.
  private static let gain = 0.125
  /// Beyond these quotients of two times, somebody has been held up.
  private static let plausible = 0.25...4.0
  /// Bounds between tiles spare a second look at one, where that matters.
  private static let unitsOfRows = 64

  /// No parts.
  init() {}

  /// At most `most` parts of about as many shards.
  init(_ rows: Int, into most: Int, places: [Int]) {
    precondition(
      places.isEmpty || (places.first == 0 && places.last == rows && places.count > 1),
      "places \(places) of \(rows) rows")
    self.rows = rows
    self.most = most
    self.places = places
    let pieces = places.isEmpty ? max(1, rows) : places.count - 1
    let parts = max(1, min(most, pieces))
    func place(_ piece: Int) -> Int { places.isEmpty ? min(piece, rows) : places[piece] }
    unit = max(1, min(TileCodes.rowsPerTile, rows / (Self.unitsOfRows * parts)))
    for part in 1..<max(1, parts) {
      bounds.append(Double(place(pieces * part / parts)))
      let low = place(pieces * (2 * part - 1) / (2 * parts))
      windows.append(low...place(pieces * (2 * part + 1) / (2 * parts)))
    }
    cut(bounds.map { Int($0) })
  }

  /// Whether this is the division of so many rows.
  func isSame(_ rows: Int, _ most: Int, _ places: [Int]) -> Bool {
    rows == self.rows && most == self.most && places == self.places
  }

  /// Moves bounds, where parts have taken so long, by a little of what would make neighbors equal.
  mutating func balance(_ seconds: (_ part: Int) -> Double) {
    var isMoved = false
    for part in 1..<ranges.count {
      let (before, after) = (seconds(part - 1), seconds(part))
      let (first, second) = (ranges[part - 1].count, ranges[part].count)
      guard before > 0, after > 0, first > 0, second > 0,
        Self.plausible.contains(before / after)
      else { continue }
      let way = (after - before) / (before / Double(first) + after / Double(second))
      let window = windows[part - 1]
      bounds[part - 1] = min(
        max(bounds[part - 1] + Self.gain * way, Double(window.lowerBound)),
        Double(window.upperBound))
      let distance = bounds[part - 1] - Double(ranges[part].lowerBound)
      isMoved = isMoved || abs(distance) >= Double(unit)
    }
    guard isMoved else { return }
    cut(
      zip(bounds, windows).map { bound, window in
        let nearest = Int((bound / Double(unit)).rounded()) * unit
        return min(max(nearest, window.lowerBound), window.upperBound)
      })
  }

  private mutating func cut(_ bounds: [Int]) {
    let ends = bounds + [rows]
    ranges = zip([0] + bounds, ends).map { $0..<$1 }
    guard !places.isEmpty else {
      isSplit = ranges.map { _ in false }
      shards = ranges.map { _ in 0..<0 }
      return
    }
    // The first shard that begins at a row or behind it.
    func shard(from row: Int) -> Int { places.firstIndex { $0 >= row } ?? places.count - 1 }
    isSplit = ranges.map { places[shard(from: $0.lowerBound)] != $0.lowerBound }
    let first = ranges.indices.map { part in
      let next = shard(from: ranges[part].lowerBound)
      return isSplit[part] ? next - 1 : next
    }
    // A shard without rows at a bound is the later part's; all of them belong to some part.
    shards = ranges.indices.map { part in
      guard part + 1 < ranges.count else { return first[part]..<places.count - 1 }
      let next = part + 1
      return first[part]..<(isSplit[next] ? first[next] + 1 : first[next])
    }
  }
}
