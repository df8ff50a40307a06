// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// States of runs as files.
@Suite struct CheckpointFileTests {
  @Test(arguments: 0..<3, [3, 13])
  func `a state that was written and read goes on to the same bits`(kind: Int, steps: Int) throws {
    let folder = TemporaryFolder()
    let state = try CheckpointSample.state(kind, steps: steps)
    try state.save(to: folder.file("a"))
    let read = try TrainerState(contentsOf: folder.file("a"))
    #expect(read.counts == state.counts)
    #expect((read.best != nil) == (kind == 1 && steps > 5))
    try read.save(to: folder.file("b"))
    #expect(try FileBytes.read(folder.file("a")) == FileBytes.read(folder.file("b")))

    let whole = try CheckpointSample.trainer(kind)
    try whole.run()
    let resumed = try CheckpointSample.trainer(kind, resuming: read)
    try resumed.run()
    let states = [whole, resumed].map { trainer in
      var state = trainer.state()
      // The one thing that differs between two runs.
      state.counts.times = .init()
      for epoch in state.counts.progress.reports.indices {
        state.counts.progress.reports[epoch].times = .init()
      }
      return state
    }
    #expect(try states[0].file().encoded() == states[1].file().encoded())
  }

  @Test func `numbers come back with every bit, also those that JSON does not have`() throws {
    var state = try CheckpointSample.state(1, steps: 10)
    var generator = SeededGenerator(seed: 1)
    let odd: [Double?] =
      [.nan, .infinity, -.infinity, nil, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -0.0]
      + (0..<200).map { _ in Double(bitPattern: generator.next() >> 2) }
    state.training.epochs = odd.count
    let epoch = state.counts.progress.reports[0]
    state.counts.progress.reports = odd.map {
      var report = epoch
      report.validationLoss = $0
      return report
    }
    let read = try TrainerState(file: state.file())
    for (value, report) in zip(odd, read.counts.progress.reports) {
      #expect(
        value?.bitPattern == report.validationLoss?.bitPattern
          || value?.isNaN == true && report.validationLoss?.isNaN == true)
    }
  }

  // MARK: Refusals

  /// The error for a checkpoint that was changed, its checksum made to fit again if `sealed`.
  private func sentence(
    sealed: Bool = true, _ change: (inout Safetensors) throws -> Void
  ) throws -> String? {
    var file = try CheckpointSample.state(0, steps: 13).file()
    try change(&file)
    if sealed {
      file.metadata["halfspace.checksum"] = String(
        file.checksum(leavingOut: "halfspace.checksum"), radix: 16)
    }
    let error = #expect(throws: (any Error).self) { try TrainerState(file: file) }
    #expect(error is CheckpointError || error is SafetensorsError)
    return error.map { "\($0)".replacing(file.name, with: "c") }
  }

  @Test func `what is no checkpoint is refused in a sentence`() throws {
    #expect(
      try sentence { $0.metadata = [:] }
        == "c is not a checkpoint of Halfspace: it has no \"halfspace.checkpoint\" metadata")
    #expect(
      try sentence { $0.metadata["halfspace.checkpoint"] = "9" }
        == "c is a checkpoint of format 9, but this version of Halfspace reads format 1")
    #expect(
      try sentence(sealed: false) { $0.metadata["halfspace.counts"]? += " " }
        == "c is damaged: its checksum is not that of its contents")
    #expect(
      try sentence { $0.metadata["halfspace.data"] = nil }
        == "c is damaged: its metadata \"halfspace.data\" is missing")
    #expect(
      try sentence { $0.metadata["halfspace.training"] = "{}" }
        == "c is damaged: its metadata \"halfspace.training\" has no \"loss\"")
    #expect(
      try sentence { $0.set([Int64](), shape: [0], for: "neurons") }?.contains("expected shape")
        == true)
    #expect(
      try sentence { $0.set([0, 1, 1] as [Int64], shape: [3], for: "shards") }?
        .hasPrefix("c is damaged: its shards do not cut") == true)
    #expect(
      try sentence { file in
        let m = try file.tensor("hidden.rows", .float32).shape[0]
        file.set(Matrix(rows: m, columns: 4), for: "hidden.average")
      }?.hasPrefix("c is damaged: a matrix of the first layer is") == true)
    #expect(
      try sentence { file in
        let m = try file.tensor("hidden.rows", .float32).shape[0]
        file.set([Float](repeating: .nan, count: 5 * m), shape: [m, 5], for: "hidden.rows")
      } == "c, tensor \"hidden.rows\": element 0 is not a finite number")
  }

  @Test func `a bit that has changed anywhere is noticed`() throws {
    let bytes = try CheckpointSample.state(0, steps: 13).file().encoded()
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<60 {
      var damaged = bytes
      damaged[generator.below(bytes.count)] ^= 1 << UInt8(generator.below(8))
      let error = #expect(throws: (any Error).self) {
        try TrainerState(file: Safetensors(damaged, name: "c"))
      }
      #expect(error is CheckpointError || error is SafetensorsError)
    }
  }

  @Test(arguments: 0..<3, 0..<2)
  func `damaged files are refused with a typed error, or make a run that can go on`(
    kind: Int, part: Int
  ) throws {
    let bytes = try CheckpointSample.state(kind, steps: 13).file().encoded()
    var mutator = FileMutator(seed: UInt64(2 * kind + part), others: [bytes])
    var refused = 0
    // A few: `make fuzz` tries more of them.
    for round in 0..<24 {
      let mutant = mutator.mutate(bytes)
      do {
        var file = try Safetensors(mutant, name: "c")
        // Half of them as if they had been written like this.
        if round.isMultiple(of: 2) {
          file.metadata["halfspace.checksum"] = String(
            file.checksum(leavingOut: "halfspace.checksum"), radix: 16)
        }
        let state = try TrainerState(file: file)
        let trainer = try CheckpointSample.trainer(kind, resuming: state)
        var steps = 0
        try trainer.run(onStep: {
          steps += 1
          return steps == 3 ? .stop : .proceed
        })
      } catch is CheckpointError {
        refused += 1
      } catch is SafetensorsError {
        refused += 1
      } catch is ConfigurationError {
        refused += 1
      } catch is TrainingError {
      } catch {
        Issue.record("\(type(of: error)) for \(Data(mutant).base64EncodedString())")
      }
    }
    #expect(refused > 12)
  }
}
