// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct SparseWideLayerTests {
  /// Two wide layers, one on the other.
  private struct Stack {
    let lower: SparseWideLayer
    var normalization = RowNormalization(constant: 0.5)
    let upper: SparseWideLayer

    init(
      middle: Int = 5, outputs: Int = 3, optimizer: Optimizer = .sgd,
      lookup: LookupStrategy = .automatic, threads: Int = 1
    ) throws {
      lower = try SparseWideLayer(
        dimension: 6, outputCount: middle,
        network: .init(
          width: 256, threshold: .expectedFiring(12), outputs: .independent(), seed: 3),
        optimizer: optimizer, lookup: lookup, threads: threads)
      upper = try SparseWideLayer(
        dimension: normalization.outputCount(of: middle), outputCount: outputs,
        network: .init(
          width: 300, threshold: .expectedFiring(10), rows: .gaussian, outputs: .independent(),
          seed: 4), optimizer: optimizer, lookup: lookup, threads: threads)
    }

    mutating func forward(_ inputs: Matrix) -> Matrix {
      upper.forward(normalization.forward(lower.forward(inputs)))
    }

    /// The gradient with respect to the inputs.
    func backward(_ gradient: Matrix) -> Matrix {
      lower.backward(normalization.backward(upper.backward(gradient)))
    }

    func update(_ rate: Double) {
      upper.update(learningRate: rate)
      lower.update(learningRate: rate)
    }
  }

  private let problem = Problem.values(3, rows: 64, dimension: 6, seed: 8)

  private func batch(_ step: Int) -> (inputs: Matrix, targets: Targets) {
    let rows = (0..<8).map { (step * 8 + $0) % 64 }
    return (problem.inputs.gather(rows), problem.targets.gather(rows))
  }

  // MARK: Exactness

  @Test(arguments: [1, 5], [1, 3])
  func `two stacked layers are the dense layers, bit for bit, while their inputs move`(
    middle: Int, outputs: Int
  ) throws {
    var stack = try Stack(middle: middle, outputs: outputs)
    // The order in which neurons join is known in the end: the twin runs over the same batches then.
    var recorded: [(inputs: Matrix, gradient: Matrix, scores: Matrix, back: Matrix)] = []
    var counts: [Int] = []
    for step in 0..<20 {
      let (inputs, targets) = batch(step)
      let scores = stack.forward(inputs)
      let gradient = scores.emptyTwin()
      for k in 0..<8 {
        for c in 0..<outputs { gradient[k, c] = (scores[k, c] - targets.matrix![k, c]) / 8 }
      }
      recorded.append((inputs, gradient, scores, stack.backward(gradient)))
      stack.update(0.5)
      counts.append(stack.upper.network.count)
    }
    // (A layer between of one output leaves nothing to move: rows of norm 1 are two points then.)
    #expect(middle == 1 || counts[19] > counts[7], "neurons join when all rows have been seen")
    #expect(stack.upper.network.count < 300 && stack.lower.network.count < 256)

    var lower = DenseReferenceLayer(twinOf: stack.lower.network)
    var upper = DenseReferenceLayer(twinOf: stack.upper.network)
    var normalization = stack.normalization
    for step in recorded {
      let middleRows = lower.forward(step.inputs.rowArrays)
      let scores = upper.forward(normalization.forward(Matrix(middleRows)).rowArrays)
      #expect(Matrix(scores).isIdentical(to: step.scores))
      let back = upper.backward(step.gradient.rowArrays)
      let inputGradient = lower.backward(normalization.backward(Matrix(back)).rowArrays)
      #expect(Matrix(inputGradient).isIdentical(to: step.back))
      upper.update(rate: 0.5)
      lower.update(rate: 0.5)
    }
    for (layer, twin) in [(stack.lower, lower), (stack.upper, upper)] {
      let count = layer.network.count
      #expect(layer.network.weights.rowArrays == Array(twin.weights[..<count]))
      #expect(layer.network.outputs.rowArrays == Array(twin.outputs[..<count]))
    }
  }

  @Test(arguments: StreamTests.Case.all)
  func `a layer and a loss are what the trainer trains`(_ test: StreamTests.Case) throws {
    let isAdam = if case .adam = test.optimizer { true } else { false }
    let rate = isAdam ? 0.02 : 0.25
    let network = NetworkConfiguration(
      width: 1024, threshold: .expectedFiring(12), outputs: test.outputs,
      trainsOutputs: test.trainsOutputs, seed: 4)
    let known = Problem(
      inputs: problem.inputs.gather(0..<32), targets: problem.targets.gather(0..<32),
      unseen: problem.unseen)
    let trainer = try known.trainer(
      network,
      .init(
        loss: .squared, batchSize: 8, learningRate: rate, schedule: .constant,
        optimizer: test.optimizer, weightDecay: test.weightDecay))
    let layer = try SparseWideLayer(
      dimension: 6, outputCount: 3, network: network, optimizer: test.optimizer,
      weightDecay: test.weightDecay)
    _ = layer.forward(known.inputs)
    for step in 0..<10 {
      let (inputs, targets) = batch(step)
      let expected = try trainer.takeStep(onNew: inputs, targets: targets)
      let (loss, gradient) = try Loss.squared.meanAndGradient(
        of: layer.forward(inputs), for: targets)
      #expect(loss == expected / 8)
      _ = layer.backward(gradient)
      layer.update(learningRate: rate)
    }
    #expect(layer.network.isIdentical(to: trainer.network))
    #expect(layer.stepCount == 10)
    #expect(
      layer.predictor().scores(for: problem.unseen)
        .isIdentical(to: trainer.predictor().scores(for: problem.unseen)))
  }

  @Test func `a predictor gives what a forward pass gives`() throws {
    var stack = try Stack()
    for step in 0..<4 {
      let (inputs, targets) = batch(step)
      let (_, gradient) = try Loss.squared.meanAndGradient(
        of: stack.forward(inputs), for: targets)
      _ = stack.backward(gradient)
      stack.update(0.5)
    }
    let frozen = (stack.lower.predictor(), stack.upper.predictor())
    let middle = stack.normalization.apply(to: frozen.0.scores(for: problem.unseen))
    let scores = frozen.1.scores(for: middle)
    #expect(stack.forward(problem.unseen).isIdentical(to: scores))
    #expect(stack.upper.network.count > frozen.1.count, "latent neurons had a say")
  }

  @Test(arguments: [LookupStrategy.dense, .tiles, .tree, .automatic], [1, 3])
  func `lookups and threads change no bit`(_ lookup: LookupStrategy, _ threads: Int) throws {
    var stack = try Stack(optimizer: .adam(), lookup: lookup, threads: threads)
    var other = try Stack(optimizer: .adam(), lookup: .dense)
    for step in 0..<40 {
      let (inputs, targets) = batch(step)
      for one in [stack, other] {
        var one = one
        let (_, gradient) = try Loss.squared.meanAndGradient(
          of: one.forward(inputs), for: targets)
        _ = one.backward(gradient)
        one.update(0.002)
      }
    }
    #expect(stack.upper.network.isIdentical(to: other.upper.network))
    #expect(stack.lower.network.isIdentical(to: other.lower.network))
    #expect(stack.forward(problem.unseen).isIdentical(to: other.forward(problem.unseen)))
  }

  // MARK: Gradients

  @Test func `all gradients of two layers are central differences in Double`() throws {
    var stack = try Stack()
    // Away from the start, with neurons that have moved.
    for step in 0..<3 {
      let (inputs, targets) = batch(step)
      let (_, gradient) = try Loss.squared.meanAndGradient(
        of: stack.forward(inputs), for: targets)
      _ = stack.backward(gradient)
      stack.update(0.5)
    }
    // A batch with no pre-activation so near the threshold that a difference would cross it.
    let step = try #require(
      (3..<8).first { step in
        let (inputs, targets) = batch(step)
        _ = stack.forward(inputs)
        return DoubleStack(
          stack.lower, constant: 0.5, stack.upper, inputs, targets.matrix!
        ).isFarFromKinks
      })
    let (inputs, targets) = batch(step)
    let scores = stack.forward(inputs)
    let reference = DoubleStack(
      stack.lower, constant: 0.5, stack.upper, inputs, targets.matrix!)
    let (loss, gradient) = try Loss.squared.meanAndGradient(of: scores, for: targets)
    #expect(abs(loss - reference.loss) < 1e-5 * reference.loss)
    let inputGradient = stack.backward(gradient)
    let gradients = (stack.lower.parameterGradients(), stack.upper.parameterGradients())

    var checked = 0
    var largest = 0.0
    func check(_ found: Float, _ path: WritableKeyPath<DoubleStack, [[Double]]>, _ r: Int, _ c: Int)
    {
      var moved = reference
      let h = 1e-5
      moved[keyPath: path][r][c] += h
      let above = moved.loss
      moved[keyPath: path][r][c] -= 2 * h
      let difference = (above - moved.loss) / (2 * h)
      #expect(
        abs(Double(found) - difference) < 2e-5 * max(0.1, abs(difference)), "\(path) \(r) \(c)")
      checked += 1
      largest = max(largest, abs(difference))
    }
    for k in 0..<8 { for l in 0..<6 { check(inputGradient[k, l], \.inputs, k, l) } }
    for (k, neuron) in gradients.0.neurons.enumerated() where k.isMultiple(of: 5) {
      for l in 0..<6 { check(gradients.0.weights[k, l], \.lower.weights, Int(neuron), l) }
      for c in 0..<5 { check(gradients.0.outputs![k, c], \.lower.outputs, Int(neuron), c) }
    }
    for (k, neuron) in gradients.1.neurons.enumerated() where k.isMultiple(of: 5) {
      for l in 0..<6 { check(gradients.1.weights[k, l], \.upper.weights, Int(neuron), l) }
      for c in 0..<3 { check(gradients.1.outputs![k, c], \.upper.outputs, Int(neuron), c) }
    }
    #expect(checked > 200)
    #expect(largest > 1e-2, "so that a gradient of zero would not pass")
  }

  @Test func `fixed output weights have no gradient, and activations are shown`() throws {
    let layer = try SparseWideLayer(
      dimension: 6, outputCount: 2,
      network: .init(
        width: 256, threshold: .expectedFiring(12), outputs: .symmetricPairs(.signs),
        trainsOutputs: false))
    let outputs = layer.forward(problem.inputs.gather(0..<8))
    _ = layer.backward(outputs)
    #expect(layer.parameterGradients().outputs == nil)
    let products = layer.network.weights.canonicalProduct(with: problem.inputs.gather(0..<8))
    let expected = (0..<8).map { k in
      (0..<layer.network.count).filter { products[$0, k] > layer.network.threshold }.map(Int32.init)
    }
    #expect(
      layer.withActivations { report in (0..<8).map { report.neurons(of: $0) } } == expected)
    #expect(layer.firings == expected.joined().count)
  }

  // MARK: Limits

  @Test func `settings that make no sense are refused`() {
    func make(
      _ outputs: Int = 1, threshold: Threshold = .value(1), optimizer: Optimizer = .sgd,
      weightDecay: Double = 0, lookup: LookupStrategy = .automatic, threads: Int = 1
    ) throws(ConfigurationError) -> SparseWideLayer {
      try SparseWideLayer(
        dimension: 4, outputCount: outputs, network: .init(width: 64, threshold: threshold),
        optimizer: optimizer, weightDecay: weightDecay, lookup: lookup, threads: threads)
    }
    #expect(throws: ConfigurationError.self) { try make(0) }
    #expect(throws: ConfigurationError.self) { try make(optimizer: .momentum(mu: 2)) }
    #expect(throws: ConfigurationError.self) { try make(weightDecay: -1) }
    #expect(throws: ConfigurationError.self) {
      try make(threshold: .value(-1), weightDecay: 0.1)
    }
    #expect(throws: ConfigurationError.self) { try make(lookup: .candidateLists) }
    #expect(throws: ConfigurationError.self) { try make(threads: 0) }
    #expect(throws: ConfigurationError.self) {
      try Loss.squared.meanAndGradient(
        of: Matrix(rows: 2, columns: 3), for: .values(Matrix(rows: 2, columns: 2)))
    }
  }

  @Test func `a batch on which nothing fires gives zeros`() throws {
    let layer = try SparseWideLayer(
      dimension: 4, outputCount: 3, network: .init(width: 64, threshold: .value(50)))
    let outputs = layer.forward(TestData.unitRows(3, 4, seed: 1))
    #expect(outputs.isIdentical(to: Matrix(rows: 3, columns: 3)))
    #expect(layer.backward(outputs).isIdentical(to: Matrix(rows: 3, columns: 4)))
    layer.update(learningRate: 1)
    #expect(layer.network.count == 0)
  }

  @Test func `passes in the wrong order trap`() async {
    await #expect(processExitsWith: .failure) {
      let layer = try SparseWideLayer(
        dimension: 4, outputCount: 1, network: .init(width: 64, threshold: .value(1)))
      _ = layer.backward(Matrix(rows: 1, columns: 1))
    }
    await #expect(processExitsWith: .failure) {
      let layer = try SparseWideLayer(
        dimension: 4, outputCount: 1, network: .init(width: 64, threshold: .value(1)))
      _ = layer.forward(Matrix(rows: 1, columns: 4))
      layer.update(learningRate: 1)
    }
    await #expect(processExitsWith: .failure) {
      let layer = try SparseWideLayer(
        dimension: 4, outputCount: 1, network: .init(width: 64, threshold: .value(1)))
      _ = layer.forward(Matrix(rows: 1, columns: 3))
    }
  }
}
