// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Metrics of features: what is learned, and what they do to rows and models.
@Suite struct FeatureMetricTests {
  private static let map = DoubleMatrix(rows: 2, columns: 3, elements: [1, 2, 0, -0.5, 0, 3])

  private func rows(_ count: Int, seed: UInt64 = 1) -> Matrix {
    var source = NormalSource(seed: seed)
    return Matrix((0..<count).map { _ in [source.next(), 10 * source.next(), source.next() - 5] })
  }

  // MARK: Transforms

  @Test(arguments: [nil, 2.0]) func `the map stands between scaling and the constant`(
    constant: Double?
  ) throws {
    let features = rows(100)
    let plain = try FeatureTransform(fitting: features, scaling: .standardize, constant: constant)
    let mapped = plain.with(metric: FeatureMetric(map: Self.map))
    #expect(mapped.inputCount == 3 && mapped.outputCount == (constant == nil ? 2 : 3))
    let (scaled, result) = (try plain.scaled(features), try mapped.apply(to: features))
    for row in 0..<100 {
      var expected = (0..<2).map { k in
        (0..<3).reduce(0.0) { $0 + Self.map[k, $1] * scaled[row, $1] }
      }
      if let constant { expected.append(constant) }
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(result.rowArray(row) == expected.map { Float($0 / norm) })
    }
    #expect(try mapped.apply(to: features, threads: 3).isIdentical(to: result))
    #expect(mapped.with(metric: nil) == plain)
  }

  @Test func `the identity changes no bit`() throws {
    let features = rows(70)
    let plain = try FeatureTransform(fitting: features, scaling: .rank, constant: 1.5)
    var identity = DoubleMatrix(rows: 3, columns: 3)
    for i in 0..<3 { identity[i, i] = 1 }
    let mapped = plain.with(metric: FeatureMetric(map: identity))
    #expect(try mapped.apply(to: features).isIdentical(to: try plain.apply(to: features)))
    #expect(FeatureMetric(map: identity).directions == 3)
  }

