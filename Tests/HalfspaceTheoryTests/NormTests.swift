// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceTheory
import Testing
import _HalfspaceTestSupport

@Suite struct NormTests {
  private let kernel = ShiftedReLUKernel(threshold: 1)

  /// Direct formulas, by Cholesky, without the shortcuts of the estimator.
  private func direct(
    _ gram: DoubleMatrix, _ y: [Double], _ lambda: Double
  ) throws -> (norm: Double, fit: Double, residual: Double) {
    var shifted = gram
    for i in 0..<y.count { shifted[i, i] += lambda }
    let alpha = try shifted.solvingPositiveDefinite(
      DoubleMatrix(rows: y.count, columns: 1, elements: y)
    ).elements
    var fit = 0.0
    var residual = 0.0
    for i in 0..<y.count {
      let f = (0..<y.count).reduce(0) { $0 + gram[i, $1] * alpha[$1] }
      fit += alpha[i] * f
      residual += (y[i] - f) * (y[i] - f)
    }
    return (
      zip(y, alpha).reduce(0) { $0 + $1.0 * $1.1 }.squareRoot(), fit.squareRoot(),
      (residual / Double(y.count)).squareRoot()
    )
  }

  private func removing<T>(_ index: Int, from list: [T]) -> [T] {
    list.indices.filter { $0 != index }.map { list[$0] }
  }

  @Test func `an estimate agrees with direct formulas`() throws {
    let inputs = TestData.unitRows(40, 6, seed: 1)
    let y = (0..<40).map { Double(inputs[$0, 0]) + (inputs[$0, 1] > 0 ? 0.5 : -0.5) }
    let gram = kernel.gramMatrix(of: inputs)
    for lambda in [0.0, 1e-3, 0.2] {
      let estimate = try NormEstimator(gram: gram).estimate(
        of: y, regularization: .lambda(lambda))
      let expected = try direct(gram, y, lambda)
      #expect(abs(estimate.value / expected.norm - 1) < 1e-9)
      #expect(abs(estimate.fitNorm / expected.fit - 1) < 1e-9)
      #expect(abs(estimate.residual - expected.residual) < 1e-9)
      // The same by the factorization of a regression, for this target and half of it.
      let regression = try KernelRegression(
        kernel: kernel, inputs: inputs,
        targets: DoubleMatrix(rows: 40, columns: 2, elements: y.flatMap { [$0, 0.5 * $0] }),
        lambda: lambda)
      #expect(abs(regression.targetNorms[0] / estimate.value - 1) < 1e-9)
      #expect(abs(regression.targetNorms[1] / estimate.value - 0.5) < 1e-9)
      #expect(abs(regression.norms()[0] / estimate.fitNorm - 1) < 1e-9)
      #expect(estimate.fitNorm <= estimate.value * (1 + 1e-12) && estimate.sampleSize == 40)
    }
  }

