// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension FeatureTransform {
  /// Adds what `apply(to:)` does: from features `[N, inputCount]` (`Double`) to unit rows
  /// `[N, outputCount]` (`Float`).
  func addInputs(_ features: String, to graph: inout ONNXGraph) -> String {
    let scaled =
      switch fit {
      case .linear(let centers, let scales):
        Self.addLinear(centers, scales, features, &graph)
      case .logarithms(let units, let centers, let scales):
        Self.addLinear(centers, scales, Self.addLogarithms(units, features, &graph), &graph)
      case .curves(let curves): Self.addCurves(curves, features, &graph)
      }
    let limits = [graph.scalar(-Self.limit), graph.scalar(Self.limit)]
    var values = graph.add("Clip", [scaled] + limits)
    if let metric {
      let map = metric.map
      let tensor = ONNXTensor(map.elements, shape: [map.rows, map.columns])
      let transposed = graph.add(
        "Transpose", [graph.constant(tensor)], [("perm", .integers([1, 0]))])
      values = graph.add("MatMul", [values, transposed])
    }
    if let constant {
      let pads = graph.constant(ONNXTensor([0, 0, 0, 1], shape: [4]))
      let value = graph.scalar(min(max(constant, -Self.limit), Self.limit))
      values = graph.add("Pad", [values, pads, value])
    }
    let axis = graph.constant(ONNXTensor([1], shape: [1]))
    let norm = graph.add(
      "Sqrt", [graph.add("ReduceSum", [graph.add("Mul", [values, values]), axis])])
    // A zero row stays zero.
    let isPositive = graph.add("Greater", [norm, graph.scalar(0)])
    let divisor = graph.add("Where", [isPositive, norm, graph.scalar(1)])
    return graph.cast(graph.add("Div", [values, divisor]), to: .float32)
  }

  private static func row(_ values: [Double], _ graph: inout ONNXGraph) -> String {
    graph.constant(ONNXTensor(values, shape: [1, values.count]))
  }

  /// `sign(x) ln(1 + |x| / u)` where there is a unit u, x where it is 0.
  private static func addLogarithms(
    _ units: [Double], _ features: String, _ graph: inout ONNXGraph
  ) -> String {
    let divisors = row(units.map { $0 > 0 ? $0 : 1 }, &graph)
    let size = graph.add("Div", [graph.add("Abs", [features]), divisors])
    let logarithm = graph.add("Log", [graph.add("Add", [size, graph.scalar(1)])])
    let signed = graph.add("Mul", [graph.add("Sign", [features]), logarithm])
    let hasUnit = graph.add("Greater", [row(units, &graph), graph.scalar(0)])
    return graph.add("Where", [hasUnit, signed, features])
  }

  private static func addLinear(
    _ centers: [Double], _ scales: [Double], _ features: String, _ graph: inout ONNXGraph
  ) -> String {
    let centered = graph.add("Sub", [features, row(centers, &graph)])
    let scaled = graph.add("Div", [centered, row(scales.map { $0 > 0 ? $0 : 1 }, &graph)])
    guard scales.contains(0) else { return scaled }
    return graph.add("Mul", [scaled, row(scales.map { $0 > 0 ? 1 : 0 }, &graph)])
  }

  /// Feature by feature: which knot is the last that is not above the value, and the line from
  /// there to the next.
  private static func addCurves(
    _ curves: [QuantileCurve], _ features: String, _ graph: inout ONNXGraph
  ) -> String {
    let axis = graph.constant(ONNXTensor([1], shape: [1]))
    let columns = curves.enumerated().map { position, curve in
      let index = graph.constant(ONNXTensor([position], shape: [1]))
      let value = graph.add("Gather", [features, index], [("axis", .integer(1))])
      let knots = curve.knots.map(Double.init)
      let scores = curve.scores.map(Double.init)
      guard knots.count > 1 else {
        let zero = graph.add("Mul", [value, graph.scalar(0)])
        return graph.add("Add", [zero, graph.scalar(scores[0])])
      }
      // The first and the last knot do not count: beyond them the share is clipped.
      let inner = knots.count > 2 ? Array(knots[1..<(knots.count - 1)]) : [.infinity]
      let isReached = graph.add(
        "GreaterOrEqual", [value, graph.constant(ONNXTensor(inner, shape: [1, inner.count]))])
      let interval = graph.add("ReduceSum", [graph.cast(isReached, to: .int64), axis])
      func line(_ values: [Double], _ graph: inout ONNXGraph) -> String {
        graph.add("Gather", [graph.constant(ONNXTensor(values, shape: [values.count])), interval])
      }
      let lengths = zip(knots, knots.dropFirst()).map { $1 - $0 }
      let rises = zip(scores, scores.dropFirst()).map { $1 - $0 }
      let beyond = graph.add("Sub", [value, line(knots, &graph)])
      let share = graph.add(
        "Clip",
        [graph.add("Div", [beyond, line(lengths, &graph)]), graph.scalar(0), graph.scalar(1)])
      return graph.add(
        "Add", [line(scores, &graph), graph.add("Mul", [share, line(rises, &graph)])])
    }
    return columns.count == 1
      ? columns[0] : graph.add("Concat", columns, [("axis", .integer(1))])
  }
}
