// SPDX-License-Identifier: Apache-2.0

/// What a kernel wrote and returned, bit by bit. All NaN count as one: their bits are open.
struct Outcome: Equatable {
  private var words: [UInt32] = []

  init() {}

  init(_ floats: Block<Float>...) { for block in floats { add(block) } }

  mutating func add(_ floats: Block<Float>, first count: Int? = nil) {
    for value in floats.elements.prefix(count ?? floats.count) {
      words.append(value.isNaN ? 0x7FC0_0000 : value.bitPattern)
    }
  }

  mutating func add(_ numbers: Block<Int32>, first count: Int? = nil) {
    for value in numbers.elements.prefix(count ?? numbers.count) {
      words.append(UInt32(bitPattern: value))
    }
  }

  mutating func add(_ numbers: Block<Int64>, first count: Int? = nil) {
    for value in numbers.elements.prefix(count ?? numbers.count) { add(Int(value)) }
  }

  mutating func add(_ number: Int) {
    let bits = UInt64(bitPattern: Int64(number))
    words.append(UInt32(truncatingIfNeeded: bits))
    words.append(UInt32(truncatingIfNeeded: bits >> 32))
  }
}
