// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import Testing

@Suite struct TargetEncoderTests {
  private func table(_ numbers: [Double?]) -> Table {
    Table(name: "t", columns: [TableColumn(name: "y", numbers: numbers)])
  }

  private func table(_ texts: [String?]) -> Table {
    Table(name: "t", columns: [TableColumn(name: "y", texts: texts)])
  }

  // MARK: Task

  @Test func `the task follows from the values`() {
    func task(_ column: TableColumn) -> PredictionTask { PredictionTask.suggested(for: column) }
    func numbers(_ values: [Double?]) -> TableColumn { TableColumn(name: "y", numbers: values) }
    #expect(task(TableColumn(name: "y", texts: ["1", "2"])) == .classification)
    #expect(task(numbers([0, 1, nil, 1])) == .classification)
    #expect(task(numbers([1, 2, 3, 4])) == .regression)
    #expect(task(numbers((0..<100).map { Double($0 % 10) })) == .classification)
    #expect(task(numbers((0..<100).map { Double($0 % 10) + 0.5 })) == .regression)
    #expect(task(numbers((0..<100).map { Double($0 % 21) })) == .regression)
    #expect(task(numbers((0..<1000).map { Double($0 % 50) })) == .classification)
    #expect(task(numbers((0..<999).map { Double($0 % 50) })) == .regression)
    #expect(task(numbers((0..<10_000).map { Double($0 % 51) })) == .regression)
    #expect(task(numbers([-1, 1e300])) == .classification)
  }

  // MARK: Classification

  @Test func `classes are numbered in order of their labels`() throws {
    let encoder = try TargetEncoder(fitting: table(["b", "ä", "a", "b"]), column: "y")
    #expect(encoder.task == .classification)
    #expect(encoder.labels == ["a", "b", "ä"])
    #expect(encoder.outputCount == 3)
    #expect(try encoder.classes(of: table(["ä", "a", "b"])) == [2, 0, 1])
  }

  @Test func `labels that are numbers are ordered by value`() throws {
    let digits = try TargetEncoder(
      fitting: table([10, 9, -1, 9, 10, -1]), column: "y", task: .classification)
    #expect(digits.labels == ["-1", "9", "10"])
    #expect(try digits.classes(of: table([9, 10])) == [1, 2])
    #expect(try digits.classes(of: table(["10", "9"])) == [2, 1])
    let texts = try TargetEncoder(fitting: table(["10", "9", "1.0", "1"]), column: "y")
    #expect(texts.labels == ["1", "1.0", "9", "10"])
    #expect(try texts.classes(of: table([1, 10])) == [0, 3])
  }

