// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import HalfspaceTheory
import Testing
import _HalfspaceTestSupport

@Suite struct ShiftedReLUKernelTests {
  private func relative(_ a: Double, _ b: Double) -> Double { abs(a - b) / max(abs(b), 1e-300) }

  @Test func `each trained part adds its term`() {
    let (b, rho) = (1.0, 0.5)
    let kappa0 = ShiftedReLU.kappa0(threshold: b, correlation: rho)
    let kappa1 = ShiftedReLU.kappa1(threshold: b, correlation: rho)
    func value(_ trained: ShiftedReLUKernel.Parameters) -> Double {
      ShiftedReLUKernel(threshold: b, trained: trained).value(correlation: rho)
    }
    #expect(relative(value(.hidden), rho * kappa0) < 1e-15)
    #expect(relative(value([.hidden, .shift]), (rho + 1) * kappa0) < 1e-15)
    #expect(relative(value([.hidden, .outputs]), kappa1 + rho * kappa0) < 1e-15)
    #expect(
      relative(value([.hidden, .shift, .outputs]), kappa1 + (rho + 1) * kappa0) < 1e-15)
    #expect(value([]) == 0)
    let diagonal = ShiftedReLUKernel(threshold: b).diagonal
    #expect(relative(diagonal, GaussianTail.probability(above: b)) < 1e-14)
  }

  @Test func `scaling rows and threshold together scales the kernel`() {
    // w ~ N(0, sigma²) on x is N(0, 1) on sigma x: hidden gradients keep x, outputs see sigma x.
    for trained in [ShiftedReLUKernel.Parameters.hidden, .shift, .outputs] {
      let narrow = ShiftedReLUKernel(threshold: 0.5, trained: trained, deviation: 0.25)
      let unit = ShiftedReLUKernel(threshold: 2, trained: trained)
      let factor = trained == .outputs ? 1.0 / 16 : 1
      #expect(
        relative(narrow.value(correlation: 0.3), factor * unit.value(correlation: 0.3)) < 1e-14)
      let long = ShiftedReLUKernel(threshold: 6, trained: trained)
        .value(lengths: (3, 3), correlation: 0.3)
      #expect(
        relative(long, (trained == .shift ? 1 : 9) * unit.value(correlation: 0.3)) < 1e-14)
    }
  }

  @Test func `an input of zeros fires where the threshold is negative only`() {
    for b in [0.0, 1.5] {
      let kernel = ShiftedReLUKernel(threshold: b, trained: [.hidden, .shift, .outputs])
      #expect(kernel.value(lengths: (0, 1), correlation: 0) == 0)
    }
    let kernel = ShiftedReLUKernel(threshold: -1, trained: .outputs)
    let tiny = kernel.value(lengths: (1e-9, 1), correlation: 0)
    #expect(relative(kernel.value(lengths: (0, 1), correlation: 0), tiny) < 1e-8)
    #expect(kernel.value(lengths: (0, 0), correlation: 0) == 1)
  }

  @Test func `a kernel matrix holds the kernel of every two rows`() {
    let inputs = TestData.gaussian(19, 5, seed: 3)
    for c in 0..<5 { inputs[4, c] = 0 }
    for c in 0..<5 { inputs[7, c] = inputs[2, c] }
    let kernel = ShiftedReLUKernel(
      threshold: 1.2, trained: [.hidden, .shift, .outputs], deviation: 0.8)
    let gram = kernel.gramMatrix(of: inputs)
    #expect(kernel.gramMatrix(of: inputs, threads: 3) == gram)
    #expect(kernel.matrix(of: inputs, against: inputs) == gram)
    func product(_ i: Int, _ j: Int) -> Double {
      (0..<5).reduce(0) { $0 + Double(inputs[i, $1]) * Double(inputs[j, $1]) }
    }
    for i in 0..<19 {
      for j in 0..<19 {
        let lengths = (product(i, i).squareRoot(), product(j, j).squareRoot())
        let scale = lengths.0 * lengths.1
        let value = kernel.value(
          lengths: lengths, correlation: scale > 0 ? product(i, j) / scale : 0)
        #expect(abs(gram[i, j] - value) <= 1e-7 * abs(value), "\(i) \(j)")
      }
    }
    // Equal rows are equal to the kernel, to the last digit that matters.
    #expect(relative(gram[2, 7], gram[2, 2]) < 1e-14)
  }

  @Test func `rows of unit length in single precision are unit rows`() {
    let inputs = TestData.unitRows(12, 40, seed: 5)
    let gram = ShiftedReLUKernel(threshold: 2).gramMatrix(of: inputs)
    let tail = GaussianTail.probability(above: 2)
    for i in 0..<12 { #expect(relative(gram[i, i], tail) < 1e-6) }
  }

  @Test func `the kernel is the mean over random rows`() {
    // 4 standard errors, from the exact variance of a firing indicator.
    let rows = 40_000
    let weights = IndependentGaussian(count: rows, dimension: 6, seed: 9)
    let inputs = TestData.unitRows(5, 6, seed: 1)
    var report = InitialReport()
    var work = IndexStatistics()
    weights.report(
      queries: inputs, rows: 0..<5, above: 1, threads: 1, into: &report, statistics: &work)
    let fired = (0..<5).map { q in
      Set(report.range(of: q).map { unsafe report.neurons[$0] })
    }
    let kernel = ShiftedReLUKernel(threshold: 1, trained: .shift)
    let gram = kernel.gramMatrix(of: inputs)
    for i in 0..<5 {
      for j in 0..<5 {
        let share = Double(fired[i].intersection(fired[j]).count) / Double(rows)
        let kappa0 = gram[i, j]
        #expect(abs(share - kappa0) < 4 * (kappa0 * (1 - kappa0) / Double(rows)).squareRoot())
      }
    }
  }

  @Test func `the spectrum of a kernel matrix is positive and sums to its trace`() throws {
    let inputs = TestData.unitRows(30, 8, seed: 2)
    let gram = ShiftedReLUKernel(threshold: 1.5).gramMatrix(of: inputs)
    let spectrum = try GramSpectrum(of: gram)
    let trace = (0..<30).reduce(0) { $0 + gram[$1, $1] }
    #expect(relative(spectrum.eigenvalues.reduce(0, +), trace) < 1e-12)
    #expect(spectrum.smallest > 0 && spectrum.conditionNumber > 1)
    #expect(spectrum.conditionNumber == spectrum.largest / spectrum.smallest)
    #expect(spectrum.effectiveRank > 1 && spectrum.effectiveRank < 30)
    let full = try gram.symmetricEigensystem().values
    for (a, b) in zip(full, spectrum.eigenvalues) { #expect(abs(a - b) < 1e-12) }
    // A row given twice makes it singular.
    let twice = inputs.gather([0, 1, 1])
    let singular = try GramSpectrum(of: ShiftedReLUKernel(threshold: 1).gramMatrix(of: twice))
    #expect(abs(singular.smallest) < 1e-12 && singular.conditionNumber > 1e9)
  }

  @Test func `kernel regression interpolates without a ridge and shrinks with one`() throws {
    let inputs = TestData.unitRows(40, 6, seed: 4)
    let targets = DoubleMatrix(
      rows: 40, columns: 2,
      elements: (0..<40).flatMap { r in
        [Double(inputs[r, 0]), inputs[r, 1] > 0 ? 1.0 : -1]
      })
    let kernel = ShiftedReLUKernel(threshold: 1)
    let exact = try KernelRegression(kernel: kernel, inputs: inputs, targets: targets, lambda: 0)
    let fitted = exact.predict(inputs)
    for (a, b) in zip(fitted.elements, targets.elements) { #expect(abs(a - b) < 1e-8) }
    let ridge = try KernelRegression(
      kernel: kernel, inputs: inputs, targets: targets, lambda: 0.1)
    for (free, held) in zip(exact.norms(), ridge.norms()) { #expect(held < 0.8 * free) }
    // One training row: f(x) = y K(x, x1) / (K(x1, x1) + lambda).
    let one = try KernelRegression(
      kernel: kernel, inputs: inputs.gather([3]),
      targets: DoubleMatrix(rows: 1, columns: 1, elements: [2]), lambda: 0.5)
    let k = kernel.matrix(of: inputs, against: inputs)
    #expect(abs(one.predict(inputs)[7, 0] - 2 * k[7, 3] / (k[3, 3] + 0.5)) < 1e-12)
  }

  @Test func `a row on which nothing fires is refused without a ridge`() {
    let inputs = Matrix([[1, 0], [0, 0]])
    let targets = DoubleMatrix(rows: 2, columns: 1, elements: [1, 2])
    #expect(throws: FactorizationError.self) {
      try KernelRegression(
        kernel: ShiftedReLUKernel(threshold: 1), inputs: inputs, targets: targets, lambda: 0)
    }
  }

  @Test func `settings that make no kernel trap`() async {
    await #expect(processExitsWith: .failure) { _ = ShiftedReLUKernel(threshold: .nan) }
    await #expect(processExitsWith: .failure) {
      _ = ShiftedReLUKernel(threshold: 1, deviation: 0)
    }
    await #expect(processExitsWith: .failure) {
      let one = Matrix(rows: 1, columns: 2)
      _ = ShiftedReLUKernel(threshold: 1).matrix(of: one, against: Matrix(rows: 1, columns: 3))
    }
  }
}
