// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import HalfspaceTheory
import Testing
import _HalfspaceTestSupport

/// Plans confronted with the runs that they plan.
@Suite struct PlannedRunTests {
  @Test(arguments: [(4.0, 0.1), (6, 0.1)])
  func `a planned run keeps the promise on a target of known norm`(
    _ norm: Double, _ epsilon: Double
  ) throws {
    let dimension = 8
    let kernel = ShiftedReLUKernel(threshold: 1)
    let plan = try ConvergencePlan(
      norm: norm, epsilon: epsilon, dimension: dimension, threshold: .value(1),
      outputScale: .value(1))
    let target = KernelExpansion.random(
      kernel: kernel, terms: 6, dimension: dimension, norm: norm, seed: 4)
    let noise = LabelNoise(deviation: 0.1)
    // Fresh rows: one pass over as many as there are steps.
    let inputs = UnitSphere.points(plan.steps, dimension: dimension, seed: 11)
    var source = NormalSource(seed: 12)
    let labels = target.values(at: inputs).map { Float($0) + 0.1 * source.next() }
    let trainer = try Trainer(
      inputs: inputs, targets: .values(Matrix(labels.map { [$0] })), network: plan.network(),
      training: try plan.training(loss: .absolute, rows: inputs.rows))
    let before = trainer.network.weights.copy()
    try trainer.run()
    #expect(trainer.stepCount == plan.steps)

    let test = UnitSphere.points(400, dimension: dimension, seed: 13)
    let truth = target.values(at: test)
    func excess(_ scores: [Double]) -> Double {
      zip(scores, truth).reduce(0) { $0 + noise.absoluteExcess(error: $1.0 - $1.1) } / 400
    }
    let scores = trainer.predictor().scores(for: test)
    let learned = excess((0..<400).map { Double(scores[$0, 0]) })
    #expect(learned <= epsilon, "excess \(learned)")
    #expect(learned < 0.7 * excess(.init(repeating: 0, count: 400)), "nothing was learned")

    // Drift: of the stored rows, which alone can move.
    var squares = 0.0
    var largest = 0.0
    for r in 0..<trainer.network.count {
      let square = zip(trainer.network.weights.rowArray(r), before.rowArray(r)).reduce(0.0) {
        $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
      }
      squares += square
      largest = max(largest, square.squareRoot())
    }
    #expect((squares / Double(plan.width)).squareRoot() <= plan.driftBound)
    #expect(largest <= plan.indexMargin)
    let certificate = try #require(trainer.lookupSummary.statistics.certificate)
    #expect(certificate.holds, "\(certificate)")
  }

  private func digits(_ rows: Int) throws -> (inputs: Matrix, classes: [Int32]) {
    let table = try EmbeddedData.digits.selecting(rows: Array(0..<rows))
    let features = try TableEncoder(fitting: table, target: "digit").encode(table)
    let transform = try FeatureTransform(fitting: features, scaling: .commonScale, constant: 0)
    let target = try TargetEncoder(fitting: table, column: "digit")
    return (try transform.apply(to: features), try target.classes(of: table))
  }

  @Test func `a plan from digits is kept by the run on them`() throws {
    let (inputs, classes) = try digits(240)
    let targets = Targets.values(Matrix(classes.map { [$0 == 0 ? 1 : 0] }))
    var request = PlanForData.Request(epsilon: 0.5)
    request.threshold = .value(1.5)
    request.sampleLimit = 120
    let planned = try PlanForData(
      inputs: inputs, targets: targets, loss: .hinge, request: request)
    #expect(planned.norm.sampleSize == 120 && planned.kernelThreshold == 1.5)
    #expect(planned.norm.value > 1 && planned.norm.standardError < 0.2 * planned.norm.value)
    #expect(planned.fittedLoss < planned.leaveOneOutLoss && planned.leaveOneOutLoss < 0.3)
    #expect(planned.plan.concentration >= 1 / Double(inputs.columns))

    let plan = planned.plan
    let trainer = try Trainer(
      inputs: inputs, targets: targets, network: plan.network(rows: .productGrid()),
      training: try plan.training(loss: .hinge, rows: inputs.rows, batchSize: 4))
    let epochs = try trainer.run()
    let mean = epochs.reduce(0) { $0 + $1.loss } / Double(epochs.count)
    #expect(mean <= planned.leaveOneOutLoss + plan.epsilon, "mean loss \(mean)")
    #expect(mean < 0.9, "the loss of a network that says nothing is 1")
    let fired = Double(trainer.firings) / Double(trainer.stepCount * 4)
    #expect(abs(fired / plan.expectedFiring - 1) < 0.2)
  }

  @Test func `the threshold of a plan from data fits its width`() throws {
    let (inputs, classes) = try digits(160)
    let targets = Targets.values(Matrix(classes.map { [$0 == 3 ? 1 : 0] }))
    var request = PlanForData.Request(epsilon: 1)
    request.sampleLimit = 100
    let planned = try PlanForData(
      inputs: inputs, targets: targets, loss: .hinge, request: request)
    let b = try Double(Threshold.paper.resolved(width: planned.plan.width))
    #expect(planned.plan.threshold == b)
    #expect(abs(planned.kernelThreshold - b) <= 0.01)
    request.threads = 3
    let again = try PlanForData(
      inputs: inputs, targets: targets, loss: .hinge, request: request)
    #expect(again.plan == planned.plan && again.norm == planned.norm)
  }

  @Test func `data that no plan can be made for are refused`() throws {
    let inputs = TestData.unitRows(8, 4, seed: 1)
    let values = Targets.values(Matrix((0..<8).map { [$0 % 2 == 0 ? 1 : 0] }))
    let request = PlanForData.Request(epsilon: 0.5)
    #expect(throws: PlanError.unsuitableLoss("squared")) {
      try PlanForData(inputs: inputs, targets: values, loss: .squared, request: request)
    }
    #expect(throws: PlanError.invalid("the targets are not one number per row")) {
      try PlanForData(
        inputs: inputs, targets: .classes(.init(repeating: 0, count: 8), count: 2), loss: .hinge,
        request: request)
    }
    #expect(throws: NormError.zeroTargets) {
      try PlanForData(
        inputs: inputs, targets: .values(Matrix(rows: 8, columns: 1)), loss: .absolute,
        request: request)
    }
    let broken = inputs.copy()
    broken[2, 1] = .infinity
    #expect(throws: PlanError.invalid("an input is not a finite number")) {
      try PlanForData(inputs: broken, targets: values, loss: .hinge, request: request)
    }
  }
}