  @Test func `leaving one row out by formula is leaving it out`() throws {
    let inputs = TestData.unitRows(15, 4, seed: 2)
    let y = (0..<15).map { sin(3 * Double(inputs[$0, 0])) + 0.2 }
    let lambda = 0.05
    let estimate = try NormEstimator(gram: kernel.gramMatrix(of: inputs)).estimate(
      of: y, regularization: .lambda(lambda))
    var errors = 0.0
    var norms: [Double] = []
    for i in 0..<15 {
      let rest = inputs.gather(removing(i, from: Array(0..<15)))
      let restY = removing(i, from: y)
      let model = try KernelRegression(
        kernel: kernel, inputs: rest,
        targets: DoubleMatrix(rows: 14, columns: 1, elements: restY), lambda: lambda)
      let miss = y[i] - model.predict(inputs.gather([i]))[0, 0]
      errors += miss * miss
      norms.append(try direct(kernel.gramMatrix(of: rest), restY, lambda).norm)
    }
    #expect(abs(estimate.leaveOneOutError - (errors / 15).squareRoot()) < 1e-9)
    let mean = norms.reduce(0, +) / 15
    let jackknife =
      (14.0 / 15 * norms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
    #expect(abs(estimate.standardError - jackknife) < 1e-9)
  }

  @Test func `the norm of a constructed target is approached from below`() throws {
    let target = KernelExpansion.random(
      kernel: kernel, terms: 5, dimension: 5, norm: 3, seed: 8)
    #expect(abs(target.norm - 3) < 1e-12)
    var last = 0.0
    for count in [20, 60, 180] {
      let inputs = TestData.unitRows(count, 5, seed: 40)
      let estimate = try NormEstimator(gram: kernel.gramMatrix(of: inputs)).estimate(
        of: target.values(at: inputs), regularization: .lambda(1e-6))
      // The least norm that fits n values: never above the true one, growing with n.
      #expect(estimate.value <= 3 * (1 + 1e-6) && estimate.value >= last)
      last = estimate.value
    }
    #expect(last > 2.4)
  }

  @Test func `noise is told from signal by its level and by cross-validation`() throws {
    let target = KernelExpansion.random(
      kernel: kernel, terms: 5, dimension: 4, norm: 4, seed: 3)
    let inputs = TestData.unitRows(160, 4, seed: 6)
    var source = NormalSource(seed: 7)
    let clean = target.values(at: inputs)
    let noisy = clean.map { $0 + 0.1 * Double(source.next()) }
    let estimator = try NormEstimator(gram: kernel.gramMatrix(of: inputs))
    let interpolation = try estimator.estimate(of: noisy, regularization: .lambda(1e-9))
    // Interpolating the noise takes a norm far beyond the truth.
    #expect(interpolation.value > 8)
    for rule in [NormEstimator.Regularization.noiseLevel(0.1), .crossValidation] {
      let estimate = try estimator.estimate(of: noisy, regularization: rule)
      #expect(estimate.fitNorm < 5 && estimate.fitNorm > 1.5, "\(rule): \(estimate)")
      #expect(estimate.value < 7 && estimate.standardError < 0.2 * estimate.value, "\(rule)")
      #expect(estimate.leaveOneOutError < interpolation.leaveOneOutError)
    }
    let level = try estimator.estimate(of: noisy, regularization: .noiseLevel(0.1))
    #expect(abs(level.residual - 0.1) < 1e-6)
  }

  @Test func `targets without a norm are refused`() throws {
    let inputs = TestData.unitRows(6, 3, seed: 1)
    let estimator = try NormEstimator(gram: kernel.gramMatrix(of: inputs))
    let y = [1.0, -1, 1, -1, 1, -1]
    #expect(throws: NormError.zeroTargets) {
      try estimator.estimate(of: .init(repeating: 0, count: 6))
    }
    #expect(throws: NormError.notFinite(row: 2)) {
      try estimator.estimate(of: [0, 1, .nan, 0, 0, 0])
    }
    #expect(throws: NormError.noiseTooLarge(level: 2, rootMeanSquare: 1)) {
      try estimator.estimate(of: [1, 1, 1, 1, 1, 1], regularization: .noiseLevel(2))
    }
    let twice = try NormEstimator(gram: kernel.gramMatrix(of: inputs.gather([0, 1, 1, 2, 3, 4])))
    #expect(throws: NormError.singular) {
      try twice.estimate(of: y, regularization: .lambda(0))
    }
  }

  @Test func `the representation over random rows gives function and norm back`() {
    let target = KernelExpansion.random(
      kernel: kernel, terms: 4, dimension: 5, norm: 2, seed: 5)
    let point = TestData.unitRows(1, 5, seed: 9)
    let rows = 20_000
    let weights = TestData.gaussian(rows, 5, seed: 10)
    var squares = 0.0
    var value = 0.0
    var square = 0.0
    for r in 0..<rows {
      let w = weights.rowArray(r)
      let g = target.displacement(at: w)
      squares += g.reduce(0) { $0 + $1 * $1 }
      var z = 0.0
      var inner = 0.0
      for l in 0..<5 {
        z += Double(w[l]) * Double(point[0, l])
        inner += g[l] * Double(point[0, l])
      }
      if z > 1 {
        value += inner
        square += inner * inner
      }
    }
    let count = Double(rows)
    #expect(abs((squares / count).squareRoot() / 2 - 1) < 0.05)
    let mean = value / count
    let error = ((square / count - mean * mean) / count).squareRoot()
    #expect(abs(mean - target.values(at: point)[0]) < 4 * error)
  }

  @Test func `the excess of absolute loss under noise has a closed form`() {
    let noise = LabelNoise(deviation: 0.3)
    #expect(noise.absoluteExcess(error: 0) == 0)
    for error in [-2.0, -0.3, 0.01, 0.5] {
      // Midpoint rule over 12 deviations, exact to many digits for a smooth density.
      var sum = 0.0
      let steps = 4000
      for k in 0..<steps {
        let z = -6 + 12 * (Double(k) + 0.5) / Double(steps)
        let value = abs(error + 0.3 * z) - abs(0.3 * z)
        sum += value * GaussianTail.density(at: z) * 12 / Double(steps)
      }
      #expect(abs(noise.absoluteExcess(error: error) - sum) < 1e-5)
    }
    // For small errors: half the curvature of the expected loss, error² phi(0) / deviation.
    let small = noise.absoluteExcess(error: 1e-5)
    #expect(abs(small / (1e-10 * GaussianTail.density(at: 0) / 0.3) - 1) < 1e-4)
    #expect(abs(noise.absoluteExcess(error: 50) + noise.absoluteLoss - 50) < 1e-12)
  }

  @Test func `points of the sphere have length 1 and depend on the seed`() {
    let points = UnitSphere.points(20, dimension: 7, seed: 3)
    for r in 0..<20 {
      let norm = points.rowArray(r).reduce(0) { $0 + Double($1) * Double($1) }
      #expect(abs(norm - 1) < 1e-6)
    }
    #expect(points.isIdentical(to: UnitSphere.points(20, dimension: 7, seed: 3)))
    #expect(!points.isIdentical(to: UnitSphere.points(20, dimension: 7, seed: 4)))
  }
}
