// SPDX-License-Identifier: Apache-2.0

extension LineChart {
  /// The picture: equal charts give equal bytes.
  ///
  /// - Complexity: O(points).
  public var svg: String {
    let points = series.flatMap(\.points).filter { x.accepts($0.x) && y.accepts($0.y) }
    let xScale = ChartScale(x, values: points.map(\.x))
    let yScale = ChartScale(
      y,
      values: points.flatMap { [$0.y, $0.interval?.lowerBound, $0.interval?.upperBound] }
        .compactMap(\.self))
    let widest = series.map { SVGDocument.width(of: $0.label, size: 12) }.max() ?? 0
    let frame = ChartFrame(
      hasSubtitle: !subtitle.isEmpty, headroom: 0, tickLabels: yScale.ticks.map(\.label),
      rightMargin: min(widest, 300) + 44, bottomMargin: 58)

    var svg = SVGDocument(width: ChartFrame.width, height: ChartFrame.height)
    frame.drawCard(title: title, subtitle: subtitle, yTitle: y.title, in: &svg)
    frame.drawVerticalScale(yScale, in: &svg)
    frame.drawHorizontalScale(xScale, in: &svg)
    // Lines are cut at the border of the plot area, half a stroke beyond it.
    svg.openWindow(
      x: frame.left - 1, y: frame.top - 1, width: frame.right - frame.left + 2,
      height: frame.bottom - frame.top + 2)
    let lines = series.map { runs(of: $0, xScale, yScale, frame) }
    for (index, runs) in lines.enumerated() {
      for run in runs { drawLine(run, look(of: index), in: &svg) }
    }
    svg.closeWindow()
    var ends: [SeriesEnd] = []
    for (index, runs) in lines.enumerated() {
      let look = look(of: index)
      for run in runs { drawMarks(run, look, frame, in: &svg) }
      if let end = runs.last?.last.map({ frame.clamped($0.center) }) {
        ends.append(
          SeriesEnd(label: series[index].label, look: look, point: end, labelY: end.y))
      }
    }
    Self.spread(&ends, top: frame.top, bottom: frame.bottom)
    for end in ends { draw(end, right: frame.right, in: &svg) }
    return svg.rendered(title: title)
  }

  // MARK: - Lines

  private struct Look {
    let color: String
    /// The number of the mark; `nil` for a reference.
    let mark: Int?
  }

  private struct PlacedPoint {
    let center: SVGDocument.Point
    /// The coordinates of the ends of the error bar.
    let bar: (low: Double, high: Double)?
  }

  /// References take no color from the palette.
  private func look(of index: Int) -> Look {
    guard !series[index].isReference else {
      return Look(color: ChartStyle.reference, mark: nil)
    }
    let mark = series[..<index].count { !$0.isReference }
    return Look(color: ChartStyle.color(mark), mark: mark)
  }

  /// The points on the picture, cut where one has no place on the axes.
  private func runs(
    of line: Series, _ xScale: ChartScale, _ yScale: ChartScale, _ frame: ChartFrame
  ) -> [[PlacedPoint]] {
    let pieces = line.points.split { !x.accepts($0.x) || !y.accepts($0.y) }
    return pieces.map { piece in
      piece.map { point in
        let height = { (value: Double) in frame.y(yScale.position(value)) }
        let bar = point.interval.map { interval in
          let (low, high) = (interval.lowerBound, interval.upperBound)
          return (
            low: y.accepts(low) ? height(low) : frame.bottom,
            high: y.accepts(high) ? height(high) : frame.top
          )
        }
        return PlacedPoint(
          center: .init(x: frame.x(xScale.position(point.x)), y: height(point.y)), bar: bar)
      }
    }
  }

  private func drawLine(_ run: [PlacedPoint], _ look: Look, in svg: inout SVGDocument) {
    for point in run {
      guard let bar = point.bar else { continue }
      let (x, cap) = (point.center.x, 3.5)
      svg.line(
        from: .init(x: x, y: bar.low), to: .init(x: x, y: bar.high), color: look.color, width: 1.2,
        opacity: 0.6)
      for end in [bar.low, bar.high] {
        svg.line(
          from: .init(x: x - cap, y: end), to: .init(x: x + cap, y: end), color: look.color,
          width: 1.2, opacity: 0.6)
      }
    }
    svg.polyline(
      run.map(\.center), color: look.color, width: look.mark == nil ? 1.4 : 2,
      dash: look.mark == nil ? ChartStyle.dash : nil)
  }

  private func drawMarks(
    _ run: [PlacedPoint], _ look: Look, _ frame: ChartFrame, in svg: inout SVGDocument
  ) {
    // Marks of a densely sampled curve would hide it.
    guard let mark = look.mark, run.count <= 40 else { return }
    for point in run where frame.contains(point.center) {
      ChartStyle.mark(mark, at: point.center, in: &svg)
    }
  }

  // MARK: - Labels at the ends

  private struct SeriesEnd {
    let label: String
    let look: Look
    let point: SVGDocument.Point
    var labelY: Double
  }

  /// Moves labels up and down until none covers another, each as near to its line as that allows:
  /// overlapping ones form a block that is centered over its lines.
  private static func spread(_ ends: inout [SeriesEnd], top: Double, bottom: Double) {
    let gap = 17.0
    ends.sort { $0.point.y < $1.point.y }
    var blocks: [(center: Double, count: Int)] = []
    for end in ends {
      blocks.append((end.point.y, 1))
      while blocks.count > 1 {
        let (upper, lower) = (blocks[blocks.count - 2], blocks[blocks.count - 1])
        let needed = gap * Double(upper.count + lower.count) / 2
        guard lower.center - upper.center < needed else { break }
        let count = upper.count + lower.count
        let weighted = upper.center * Double(upper.count) + lower.center * Double(lower.count)
        let half = gap * Double(count - 1) / 2
        let center = min(max(weighted / Double(count), top + half), max(bottom - half, top + half))
        blocks.removeLast(2)
        blocks.append((center, count))
      }
    }
    var index = 0
    for block in blocks {
      for position in 0..<block.count {
        ends[index].labelY = block.center + gap * (Double(position) - Double(block.count - 1) / 2)
        index += 1
      }
    }
  }

  /// The mark and name of a line, with a thin leader where the line reaches the right edge.
  private func draw(_ end: SeriesEnd, right: Double, in svg: inout SVGDocument) {
    let key = SVGDocument.Point(x: right + 20, y: end.labelY)
    if right - end.point.x < 30 {
      svg.line(
        from: end.point, to: .init(x: key.x - 4, y: key.y), color: end.look.color, width: 1,
        opacity: 0.35)
    }
    if let mark = end.look.mark {
      ChartStyle.mark(mark, at: key, in: &svg)
    } else {
      svg.line(
        from: .init(x: key.x - 8, y: key.y), to: .init(x: key.x + 5, y: key.y),
        color: end.look.color, width: 1.4, dash: "4 3")
    }
    svg.text(
      end.label, at: .init(x: key.x + 9, y: key.y + 4), size: 12, color: end.look.color)
  }
}
