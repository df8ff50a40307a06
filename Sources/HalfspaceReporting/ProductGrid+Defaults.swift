// SPDX-License-Identifier: Apache-2.0

// What a grid looks like unless its owner says otherwise. The rules are part of the definition of a
// network: they depend on its shape alone, and changing them changes its weights.
extension ProductGrid {
  /// The number of parts that rows are made of when none is given: 2; 3 above 2^32 rows, and from 2^26
  /// rows on where there are 3 to 31 coordinates or two parts would need vectors of 2^25 numbers or
  /// more in all (`G (s1 + s2) d`).
  ///
  /// Three parts of `s` vectors give `s^3` rows. They share more with each other than rows of two
  /// parts, but a report costs so much less that four times as many groups make up for much of it:
  /// where 64 of 2^26 rows fire, the error of a kernel estimate is a tenth above that of 64 groups of
  /// two parts, at a quarter of the multiply-adds (`Benchmarks/Results/grid-or-independent.md`). Rows
  /// that share two parts of three may learn to fire together: on digits, of 62 inputs, twice as many fire
  /// late in training as of two parts, at 2^26 to 2^30 rows, and every step pays for them. There rows have
  /// two parts as long as reports, of which a run makes one for each training row, cost some hundred
  /// microseconds. On letter, of 17 inputs, fewer fire with three parts than with two (145 to 204 a row,
  /// 178 to 205), and reports take a quarter of the time.
  public static func defaultPartCount(count: Int, dimension: Int) -> Int {
    guard count >= 1 << 26, dimension >= 3 else { return 2 }
    guard count <= 1 << 32, dimension >= 32 else { return 3 }
    let layout = Layout(count: count, dimension: dimension, groups: defaultGroupCount(count: count))
    return Double(layout.groups * layout.vectorCount) * Double(dimension) < 0x1p25 ? 2 : 3
  }

  /// The number of groups used for `count` rows of two or three parts when none is given.
  ///
  /// Two parts: 64, with these exceptions. Below 2^14 rows a group would have fewer than 256 of
  /// them, and asking many tiny groups would cost as much as a scan: there is a group per 256 rows.
  /// Above 2^32 rows the 64 groups would need more than 2^20 half-vectors: groups give way, down
  /// to 4, until 2^20 are enough. `s1 * G`, the number of vectors that a side averages over, still
  /// grows throughout.
  ///
  /// Three parts: 256; fewer below 2^16 rows, a group per 256 of them, and above 2^38 rows, where
  /// 256 groups would need more than 2^20 vectors.
  public static func defaultGroupCount(count: Int, parts: Int = 2) -> Int {
    if parts == 3 {
      if count < 1 << 16 { return max(1, count / 256) }
      if count > 1 << 38 { return max(4, Int((0x1p27 / Double(count).squareRoot()).rounded())) }
      return 256
    }
    if count < 1 << 14 { return max(1, count / 256) }
    if count > 1 << 32 { return max(4, Int((0x1p38 / Double(count)).rounded())) }
    return 64
  }

  /// The number of groups that brings rows as close to independent ones as a budget of work allows:
  /// the default, doubled as long as drawing the vectors and asking `queries` times stays
  /// below `work` multiply-adds and groups keep 256 rows. The default of `work` takes some
  /// seconds on one thread.
  ///
  /// Every training row is asked about once, so a table of few rows affords many groups. The number
  /// is part of the network's definition: pass it on as `groups`.
  public static func groupCount(
    count: Int, dimension: Int, queries: Int, work: Double = 0x1p36
  ) -> Int {
    let parts = defaultPartCount(count: count, dimension: dimension)
    var groups = defaultGroupCount(count: count, parts: parts)
    while count / (2 * groups) >= 256 {
      let layout = Layout(count: count, dimension: dimension, groups: 2 * groups, parts: parts)
      let numbers = Double(layout.groups * layout.vectorCount) * Double(dimension) / Double(parts)
      // Drawing a deviate takes as long as some hundred multiply-adds.
      if numbers * (Double(queries) + 100) > work { break }
      groups *= 2
    }
    return groups
  }
}
