// SPDX-License-Identifier: Apache-2.0
import CHalfspace

/// Random sparse rows, the same rows with their zeros, and the gathered rows as kernels take them.
@safe final class GatheredRows {
  let stride: Int
  let dense: Block<Float>
  let view: Block<hs_sparse_rows_t>
  private let offsets: Block<Int>
  private let columns: Block<Int32>
  private let values: Block<Float>
  private let slots: Block<UInt8>
  private let into: Block<UInt8>
  private let from: Block<UInt8>
  private let lanes: Block<Int32>
  private let blocks: Block<Int32>
  let marks: Block<UInt8>

  /// `queries` rows gathered from three more, every column having an entry with a probability of
  /// `percent` / 100; the second row is empty.
  init(queries: Int, stride: Int, percent: Int, dice: inout Dice) {
    self.stride = stride
    var offsets = [0]
    var columns: [Int32] = []
    var values: [Float] = []
    let numbers = (0..<queries).map { ($0 * 2 + 1) % (queries + 3) }
    var rows: [[Float]] = []
    for r in 0..<(queries + 3) {
      let row = dice.row(stride).enumerated().map { l, value in
        r != 1 && dice.below(100) < percent ? value : 0
      }
      for (l, value) in row.enumerated() where value != 0 || dice.below(50) == 0 {
        columns.append(Int32(l))
        values.append(value)
      }
      offsets.append(columns.count)
      rows.append(row)
    }
    dense = Block(numbers.flatMap { rows[$0] })
    let count = numbers.reduce(0) { $0 + offsets[$1 + 1] - offsets[$1] }
    self.offsets = Block(queries + 1, of: -1)
    self.columns = Block(count, of: -1)
    self.values = Block(count, of: .nan)
    slots = Block(count, of: 99)
    into = Block(count, of: 99)
    from = Block(count, of: 99)
    lanes = Block(queries, of: -1)
    blocks = Block(min(count, stride / 16), of: -1)
    marks = Block(stride / 16, of: 0)
    unsafe view = Block([
      hs_sparse_rows_t(
        count: -1, offsets: self.offsets.start, columns: self.columns.start,
        values: self.values.start, slots: slots.start, into: into.start, from: from.start,
        lanes: lanes.start, block_count: -1, blocks: blocks.start)
    ])
    unsafe hs_gather_rows_f32(
      queries, numbers, offsets, columns, values, stride, marks.start, view.start)
  }
}
