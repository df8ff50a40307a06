// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import HalfspaceLinalg
import _HalfspaceTestSupport

/// Small made-up tables with something to learn; the same on every machine.
enum SampleTable {
  /// Columns "size" (numbers, some missing), "color" (texts, some missing) and "kind" (one of
  /// `classes` texts that depend on both).
  static func classification(rows: Int = 90, classes: Int = 3, seed: UInt64 = 1) -> Table {
    var source = NormalSource(seed: seed)
    var sizes: [Double?] = []
    var colors: [String?] = []
    var kinds: [String] = []
    for _ in 0..<rows {
      let kind = source.generator.below(classes)
      let size = Double(kind) + 0.4 * Double(source.next())
      sizes.append(source.generator.below(10) == 0 ? nil : size)
      let color = source.generator.below(5) == 0 ? source.generator.below(3) : kind % 3
      colors.append(source.generator.below(10) == 0 ? nil : ["red", "green", "blue"][color])
      kinds.append("kind \(kind)")
    }
    return Table(
      name: "kinds",
      columns: [
        TableColumn(name: "size", numbers: sizes), TableColumn(name: "color", texts: colors),
        TableColumn(name: "kind", texts: kinds),
      ])
  }

  /// Columns "a", "b" (numbers) and "y", a smooth function of both far from zero.
  static func regression(rows: Int = 90, seed: UInt64 = 1) -> Table {
    var source = NormalSource(seed: seed)
    var columns: [[Double]] = [[], [], []]
    for _ in 0..<rows {
      let (a, b) = (Double(source.next()), Double(source.next()))
      columns[0].append(a)
      columns[1].append(100 * b)
      columns[2].append(1000 + 30 * a + 20 * a * b)
    }
    return Table(
      name: "numbers",
      columns: zip(["a", "b", "y"], columns).map { TableColumn(name: $0, numbers: $1) })
  }
}
