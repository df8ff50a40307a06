// SPDX-License-Identifier: Apache-2.0
import CHalfspace

/// A random CSR report and its transpose.
struct SparseReport {
  let queries: Int
  let m: Int
  let offsets: Block<Int>
  let ids: Block<Int32>
  let values: Block<Float>

  /// The transpose, written down naively.
  private(set) var active: [Int32] = []
  private(set) var starts: [Int32] = [0]
  private(set) var rows: [Int32] = []
  private(set) var h: [Float] = []

  /// Every pair fires with probability `percent` / 100.
  init(queries: Int, m: Int, percent: Int, dice: inout Dice) {
    self.queries = queries
    self.m = m
    var offsets = [0]
    var ids: [Int32] = []
    var values: [Float] = []
    for _ in 0..<queries {
      for r in 0..<m where dice.below(100) < percent {
        ids.append(Int32(r))
        values.append(dice.normal())
      }
      offsets.append(ids.count)
    }
    self.offsets = Block(offsets)
    self.ids = Block(ids)
    self.values = Block(values)
    var entries = [[(Int32, Float)]](repeating: [], count: m)
    for q in 0..<queries {
      for e in offsets[q]..<offsets[q + 1] {
        entries[Int(ids[e])].append((Int32(q), values[e]))
      }
    }
    for (r, list) in entries.enumerated() where !list.isEmpty {
      active.append(Int32(r))
      rows += list.map { $0.0 }
      h += list.map { $0.1 }
      starts.append(Int32(rows.count))
    }
  }

  var pairs: Int { ids.count }
  var neurons: Int { active.count }

  /// The entries of active neuron n.
  func entries(_ n: Int) -> Range<Int> { Int(starts[n])..<Int(starts[n + 1]) }

  /// The report as kernels take it.
  struct Lists {
    let active: Block<Int32>
    let starts: Block<Int32>
    let rows: Block<Int32>
    let h: Block<Float>
  }

  var lists: Lists {
    Lists(active: Block(active), starts: Block(starts), rows: Block(rows), h: Block(h))
  }
}