  @Test func `a transform with a metric survives JSON, a damaged metric is refused`() throws {
    let transform = try FeatureTransform(fitting: rows(50), scaling: .rank, constant: 2)
      .with(metric: FeatureMetric(map: Self.map))
    let text = try TabularModel.json(transform)
    let decoded = try JSONDecoder().decode(FeatureTransform.self, from: Data(text.utf8))
    #expect(decoded == transform)
    let sound = #""columns":3,"elements":[1,2,0,-0.5,0,3],"rows":2"#
    try #require(text.contains(sound))
    for damaged in [
      #""columns":3,"elements":[1,2,0,-0.5,0],"rows":2"#,
      #""columns":2,"elements":[1,2,0,-0.5,0,3],"rows":3"#,
      #""columns":3,"elements":[1,2,0,-0.5,0,3e9],"rows":2"#,
      #""columns":3,"elements":[],"rows":0"#,
      #""columns":-3,"elements":[1,2,0,-0.5,0,3],"rows":-2"#,
      #""columns":4611686018427387904,"elements":[1],"rows":8"#,
    ] {
      let bytes = Data(text.replacingOccurrences(of: sound, with: damaged).utf8)
      #expect(throws: DecodingError.self, "\(damaged)") {
        try JSONDecoder().decode(FeatureTransform.self, from: bytes)
      }
    }
  }

  // MARK: Learning

  /// The scores of a model as a function of scaled features, in Double.
  private func scores(
    _ predictor: Predictor, _ transform: FeatureTransform, _ scaled: [Double]
  ) -> [Double] {
    var values = scaled
    if let map = transform.metric?.map {
      values = (0..<map.rows).map { k in
        (0..<map.columns).reduce(0.0) { $0 + map[k, $1] * scaled[$1] }
      }
    }
    if let constant = transform.constant { values.append(constant) }
    let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    var sums = [Double](repeating: 0, count: predictor.outputCount)
    for r in 0..<predictor.count {
      let dot = zip(predictor.weights.rowArray(r), values)
        .reduce(0) { $0 + Double($1.0) * $1.1 / norm }
      for c in sums.indices {
        sums[c] +=
          Double(predictor.factor) * Double(predictor.outputs[r, c])
          * max(0, dot - Double(predictor.threshold))
      }
    }
    return sums
  }

  @Test(arguments: [false, true])
  func `gradients with respect to scaled features are central differences`(
    hasMetric: Bool
  ) throws {
    let features = rows(40)
    var transform = try FeatureTransform(fitting: features, scaling: .standardize, constant: 1.25)
    if hasMetric { transform = transform.with(metric: FeatureMetric(map: Self.map)) }
    var source = NormalSource(seed: 4)
    func matrix(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix((0..<rows).map { _ in (0..<columns).map { _ in source.next() } })
    }
    let predictor = Predictor(
      weights: matrix(60, transform.outputCount), outputs: matrix(60, 2), threshold: 0.25,
      factor: 0.125, shards: [0, 60])
    let gradients = try transform.featureGradients(of: predictor, at: features, threads: 2)
    let scaled = try transform.scaled(features)
    let step = 1e-5
    var close = 0
    for row in 0..<40 {
      let point = (0..<3).map { scaled[row, $0] }
      for column in 0..<3 {
        var (up, down) = (point, point)
        up[column] += step
        down[column] -= step
        let (above, below) = (
          scores(predictor, transform, up), scores(predictor, transform, down)
        )
        for c in 0..<2 {
          let slope = (above[c] - below[c]) / (2 * step)
          // A kink within the step spoils a difference, rarely.
          if abs(gradients[c][row, column] - slope) < 1e-4 + 1e-4 * abs(slope) { close += 1 }
        }
      }
    }
    #expect(close >= 236 && close <= 240)
  }

  /// A table whose target depends on one direction, which is none of the columns.
  private static func oneDirection(rows: Int) -> Table {
    var source = NormalSource(seed: 11)
    var columns = [[Double]](repeating: [], count: 7)
    for _ in 0..<rows {
      let x = (0..<6).map { _ in Double(source.next()) }
      for (column, value) in x.enumerated() { columns[column].append(value) }
      columns[6].append(sin(2 * (0.6 * x[0] - 0.8 * x[3])))
    }
    return Table(
      name: "direction",
      columns: zip(["a", "b", "c", "d", "e", "f", "y"], columns)
        .map { TableColumn(name: $0, numbers: $1) })
  }

  private func options(_ metric: TrainingOptions.Metric) -> TrainingOptions {
    var options = TrainingOptions()
    options.width = 1024
    options.threshold = .value(1)
    options.epochs = 20
    options.threads = 1
    options.metric = metric
    return options
  }

  @Test func `the metric finds the one direction that a target depends on`() throws {
    let table = Self.oneDirection(rows: 500)
    let learned = try TabularModel.train(on: table, target: "y", options: options(.learned)).model
    let metric = try #require(learned.transform.metric)
    // The leading eigenvector of the map, which is symmetric.
    let (values, vectors) = try metric.map.symmetricEigensystem()
    let leading = (0..<6).map { vectors[$0, 5] }
    #expect(abs(0.6 * leading[0] - 0.8 * leading[3]) > 0.97)
    #expect(values[5] > 2 * values[4])
    #expect(metric.directions < 3)
    // And it helps.
    let plain = try TabularModel.train(on: table, target: "y", options: options(.none)).model
    #expect(plain.transform.metric == nil)
    let (with, without) = (
      try #require(learned.record.test?.r2), try #require(plain.record.test?.r2)
    )
    #expect(with > without + 0.02)
    // Rows are as long as before.
    let features = try learned.encoder.encode(table)
    let square = { (matrix: DoubleMatrix) in matrix.elements.reduce(0) { $0 + $1 * $1 } }
    let scaled = try learned.transform.scaled(features)
    var mapped = DoubleMatrix(rows: scaled.rows, columns: 6)
    for row in 0..<scaled.rows {
      for k in 0..<6 {
        mapped[row, k] = (0..<6).reduce(0) { $0 + metric.map[k, $1] * scaled[row, $1] }
      }
    }
    #expect(abs(square(mapped) / square(scaled) - 1) < 0.1)
  }

  @Test func `threads do not matter, and elements are multiples of 2^-20 of the largest`() throws {
    let table = Self.oneDirection(rows: 200)
    var (one, three) = (options(.learned), options(.learned))
    (one.epochs, three.epochs) = (5, 5)
    three.threads = 3
    let model = try TabularModel.train(on: table, target: "y", options: one).model
    let other = try TabularModel.train(on: table, target: "y", options: three).model
    #expect(try model.file().encoded() == other.file().encoded())
    let elements = try #require(model.transform.metric).map.elements
    let largest = elements.reduce(0) { max($0, abs($1)) }
    let unit = Double(sign: .plus, exponent: largest.exponent - 20, significand: 1)
    #expect(elements.allSatisfy { ($0 / unit).rounded() == $0 / unit })
  }

  @Test func `a constant network suggests nothing`() throws {
    let features = rows(30)
    let transform = try FeatureTransform(fitting: features, scaling: .standardize, constant: 1)
    let silent = Predictor(
      weights: Matrix(rows: 4, columns: 4),
      outputs: Matrix(rows: 4, columns: 1, packedSingleColumn: true), threshold: 1,
      factor: 1, shards: [0, 4])
    #expect(try FeatureMetric(gradientsOf: silent, through: transform, at: features) == nil)
  }

  @Test func `a metric that is refined attends to the direction that matters still more`() throws {
    let table = Self.oneDirection(rows: 200)
    func directions(_ metric: TrainingOptions.Metric) throws -> Double {
      let model = try TabularModel.train(on: table, target: "y", options: options(metric)).model
      return try #require(model.transform.metric).directions
    }
    #expect(try directions(.refined) < directions(.learned))
  }

  @Test func `where none can be learned, that is said`() throws {
    let table = Self.oneDirection(rows: 60)
    var options = options(.learned)
    options.outputs = .independent()
    let error = #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: table, target: "y", options: options)
    }
    #expect(error?.description.contains("independent output weights") == true)
    let folder = TemporaryFolder()
    try AtomicFile.write(
      (0..<30).map { "\($0 % 2) \($0 % 7):1 \(8 + $0 % 5):2\n" }.joined(),
      to: folder.file("t.libsvm"))
    options = self.options(.learned)
    options.hashColumns = 0
    let sparse = #expect(throws: ConfigurationError.self) {
      try TabularModel.train(
        on: Dataset(contentsOf: folder.file("t.libsvm")), options: options)
    }
    #expect(sparse?.description.contains("tables that fit in memory") == true)
  }

  // MARK: Files

  @Test func `a model with a metric has format 2, and predicts the same bits once read`() throws {
    let table = SampleTable.classification(rows: 120)
    var options = options(.learned)
    options.epochs = 4
    let model = try TabularModel.train(on: table, target: "kind", options: options).model
    #expect(model.formatVersion == "2")
    let folder = TemporaryFolder()
    try model.save(to: folder.file("m"))
    let read = try TabularModel(contentsOf: folder.file("m"))
    #expect(read.transform == model.transform)
    let strangers = SampleTable.classification(rows: 80, seed: 5)
    #expect(try read.scores(for: strangers).isIdentical(to: model.scores(for: strangers)))
    #expect(try read.file().encoded() == model.file().encoded())
    // Without one, nothing has changed.
    options.metric = TrainingOptions.Metric.none
    let plain = try TabularModel.train(on: table, target: "kind", options: options).model
    let metadata = try plain.file().metadata
    #expect(metadata["halfspace"] == "1")
    #expect(metadata["halfspace.transform"]?.contains("metric") == false)
    // A metric in a file that claims to have none is no slip of the pen.
    var file = try model.file()
    file.metadata["halfspace"] = "1"
    let bytes = try file.encoded()
    let error = #expect(throws: ModelFileError.self) {
      try TabularModel(file: Safetensors(bytes, name: "m"))
    }
    #expect(error?.reason == .inconsistent("format 1 has no metric"))
  }

  @Test func `an ONNX graph multiplies by the map`() throws {
    var options = options(.learned)
    options.epochs = 2
    let model = try TabularModel.train(
      on: SampleTable.regression(), target: "y", options: options
    ).model
    let graph = try #require(try ProtobufMessage(try model.onnx()).messages(7).first)
    let operations = try graph.messages(1).map { $0.texts(4)[0] }
    let product = try #require(operations.firstIndex(of: "MatMul"))
    #expect(operations[product - 1] == "Transpose")
    #expect(try #require(operations.firstIndex(of: "Clip")) < product)
    #expect(product < (try #require(operations.firstIndex(of: "Pad"))))
    let expected = ONNXTensor(
      try #require(model.transform.metric).map.elements, shape: [2, 2])
    var writer = ProtobufWriter()
    expected.encode(name: "", to: &writer)
    let bytes = try ProtobufMessage(writer.bytes).bytes(9)
    #expect(try graph.messages(5).contains { $0.bytes(9) == bytes })
  }
}