  @Test func `a class that training had not is refused with its line`() throws {
    let encoder = try TargetEncoder(fitting: table(["a", "b"]), column: "y")
    let error = #expect(throws: TableError.self) { try encoder.classes(of: table(["a", "c"])) }
    #expect(
      error?.description
        == "t, line 2, column \"y\": the training rows had no class \"c\", only \"a\", \"b\"")
    let missing = #expect(throws: TableError.self) { try encoder.classes(of: table(["a", nil])) }
    #expect(missing == TableError(file: "t", line: 2, column: "y", reason: .missingTarget))
  }

  @Test func `a single class is refused`() {
    let error = #expect(throws: TableError.self) {
      try TargetEncoder(fitting: table(["a", "a"]), column: "y")
    }
    #expect(error?.reason == .singleClass("a"))
    let number = #expect(throws: TableError.self) {
      try TargetEncoder(fitting: table([3, 3]), column: "y")
    }
    #expect(number?.reason == .singleClass("3"))
  }

  // MARK: Regression

  @Test func `values are standardized and come back`() throws {
    let encoder = try TargetEncoder(fitting: table([1, 2, 3, 4.5, 9.5]), column: "y")
    #expect(encoder.encoding == .regression(mean: 4, scale: 8.9.squareRoot()))
    #expect(encoder.outputCount == 1)
    #expect(encoder.labels.isEmpty)
    #expect(try encoder.values(of: table([7, 8])) == [7, 8])
    let standardized = try encoder.standardizedValues(of: table([1, 2, 3, 4.5, 9.5]))
    #expect(abs(standardized.reduce(0, +)) < 1e-5)
    #expect(abs(standardized.reduce(0) { $0 + $1 * $1 } - 5) < 1e-5)
    for (value, output) in zip([1, 2, 3, 4.5, 9.5], standardized) {
      #expect(abs(encoder.value(ofOutput: output) - value) < 1e-5)
    }
  }

  @Test(arguments: [
    [1e308, -1e308, 1.7e308], [Double.leastNonzeroMagnitude, 0], [1e-200, 2e-200, 3e-200],
    [1e308, 1e308.nextUp], [0.1, 0.1, 0.1.nextUp],
  ])
  func `targets at the ends of the range have finite encodings`(_ values: [Double]) throws {
    let table = table(values)
    let encoder = try TargetEncoder(fitting: table, column: "y", task: .regression)
    guard case .regression(let mean, let scale) = encoder.encoding else { return }
    #expect(mean.isFinite && scale.isFinite && scale > 0)
    #expect(try encoder.standardizedValues(of: table).allSatisfy(\.isFinite))
    #expect(encoder.standardized(-.greatestFiniteMagnitude).isFinite)
  }

  @Test func `a constant target, a text and a missing cell are refused`() {
    var error = #expect(throws: TableError.self) {
      try TargetEncoder(fitting: table([0.5, 0.5]), column: "y")
    }
    #expect(error?.reason == .constantTarget("0.5"))
    error = #expect(throws: TableError.self) {
      try TargetEncoder(fitting: table(["1", "2", "x"]), column: "y", task: .regression)
    }
    #expect(
      error
        == TableError(file: "t", line: 3, column: "y", reason: .textInNumericColumn("x")))
    error = #expect(throws: TableError.self) {
      try TargetEncoder(fitting: table([0.5, nil, 2]), column: "y")
    }
    #expect(error == TableError(file: "t", line: 2, column: "y", reason: .missingTarget))
    error = #expect(throws: TableError.self) {
      try TargetEncoder(fitting: table([0.5, 2]), column: "z")
    }
    #expect(error?.reason == .unknownColumn(available: ["y"]))
  }

  @Test func `asking for the other task's values traps`() async {
    await #expect(processExitsWith: .failure) {
      let table = Table(name: "t", columns: [TableColumn(name: "y", texts: ["a", "b"])])
      _ = try TargetEncoder(fitting: table, column: "y").values(of: table)
    }
    await #expect(processExitsWith: .failure) {
      let table = Table(name: "t", columns: [TableColumn(name: "y", numbers: [0.5, 1])])
      _ = try TargetEncoder(fitting: table, column: "y").classes(of: table)
    }
  }

  // MARK: Model files

  @Test func `an encoder survives JSON, and a damaged one is refused`() throws {
    for encoder in [
      try TargetEncoder(fitting: table(["b", "a"]), column: "y"),
      try TargetEncoder(fitting: table([0.1, 0.7, 1 / 3]), column: "y"),
    ] {
      let json = try JSONEncoder().encode(encoder)
      #expect(try JSONDecoder().decode(TargetEncoder.self, from: json) == encoder)
    }
    for text in [
      #"{"column":"y","encoding":{"classification":{"labels":["a"]}}}"#,
      #"{"column":"y","encoding":{"classification":{"labels":["a","a"]}}}"#,
      #"{"column":"y","encoding":{"regression":{"mean":0,"scale":0}}}"#,
      #"{"column":"y","encoding":{"regression":{"mean":0}}}"#,
      #"{"column":"y","encoding":{}}"#,
    ] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(TargetEncoder.self, from: Data(text.utf8))
      }
    }
  }
}
