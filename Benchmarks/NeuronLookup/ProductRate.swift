// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Foundation
import Halfspace
import _HalfspaceReport

/// What sgemm does with the kernels that OpenBLAS uses, and with others.
///
/// OpenBLAS chooses kernels by the processor, or by `OPENBLAS_CORETYPE`, once for a process. Ratios to
/// blocked sgemm depend on that choice: a comparison should say what others would have given.
struct ProductRate: Codable {
  /// The name of the kernels.
  let core: String
  let multiplyAddsPerSecond: Double
  /// The largest difference from products in double.
  let largestError: Double

  /// A block of a batch: so many queries, rows and coordinates.
  private static let shape = (queries: 128, rows: 2048, columns: 256)
  /// Differences of rounding are below this; larger ones are of wrong kernels.
  static let largestRounding = 1e-3

  /// Measured in this process.
  static func measured() -> ProductRate {
    let (n, m, d) = shape
    let rows = Drawing.gaussian(m, d, seed: 1)
    let queries = Drawing.directions(n, d, seed: 2)
    let products = Matrix(rows: n, columns: m)
    var least = Double.infinity
    for _ in 0..<30 {
      let start = ThreadClock.now
      unsafe hs_gemm_f32(
        0, 1, n, m, d, 1, queries.pointer, queries.stride, rows.pointer, rows.stride, 0,
        products.pointer, products.stride)
      least = min(least, ThreadClock.now - start)
    }
    var largest = 0.0
    for q in 0..<n {
      for r in stride(from: q % 7, to: m, by: 7) {
        let exact = (0..<d).reduce(0.0) { $0 + Double(queries[q, $1]) * Double(rows[r, $1]) }
        largest = max(largest, (exact - Double(products[q, r])).magnitude)
      }
    }
    return ProductRate(
      core: Runtime.blasCore, multiplyAddsPerSecond: Double(n * m * d) / least,
      largestError: largest)
  }

  /// Measured in a process of its own with other kernels; nil where there are none of that name.
  static func measured(core: String) -> ProductRate? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
    process.arguments = ["--sgemm"]
    var environment = ProcessInfo.processInfo.environment
    environment["OPENBLAS_CORETYPE"] = core
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    guard (try? process.run()) != nil else { return nil }
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return try? JSONDecoder().decode(ProductRate.self, from: text)
  }

  /// The kernels in use, and those for AVX-512 where the processor has it and they are not in use.
  static func all() -> [ProductRate] {
    let own = measured()
    guard Runtime.instructionSet == .avx512, let other = measured(core: "SkylakeX"),
      other.core != own.core
    else { return [own] }
    return [own, other]
  }

  var isRight: Bool { largestError < Self.largestRounding }
}
