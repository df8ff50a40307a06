// SPDX-License-Identifier: Apache-2.0

/// The canonical inner product by its documented order of sums, one float at a time: what every
/// kernel must give bit for bit. O(w.count).
public func canonicalReference(_ w: [Float], _ x: [Float]) -> Float {
  precondition(w.count == x.count, "rows of \(w.count) and \(x.count)")
  let blocks = (w.count + 15) / 16
  guard blocks > 0 else { return 0 }
  let used = min(4, blocks)
  var accumulators = [[Float]](repeating: .init(repeating: 0, count: 16), count: used)
  for l in w.indices {
    let (block, lane) = l.quotientAndRemainder(dividingBy: 16)
    accumulators[block % used][lane].addProduct(w[l], x[l])
  }
  func sum(_ a: [Float], _ b: [Float]) -> [Float] { zip(a, b).map { $0 + $1 } }
  var total = accumulators[0]
  if used > 1 { total = sum(total, accumulators[1]) }
  if used == 3 { total = sum(total, accumulators[2]) }
  if used == 4 { total = sum(total, sum(accumulators[2], accumulators[3])) }
  for width in [8, 4, 2, 1] {
    for lane in 0..<width { total[lane] += total[lane + width] }
  }
  return total[0]
}
