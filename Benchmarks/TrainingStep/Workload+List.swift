// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceBenchmark

extension Workload {
  /// All workloads; letter only where its file is.
  static func all(quick: Bool, data: URL?) throws -> [Workload] {
    let digits = try TableProblem.digits()
    var list: [Workload] = []
    if let letter = try TableProblem.letter(in: data) {
      let narrow = Workload.letter(letter, width: 32_768, threshold: 3.3, epochs: 3)
      list += (quick ? [1, 64] : [1, 16, 64, 256]).map { narrow.with(batch: $0) }
      list.append(.letter(letter, width: 262_144, threshold: 3.5, epochs: 3))
    }
    let wide = Workload.digits(digits, width: 100_000, epochs: 8)
    list += (quick ? [1, 64] : [1, 16, 64, 256]).map { wide.with(batch: $0) }
    list.append(.million(rows: quick ? 2000 : 20_000))
    list.append(.spread(rows: quick ? 1024 : 4096, epochs: 2))
    list.append(.lowRank(rows: quick ? 1024 : 4096, epochs: 2))
    return list
  }

  /// The lookups worth a measurement; a first look is content with the default.
  func strategies(quick: Bool) -> [LookupStrategy] {
    guard !quick else { return [.automatic] }
    var list: [LookupStrategy] = [.automatic, .dense, .tiles]
    if inputs.columns <= 64 { list.append(.tree) }
    // A list for each row: a million neurons would take longer to list than all else.
    if network.width < 1_000_000 { list.append(.candidateLists) }
    return list
  }
}
