// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct ReportTests {
    /// Rows, and thresholds that are the value of one of them (a tie), small integers (many ties)
    /// and one that few exceed.
    private func thresholds(_ w: Block<Float>, _ x: Block<Float>, stride: Int) -> [Float] {
      let tie =
        w.count >= stride && stride > 0 ? unsafe hs_dot_f32(stride, w.start, x.start) : 0
      return [tie, 0, 2, 9]
    }

    @Test(arguments: Array(stride(from: 0, through: 160, by: 16)))
    func `a scan reports what its twin reports, for every number of rows`(stride: Int) {
      var dice = Dice(seed: 5)
      let w = dice.rows(130, stride)
      let x = dice.integers(stride)
      let bounds = thresholds(w, x, stride: stride)
      for m in 0...130 {
        let b = bounds[m % bounds.count]
        expectSameBitsAtEveryLevel("m \(m), stride \(stride), b \(b)") {
          let ids = Block(m, of: Int32(-1))
          let values = Block(m, of: Float(-1))
          let count = unsafe hs_scan_report_f32(
            m, stride, w.start, x.start, b, 1000, ids.start, values.start)
          var outcome = Outcome()
          outcome.add(count)
          outcome.add(ids, first: count)
          outcome.add(values, first: count)
          return outcome
        }
      }
    }

    @Test func `a scan reports exactly the rows above the threshold`() {
      var dice = Dice(seed: 6)
      let (m, stride) = (200, 32)
      let w = dice.integers(m * stride)
      let x = dice.integers(stride)
      let z = (0..<m).map { r in
        (0..<stride).reduce(Float(0)) { $0 + w[r * stride + $1] * x[$1] }
      }
      let b = z.sorted()[m / 2]  // an integer that some rows attain
      #expect(z.contains(b))
      let expected = (0..<m).filter { z[$0] > b }
      atEveryLevel {
        let ids = Block(m, of: Int32(-1))
        let values = Block(m, of: Float(-1))
        let count = unsafe hs_scan_report_f32(
          m, stride, w.start, x.start, b, 7, ids.start, values.start)
        #expect(ids.elements.prefix(count).map { Int($0) - 7 } == expected)
        #expect(values.elements.prefix(count).elementsEqual(expected.map { z[$0] - b }))
      }
    }

    @Test func `NaN and the threshold itself do not fire, infinity does`() {
      let stride = 16
      var rows = [Float](repeating: 0, count: 40 * stride)
      rows[3 * stride] = .nan
      rows[17 * stride] = .infinity
      rows[39 * stride] = 2
      rows[38 * stride] = Float(2).nextUp
      let w = Block(rows)
      let x = Block([Float(1)] + .init(repeating: 0, count: stride - 1))
      atEveryLevel {
        for (b, expected) in [(Float(2), [Int32(38)]), (1, [38, 39])] {
          let ids = Block(40, of: Int32(-1))
          let values = Block(40, of: Float(-1))
          let count = unsafe hs_scan_report_f32(
            40, stride, w.start, x.start, b, 0, ids.start, values.start)
          #expect(Array(ids.elements.prefix(count)) == [17] + expected)
        }
      }
    }

    @Test func `a filter keeps what its twin keeps, NaN included`() {
      var dice = Dice(seed: 7)
      for n in 0...130 {
        let z = Block((0..<n).map { _ in dice.below(9) == 0 ? .nan : dice.integer() })
        let cutoff = n % 7 == 0 ? .nan : dice.integer()
        let expected = (0..<n).filter { !(z[$0] <= cutoff) }.map { Int32($0 + 50) }
        atEveryLevel {
          let candidates = Block(n, of: Int32(-1))
          let count = unsafe hs_filter_f32(n, z.start, cutoff, 50, candidates.start)
          #expect(Array(candidates.elements.prefix(count)) == expected)
        }
      }
    }

    @Test(arguments: Array(stride(from: 0, through: 160, by: 16)))
    func `candidates are decided as by the twin, in their order and in place`(stride: Int) {
      var dice = Dice(seed: 8)
      let rows = 61
      let w = dice.rows(rows, stride)
      let x = dice.integers(stride)
      let bounds = thresholds(w, x, stride: stride)
      for count in 0...130 {
        let candidates = Block((0..<count).map { _ in Int32(dice.below(rows)) })
        let b = bounds[count % bounds.count]
        func recheck(inPlace: Bool) -> Outcome {
          let ids = inPlace ? candidates.copy() : Block(count, of: Int32(-1))
          let input = inPlace ? ids : candidates
          let values = Block(count, of: Float(-1))
          let fired = unsafe hs_recheck_f32(
            count, input.start, stride, w.start, x.start, b, ids.start, values.start)
          var outcome = Outcome()
          outcome.add(fired)
          outcome.add(ids, first: fired)
          outcome.add(values, first: fired)
          return outcome
        }
        expectSameBitsAtEveryLevel("\(count) candidates, stride \(stride), b \(b)") {
          recheck(inPlace: false)
        }
        atEveryLevel { #expect(recheck(inPlace: true) == recheck(inPlace: false)) }
      }
    }

    @Test func `filter and recheck together report what a scan reports`() {
      var dice = Dice(seed: 9)
      let (m, stride, b) = (500, 48, Float(4))
      let w = dice.normals(m * stride)
      let x = dice.normals(stride)
      let z = Block(m, of: Float(0))
      unsafe hs_gemv_f32(m, stride, 1, w.start, stride, x.start, 0, z.start)
      let ids = Block(m, of: Int32(0))
      let values = Block(m, of: Float(0))
      let candidates = unsafe hs_filter_f32(m, z.start, b - 1e-3, 0, ids.start)
      let count = unsafe hs_recheck_f32(
        candidates, ids.start, stride, w.start, x.start, b, ids.start, values.start)
      let scannedIds = Block(m, of: Int32(0))
      let scannedValues = Block(m, of: Float(0))
      let scanned = unsafe hs_scan_report_f32(
        m, stride, w.start, x.start, b, 0, scannedIds.start, scannedValues.start)
      #expect(scanned > 0 && count == scanned)
      #expect(ids.elements.prefix(count).elementsEqual(scannedIds.elements.prefix(count)))
      #expect(values.elements.prefix(count).elementsEqual(scannedValues.elements.prefix(count)))
    }
  }
}
