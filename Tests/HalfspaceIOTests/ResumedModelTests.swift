// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing

@testable import HalfspaceIO

/// Models of runs that were interrupted: the same file, byte for byte.
@Suite struct ResumedModelTests {
  private static func options(_ change: (inout TrainingOptions) -> Void = { _ in })
    -> TrainingOptions
  {
    var options = TrainingOptions()
    options.width = 128
    options.epochs = 6
    options.batchSize = 9
    options.threads = 1
    change(&options)
    return options
  }

  /// Kinds of runs.
  private static let runs: [TrainingOptions] = [
    options(),
    options {
      $0.optimizer = .adam
      $0.averagingStart = 0.5
      $0.weightDecay = 0.01
    },
    options {
      $0.patience = 1
      $0.outputs = .independent(.gaussian)
      $0.epochs = 8
    },
  ]

  @Test(arguments: runs.indices)
  func `interrupted at a random step, twenty times, the model is the same file`(run: Int) throws {
    let table = run == 1 ? SampleTable.regression() : SampleTable.classification()
    let target = run == 1 ? "y" : "kind"
    var options = Self.runs[run]
    let folder = TemporaryFolder()
    var generator = SeededGenerator(seed: UInt64(run))
    var stops: Set<Int> = []
    while stops.count < 20 { stops.insert(1 + generator.below(24)) }
    // What a run that ends at one of these steps leaves; this one does not end there.
    let whole = try TabularModel.train(
      on: table, targets: [target], options: options, resuming: nil
    ) { trainer in
      // A run that begins again comes by some steps twice; the later states are kept.
      var written: Set<Int> = []
      try trainer.run(onStep: {
        guard stops.contains(trainer.stepCount) else { return .proceed }
        do {
          try trainer.state().save(to: folder.file("\(trainer.stepCount)"))
          written.insert(trainer.stepCount)
        } catch {
          Issue.record(error)
        }
        return .proceed
      })
      #expect(written == stops && trainer.stepCount >= 24)
    }
    let bytes = try whole.model.file().encoded()
    for (round, stop) in stops.sorted().enumerated() {
      // Who goes on may have another machine.
      options.threads = 1 + round % 2
      options.lookup = LookupStrategy.allCases[round % LookupStrategy.allCases.count]
      let state = try TrainerState(contentsOf: folder.file("\(stop)"))
      #expect(state.counts.steps == stop)
      let outcome = try TabularModel.train(
        on: table, targets: [target], options: options, resuming: state
      ) { try $0.run() }
      #expect(try outcome.model.file().encoded() == bytes)
      #expect(outcome.epochs.count == whole.epochs.count)
    }
  }

  @Test func `a run that ends in its first epoch makes a model that can be used`() throws {
    let table = SampleTable.classification()
    for patience in [nil, 2] {
      let outcome = try TabularModel.train(
        on: table, targets: ["kind"], options: Self.options { $0.patience = patience },
        resuming: nil
      ) { trainer in
        try trainer.run(onStep: { .stop })
        #expect(trainer.stepCount == 1 && !trainer.isFinished)
      }
      #expect(outcome.epochs.isEmpty && outcome.model.record.epochs == 0)
      #expect(outcome.model.record.firingFraction > 0)
      let model = try TabularModel(file: outcome.model.file())
      #expect(try model.predict(table).texts.count == table.rowCount)
    }
  }

  @Test func `a checkpoint of another table is refused`() throws {
    var saved: TrainerState?
    _ = try TabularModel.train(
      on: SampleTable.classification(), targets: ["kind"], options: Self.options(), resuming: nil
    ) { trainer in
      try trainer.run(onStep: { .stop })
      saved = trainer.state()
    }
    let error = #expect(throws: ConfigurationError.self) {
      try TabularModel.train(
        on: SampleTable.classification(seed: 2), targets: ["kind"], options: Self.options(),
        resuming: saved
      ) { _ in Issue.record("a trainer was made") }
    }
    #expect(
      error?.description.hasPrefix("cannot resume: the checkpoint is of another run; ") == true)
  }
}
