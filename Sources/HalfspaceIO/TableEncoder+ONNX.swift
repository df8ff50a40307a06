// SPDX-License-Identifier: Apache-2.0

extension TableEncoder {
  /// Names of the columns of numbers, in order.
  var numberColumns: [String] {
    sparse != nil
      ? featureNames
      : columns.compactMap { if case .numeric = $0.encoding { $0.name } else { nil } }
  }

  /// Names of the columns of texts, in order.
  var textColumns: [String] {
    columns.compactMap { if case .categorical = $0.encoding { $0.name } else { nil } }
  }

  /// Adds what `encode(_:)` does: from the inputs `numbers` `[N, numberColumns]` (`Double`, NaN where
  /// a cell is missing) and `texts` `[N, textColumns]` (empty where missing) to features
  /// `[N, featureCount]`, rounded to `Float` and held as `Double`. Unknown categories are ignored.
  ///
  /// Of sparse rows whose columns are not hashed, `numbers` are the columns with their zeros.
  func addFeatures(to graph: inout ONNXGraph) -> String {
    if let sparse {
      let cells = graph.input("numbers", .float64, columns: sparse.featureCount)
      return graph.cast(graph.cast(cells, to: .float32), to: .float64)
    }
    let numbers = numberFeatures(&graph)
    let texts =
      textColumns.isEmpty
      ? nil : graph.input("texts", .text, columns: textColumns.count)
    var segments: [String] = []
    var gathered: [Int] = []
    var (number, text) = (0, 0)
    func closeRun(_ graph: inout ONNXGraph) {
      guard let numbers, !gathered.isEmpty else { return }
      let indices = graph.constant(ONNXTensor(gathered, shape: [gathered.count]))
      segments.append(graph.add("Gather", [numbers, indices], [("axis", .integer(1))]))
      gathered = []
    }
    for column in columns {
      switch column.encoding {
      case .numeric(_, _, let hasValue, let hasIndicator):
        if hasValue { gathered.append(number) }
        if hasIndicator { gathered.append(numberColumns.count + number) }
        number += 1
      case .categorical(let levels, let hasMissing):
        closeRun(&graph)
        let index = graph.constant(ONNXTensor([text], shape: []))
        let cells = graph.add("Gather", [texts!, index], [("axis", .integer(1))])
        let indicators = graph.add(
          "OneHotEncoder", [cells],
          [("cats_strings", .texts(levels + (hasMissing ? [""] : []))), ("zeros", .integer(1))],
          domain: ONNXGraph.machineLearning)
        segments.append(graph.cast(indicators, to: .float64))
        text += 1
      }
    }
    closeRun(&graph)
    return segments.count == 1
      ? segments[0] : graph.add("Concat", segments, [("axis", .integer(1))])
  }

  /// The values of all columns of numbers, then their indicators, `[N, 2 numberColumns]`.
  private func numberFeatures(_ graph: inout ONNXGraph) -> String? {
    var medians: [Double] = []
    var offsets: [Double] = []
    for column in columns {
      guard case .numeric(let median, let offset, _, _) = column.encoding else { continue }
      medians.append(median)
      offsets.append(offset)
    }
    guard !medians.isEmpty else { return nil }
    let cells = graph.input("numbers", .float64, columns: medians.count)
    let isMissing = graph.add("IsNaN", [cells])
    let filled = graph.add(
      "Where", [isMissing, graph.constant(ONNXTensor(medians, shape: [1, medians.count])), cells])
    let moved = graph.add(
      "Sub", [filled, graph.constant(ONNXTensor(offsets, shape: [1, offsets.count]))])
    let limit = Double(Float.greatestFiniteMagnitude)
    let clipped = graph.add("Clip", [moved, graph.scalar(-limit), graph.scalar(limit)])
    let rounded = graph.cast(graph.cast(clipped, to: .float32), to: .float64)
    return graph.add(
      "Concat", [rounded, graph.cast(isMissing, to: .float64)], [("axis", .integer(1))])
  }
}
