// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import CMachineLimits
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

/// What one thread of this machine can do at most, as measured: the ceilings of lookups that read
/// every row.
struct MachineLimits {
  /// Multiply-adds per second.
  let float: Double
  let byte: Double
  /// Bytes read in order per second, for amounts read again and again.
  let reading: [(bytes: Int, perSecond: Double)]

  /// The same for rows of 128 floats here and there in 256 MiB.
  let readingRows: Double
  /// Seconds for each of so many pairs to be put in the order of their numbers, which are spread
  /// over 2^20.
  let ordering: [(pairs: Int, seconds: Double)]
  /// What sgemm reaches, with the kernels in use first.
  let products: [ProductRate]
  private static let rowBytes = 512
  /// Rows of more bytes than this do not stay in cache from one query to the next.
  private static let farBytes = 32 << 20

  static func measured() -> MachineLimits {
    let level = ProcessorPeak.level
    let peak = ProcessorPeak.measured()
    let largest = 256 << 20
    let floats = Matrix(rows: 1, columns: largest / 4)
    var start = 0
    return MachineLimits(
      float: peak.float, byte: peak.byte,
      reading: [256 << 10, 4 << 20, 8 << 20, 16 << 20, 32 << 20, largest].map { bytes in
        let times = max(1, (8 << 20) / bytes)
        return (
          bytes,
          ProcessorPeak.bestRate {
            for _ in 0..<times {
              blackHole(unsafe limits_read(Int32(level), bytes, floats.pointer))
            }
            return Double(times * bytes)
          }
        )
      },
      readingRows: ProcessorPeak.bestRate {
        // Others every time: none is in cache yet.
        let count = 1 << 14
        defer { start += count }
        blackHole(unsafe limits_read_rows(largest, floats.pointer, rowBytes, start, count))
        return Double(count * rowBytes)
      },
      ordering: [1 << 10, 1 << 13, 1 << 16].map { pairs in (pairs, Self.secondsToOrder(pairs)) },
      products: ProductRate.all())
  }

  /// Seconds for each of `pairs` pairs, by the fastest way this package knows.
  private static func secondsToOrder(_ pairs: Int) -> Double {
    let rows = 1 << 20
    // Odd steps through a power of two meet every number once, in no order worth the name.
    let ids = (0..<pairs).map { Int32(($0 * 0x9E375 + 77) % rows) }
    let values = [Float](repeating: 1, count: pairs)
    var scratch = [UInt64](repeating: 0, count: hs_sort_pairs_words(pairs))
    var sortedIDs = [Int32](repeating: 0, count: pairs + Int(HS_LANES))
    var sortedValues = [Float](repeating: 0, count: pairs + Int(HS_LANES))
    var least = Double.infinity
    let times = max(1, (1 << 16) / pairs)
    for _ in 0..<15 {
      let start = ThreadClock.now
      for _ in 0..<times {
        unsafe hs_sort_pairs_f32(
          pairs, rows, ids, values, &scratch, &sortedIDs, &sortedValues)
      }
      least = min(least, (ThreadClock.now - start) / Double(times * pairs))
    }
    return least
  }

  /// Bytes per second of reading so many again and again.
  func reading(_ bytes: Double) -> Double {
    (reading.first { Double($0.bytes) >= bytes } ?? reading.last!).perSecond
  }

  /// Seconds to put each of about so many pairs in order.
  func secondsToOrderPair(of pairs: Double) -> Double {
    ordering.min { Self.distance($0.pairs, pairs) < Self.distance($1.pairs, pairs) }!.seconds
  }

  /// How many times one number is the other.
  private static func distance(_ a: Int, _ b: Double) -> Double {
    max(Double(a) / b, b / Double(a))
  }

  /// The fastest that any filter over codes of a byte for each weight can answer a query of a
  /// batch: it reads all codes once for the batch, multiplies them for each query, and then
  /// computes the values of the pairs that fire, whose rows are here and there in memory for one
  /// query, and in cache for many.
  func leastSeconds(_ result: Measurement) -> Double {
    let setting = result.setting
    let codes = setting.m * setting.d
    let stream = reading(Double(codes))
    let filter = max(Double(codes) / stream / Double(setting.batch), Double(codes) / byte)
    let isFar = setting.batch == 1 && 4 * codes > Self.farBytes
    return filter + result.reported
      * (isFar ? Double(4 * setting.d) / readingRows : Double(setting.d) / float)
  }

  var table: TextTable {
    var table = TextTable("limit of one thread", "")
    table.append("multiply-adds in float", Self.rate(float) + "G/s")
    table.append(
      "exact multiply-adds of bytes",
      Self.rate(byte) + "G/s, \(Format.significant(byte / float)) times as many")
    for rate in products {
      table.append(
        "sgemm of OpenBLAS's kernels for \(rate.core)"
          + (rate.core == products[0].core ? ", which all ratios to sgemm are against" : ""),
        Self.rate(rate.multiplyAddsPerSecond) + "G/s"
          + (rate.isRight ? "" : ", wrong by \(Format.significant(rate.largestError))"))
    }
    for (bytes, perSecond) in reading {
      table.append("reading \(Format.bytes(bytes)) in order", Self.rate(perSecond) + "GB/s")
    }
    table.append(
      "reading rows of 512 bytes at random",
      Self.rate(readingRows) + "GB/s, \(Format.duration(Double(Self.rowBytes) / readingRows)) each")
    for (pairs, seconds) in ordering {
      table.append(
        "putting \(Format.count(pairs)) pairs in the order of their numbers",
        Format.duration(seconds) + " each")
    }
    return table
  }

  private static func rate(_ perSecond: Double) -> String {
    Format.significant(perSecond * 1e-9) + " "
  }

  var json: JSONObject {
    var json = JSONObject()
    json["floatMultiplyAddsPerSecond"] = .number(float)
    json["byteMultiplyAddsPerSecond"] = .number(byte)
    json["reading"] = .array(
      reading.map { ["bytes": .integer($0.bytes), "bytesPerSecond": .number($0.perSecond)] })
    json["readingRowsBytesPerSecond"] = .number(readingRows)
    json["ordering"] = .array(
      ordering.map { ["pairs": .integer($0.pairs), "secondsPerPair": .number($0.seconds)] })
    json["sgemm"] = .array(
      products.map {
        [
          "core": .string($0.core), "multiplyAddsPerSecond": .number($0.multiplyAddsPerSecond),
          "largestError": .number($0.largestError),
        ]
      })
    return json
  }
}
