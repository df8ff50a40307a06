// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Foundation
import Halfspace
import _HalfspaceBenchmark

/// A network, rows to train it on, and how.
struct Workload {
  var name: String
  var inputs: Matrix
  var targets: Targets
  var network: NetworkConfiguration
  var batch: Int
  var learningRate: Double
  /// Epochs between the early and the late measurement.
  var epochs: Int

  var outputCount: Int {
    switch targets {
    case .classes(_, let count), .labelSets(_, let count): count
    case .values(let values): values.columns
    }
  }

  var loss: Loss {
    switch targets {
    case .classes: .softmaxCrossEntropy
    case .labelSets: .oneVersusRestLogistic
    case .values: .squared
    }
  }

  /// A trainer at its start: the static report is made.
  func trainer(_ lookup: LookupStrategy, threads: Int = 1) throws -> Trainer {
    try Trainer(
      inputs: inputs, targets: targets, network: network,
      training: TrainingConfiguration(
        loss: loss, epochs: 1000, batchSize: batch, learningRate: learningRate,
        schedule: .constant, lookup: lookup, threads: threads))
  }

  /// The same with another batch size.
  func with(batch: Int) -> Workload {
    var workload = self
    // A step of fewer rows is noisier and must be shorter.
    workload.learningRate *= min(1, Double(batch) / Double(workload.batch))
    workload.batch = batch
    return workload
  }

  // MARK: The workloads

  static func letter(
    _ problem: TableProblem, width: Int, threshold: Float, epochs: Int
  ) -> Workload {
    Workload(
      name: "letter", inputs: problem.training.inputs, targets: problem.training.targets,
      network: .init(width: width, threshold: .value(threshold)), batch: 64, learningRate: 40,
      epochs: epochs)
  }

  static func digits(
    _ problem: TableProblem, width: Int, expectedFiring: Double = 64, epochs: Int
  ) -> Workload {
    Workload(
      name: "digits", inputs: problem.training.inputs, targets: problem.training.targets,
      network: .init(width: width, threshold: .expectedFiring(expectedFiring)), batch: 64,
      learningRate: 20, epochs: epochs)
  }

  /// Low dimension, a million neurons at the paper's threshold, one output.
  static func million(rows: Int) -> Workload {
    let inputs = Self.unitRows(rows, 16, seed: 1)
    return Workload(
      name: "16 inputs", inputs: inputs, targets: .values(Self.smoothTarget(inputs)),
      network: .init(width: 1_000_000, threshold: .paper), batch: 64, learningRate: 1, epochs: 1)
  }

  /// Independent inputs of high dimension.
  static func spread(rows: Int, epochs: Int) -> Workload {
    let inputs = Self.unitRows(rows, 512, seed: 2)
    return Workload(
      name: "512 inputs", inputs: inputs, targets: Self.classes(inputs, count: 10),
      network: .init(width: 32_768, threshold: .firingFraction(0.01)), batch: 512,
      learningRate: 20, epochs: epochs)
  }

  /// Inputs like images: 20 directions and noise.
  static func lowRank(rows: Int, epochs: Int) -> Workload {
    let (rank, dimension) = (20, 784)
    let factors = Self.gaussian(rows, rank, stream: 1)
    let directions = Self.gaussian(rank, dimension, stream: 2)
    let noise = Self.gaussian(rows, dimension, stream: 3)
    let inputs = factors.product(with: directions)
    for r in 0..<rows {
      for c in 0..<dimension { inputs[r, c] += 0.5 * noise[r, c] }
    }
    Self.normalize(inputs)
    return Workload(
      name: "784 inputs, low rank", inputs: inputs, targets: Self.classes(inputs, count: 10),
      network: .init(width: 65_536, threshold: .firingFraction(0.002)), batch: 128,
      learningRate: 20, epochs: epochs)
  }

  // MARK: Synthetic rows

  private static func gaussian(_ rows: Int, _ columns: Int, stream: UInt32) -> Matrix {
    let matrix = Matrix(rows: rows, columns: columns)
    unsafe hs_normal_rows_f32(7, stream, 0, rows, columns, matrix.stride, matrix.pointer)
    return matrix
  }

  private static func normalize(_ matrix: Matrix) {
    for r in 0..<matrix.rows {
      let values = matrix.rowArray(r)
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      matrix.setRow(r, to: values.map { $0 / norm })
    }
  }

  private static func unitRows(_ rows: Int, _ dimension: Int, seed: UInt32) -> Matrix {
    let matrix = gaussian(rows, dimension, stream: 100 + seed)
    normalize(matrix)
    return matrix
  }

  private static func smoothTarget(_ inputs: Matrix) -> Matrix {
    let values = Matrix(rows: inputs.rows, columns: 1)
    for r in 0..<inputs.rows { values[r, 0] = sin(5 * inputs[r, 0]) + inputs[r, 1] * inputs[r, 2] }
    return values
  }

  /// The nearest of `count` random directions.
  private static func classes(_ inputs: Matrix, count: Int) -> Targets {
    let scores = inputs.product(
      with: gaussian(count, inputs.columns, stream: 50), otherTransposed: true)
    let labels = (0..<inputs.rows).map { row -> Int32 in
      let values = scores.rowArray(row)
      return Int32(values.indices.max { values[$0] < values[$1] } ?? 0)
    }
    return .classes(labels, count: count)
  }
}
