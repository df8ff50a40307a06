internal import CHalfspace
public import HalfspaceLinalg
public struct IndependentGaussian: InitialWeights {
  public let count: Int, dimension: Int; let seed: UInt64
  public init(count: Int, dimension: Int, seed: UInt64) { self.count=count; self.dimension=dimension; self.seed=seed }
  public func copyRow(_ row: Int, to destination: UnsafeMutablePointer<Float>) {
    unsafe hs_normal_rows_f32(seed, 77, Int64(row), 1, dimension, Matrix.paddedStride(dimension), destination)
  }
  public func report(queries: Matrix, rows: Range<Int>, above threshold: Float, threads: Int, into report: inout InitialReport, statistics: inout IndexStatistics) {
    report.removeAll()
    let w = Matrix(rows: count, columns: dimension)
    unsafe hs_normal_rows_f32(seed, 77, 0, count, dimension, w.stride, w.pointer)
    var ids = [Int32](repeating: 0, count: count)
    for q in rows { let room = unsafe report.reserve(count)
      let n = unsafe hs_scan_report_f32(count, w.stride, w.pointer, queries.row(q), threshold, 0, &ids, room.values)
      for i in 0..<n { unsafe room.neurons[i] = Int64(ids[i]) }
      report.commit(n); report.endQuery() }
  }
  public var memoryBytes: Int { 0 }
}
public struct BruteForceIndex: HalfSpaceIndex {
  let w: Matrix
  public init(_ w: Matrix, threads: Int = 1) { self.w = w }
  public var count: Int { w.rows }
  public var dimension: Int { w.columns }
  public var statistics = IndexStatistics()
  public mutating func report(queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport) {
    report.removeAll()
    for q in rows { let room = unsafe report.reserve(w.rows)
      report.commit(unsafe hs_scan_report_f32(w.rows, w.stride, w.pointer, queries.row(q), threshold, 0, room.neurons, room.values)); report.endQuery() }
  }
  public mutating func update(rows: UnsafeBufferPointer<Int32>) {}
}
public enum InitialOutputs: Sendable, Equatable, Codable { 
  public enum Distribution: String, Sendable, Codable { case gaussian, signs }
  case zero, symmetricPairs(Distribution), independent(Distribution) }
public struct InitialNetwork: Sendable {
  public let rows: any InitialWeights; public let outputs: InitialOutputs; public let outputCount: Int; public let seed: UInt64
  public init(rows: any InitialWeights, outputs: InitialOutputs, outputCount: Int, seed: UInt64) { self.rows=rows; self.outputs=outputs; self.outputCount=outputCount; self.seed=seed }
  var paired: Bool { if case .symmetricPairs = outputs { true } else { false } }
  public var width: Int { paired ? 2*rows.count : rows.count }
  public var dimension: Int { rows.dimension }
  public func copyWeights(of n: Int, to d: UnsafeMutablePointer<Float>) { unsafe rows.copyRow(paired ? n/2 : n, to: d) }
  public func copyOutputs(of n: Int, to d: UnsafeMutablePointer<Float>) {
    switch outputs { case .zero: for c in 0..<outputCount { unsafe d[c] = 0 }
    case .independent(let s): unsafe gen(n, d, s)
    case .symmetricPairs(let s): unsafe gen(n/2, d, s); if n % 2 == 1 { for c in 0..<outputCount { unsafe d[c] = -d[c] } } } }
  func gen(_ r: Int, _ d: UnsafeMutablePointer<Float>, _ s: InitialOutputs.Distribution) { unsafe hs_normal_rows_f32(seed, 99, Int64(r), 1, outputCount, outputCount, d)
    if s == .signs { for c in 0..<outputCount { unsafe d[c] = d[c] > 0 ? 1 : -1 } } }
  public func report(queries: Matrix, rows r: Range<Int>, above threshold: Float, threads: Int, into report: inout InitialReport, statistics: inout IndexStatistics) {
    rows.report(queries: queries, rows: r, above: threshold, threads: threads, into: &report, statistics: &statistics)
    if paired { var copy = InitialReport()
      for q in 0..<report.queryCount { for e in report.range(of: q) { let room = unsafe copy.reserve(2); unsafe room.neurons[0] = 2*report.neurons[e]; unsafe room.neurons[1] = 2*report.neurons[e]+1; unsafe room.values[0]=report.values[e]; unsafe room.values[1]=report.values[e]; copy.commit(2) }; copy.endQuery() }
      report.removeAll(); report.append(copy) }
  }
}
