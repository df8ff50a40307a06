// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Skewed features on a logarithmic scale.
@Suite struct LogScalingTests {
  /// An amount, one of either sign, a count, a number that is not skewed, a constant.
  private func sample(rows: Int = 400) -> Matrix {
    var source = NormalSource(seed: 4)
    return Matrix(
      (0..<rows).map { _ in
        let (u, v, w) = (source.next(), source.next(), source.next())
        return [
          exp(2 * u), v * exp(abs(2 * v)) + 30 * exp(2 * v), max(0, exp(w) - 1).rounded(), u, 7,
        ]
      })
  }

  private func skewness(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    let cube = values.reduce(0) { $0 + pow($1 - mean, 3) } / Double(values.count)
    return cube / pow(square, 1.5)
  }

  @Test func `skewed columns get a unit, others none`() {
    let units = LogUnits.suggested(for: sample())
    #expect(units[0] > 0 && units[1] > 0 && units[2] > 0)
    #expect(units[3] == 0 && units[4] == 0)
    // What a logarithm does not help stays as it is.
    let left = Matrix((0..<100).map { [100 - exp(Float($0) / 20)] })
    #expect(LogUnits.suggested(for: left) == [0])
  }

  @Test func `scaled columns have mean 0, variance 1 and little skewness`() throws {
    let matrix = sample()
    let transform = try FeatureTransform(fitting: matrix, scaling: .log)
    let scaled = try transform.scaled(matrix)
    for column in 0..<4 {
      let values = (0..<matrix.rows).map { scaled[$0, column] }
      let mean = values.reduce(0, +) / 400
      #expect(abs(mean) < 1e-5)
      #expect(abs(values.reduce(0) { $0 + $1 * $1 } / 400 - 1) < 1e-4)
      let before = skewness((0..<matrix.rows).map { Double(matrix[$0, column]) })
      #expect(abs(skewness(values)) < max(0.5 * abs(before), 0.3))
      // Order is kept.
      let order = (0..<400).sorted { matrix[$0, column] < matrix[$1, column] }
      #expect(zip(order, order.dropFirst()).allSatisfy { values[$0] <= values[$1] })
    }
    #expect((0..<400).allSatisfy { scaled[$0, 4] == 0 })
    // Beyond the training values it goes on, and stays finite.
    let far = try transform.scaled(Matrix([[3e38, -3e38, 1e30, 0, 7]]))
    #expect(far[0, 0] > 5 && far[0, 1] < -2 && far[0, 2] > 5 && far[0, 0] < FeatureTransform.limit)
  }

  @Test func `where nothing is skewed it is standardizing`() throws {
    let matrix = TestData.gaussian(80, 3, seed: 6)
    let plain = try FeatureTransform(fitting: matrix, scaling: .standardize, constant: 1)
    let log = try FeatureTransform(fitting: matrix, scaling: .log, constant: 1)
    #expect(try log.apply(to: matrix).isIdentical(to: plain.apply(to: matrix)))
  }

  @Test func `blocks of rows give the transform of all of them`() throws {
    let matrix = sample()
    let whole = try FeatureTransform(fitting: matrix, scaling: .log, constant: 1)
    let parts = FeatureTransform(
      fitting: matrix, scaling: .log, constant: 1, rows: 400
    ) { body in
      for first in stride(from: 0, to: 400, by: 150) {
        body(matrix.gather(first..<min(400, first + 150)))
      }
    }
    #expect(parts == whole)
  }

  @Test func `it is stored, and refused when it is not sound`() throws {
    let transform = try FeatureTransform(fitting: sample(), scaling: .log, constant: 2)
    let data = try JSONEncoder().encode(transform)
    #expect(try JSONDecoder().decode(FeatureTransform.self, from: data) == transform)
    for bad in [
      #"{"scaling":"log","fit":{"logarithms":{"units":[1],"centers":[1,2],"scales":[1,1]}}}"#,
      #"{"scaling":"log","fit":{"logarithms":{"units":[-1],"centers":[1],"scales":[1]}}}"#,
      #"{"scaling":"log","fit":{"linear":{"centers":[1],"scales":[1]}}}"#,
      #"{"scaling":"standardize","fit":{"logarithms":{"units":[1],"centers":[1],"scales":[1]}}}"#,
    ] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(FeatureTransform.self, from: Data(bad.utf8))
      }
    }
  }

  @Test func `models with logarithms are of format 3, and of no other`() throws {
    var options = TrainingOptions()
    (options.width, options.epochs, options.threads) = (128, 2, 1)
    options.scaling = .log
    let table = SampleTable.skewed()
    let model = try TabularModel.train(on: table, target: "y", options: options).model
    #expect(model.formatVersion == "3")
    var file = try model.file()
    #expect(
      try TabularModel(file: file).scores(for: table).isIdentical(to: try model.scores(for: table)))
    for version in ["1", "2"] {
      file.metadata["halfspace"] = version
      #expect(throws: ModelFileError.self) { try TabularModel(file: file) }
    }
  }
}
