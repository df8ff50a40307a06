// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// Writes the same rows and queries for programs of others, with what this package takes for them.
///
/// A folder for each case: `weights.npy` `[m, d]`, `queries.npy` `[q, d]`, and `case.json` with
/// thresholds, firing pairs and seconds per query of this package's structures.
enum PeerInputs {
  static func write(to folder: URL) throws {
    for lookup in Sweep.peers {
      let workload = try Workload(lookup, seed: 1, dataFolder: nil)
      let own = folder.appendingPathComponent(
        "\(lookup.distribution.name)-\(lookup.m)x\(lookup.d)", isDirectory: true)
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      try NPY.write(workload.rows, to: own.appendingPathComponent("weights.npy"))
      try NPY.write(workload.queries, to: own.appendingPathComponent("queries.npy"))
      let results = Run.measure(
        lookup, workload,
        plan: TimingPlan(warmUp: 0.02, samples: 9, budget: 0.5, sampleDuration: 0.001))
      var json = JSONObject()
      json["distribution"] = .string(lookup.distribution.name)
      json["m"] = .integer(workload.m)
      json["d"] = .integer(workload.d)
      json["thresholds"] = .array(
        workload.thresholds.map {
          ["firing": .number($0.firing), "threshold": .number(Double($0.threshold))]
        })
      json["batches"] = .array(lookup.batches.map { .integer($0) })
      json["results"] = .array(results.map(\.json))
      try AtomicFile.write(
        try json.text() + "\n", to: own.appendingPathComponent("case.json").path)
    }
  }
}

/// NumPy's file format, version 1.0, for matrices of 32-bit floats.
enum NPY {
  /// Writes the meaningful columns of all rows.
  static func write(_ matrix: Matrix, to url: URL) throws {
    var header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (\(matrix.rows), \(matrix.columns)), }"
    // Magic, version, length and header take a multiple of 64 bytes; a line feed ends them.
    let length = 10 + header.utf8.count + 1
    header += String(repeating: " ", count: (64 - length % 64) % 64) + "\n"
    let start: [UInt8] =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count & 0xFF)]
      + [UInt8(header.utf8.count >> 8)] + Array(header.utf8)
    let block = 4096
    let blocks = (0..<(matrix.rows + block - 1) / block).lazy.map { index in
      var bytes: [UInt8] = []
      for r in index * block..<min(matrix.rows, (index + 1) * block) {
        unsafe bytes += UnsafeRawBufferPointer(start: matrix.row(r), count: 4 * matrix.columns)
      }
      return bytes
    }
    let chunks = [AnySequence([start]), AnySequence(blocks)].lazy.joined()
    try AtomicFile.write(chunks: chunks, to: url.path)
  }
}
