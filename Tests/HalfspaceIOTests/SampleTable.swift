// SPDX-License-Identifier: Apache-2.0
import Foundation
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

  /// Columns "x", "z" (numbers), "color" (texts) and "tags": those of "right", "up", "far", "red" that
  /// are so, separated by semicolons, a missing cell where none is.
  static func labelSets(rows: Int = 150, seed: UInt64 = 1) -> Table {
    var source = NormalSource(seed: seed)
    var (xs, zs): ([Double], [Double]) = ([], [])
    var (colors, tags): ([String], [String?]) = ([], [])
    for _ in 0..<rows {
      let (x, z) = (Double(source.next()), Double(source.next()))
      let color = ["red", "green", "blue"][source.generator.below(3)]
      let own = [
        ("right", x > 0), ("up", z > 0.2), ("far", x * x + z * z > 2), ("red", color == "red"),
      ]
      .filter(\.1).map(\.0)
      xs.append(x)
      zs.append(z)
      colors.append(color)
      tags.append(own.isEmpty ? nil : own.joined(separator: "; "))
    }
    return Table(
      name: "tags",
      columns: [
        TableColumn(name: "x", numbers: xs), TableColumn(name: "z", numbers: zs),
        TableColumn(name: "color", texts: colors), TableColumn(name: "tags", texts: tags),
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

  /// Columns "amount", "debt" (skewed, of either sign the second), "a" and "y", which goes with the
  /// logarithm of the first.
  static func skewed(rows: Int = 90, seed: UInt64 = 1) -> Table {
    var source = NormalSource(seed: seed)
    var columns: [[Double]] = [[], [], [], []]
    for _ in 0..<rows {
      let (u, v, a) = (Double(source.next()), Double(source.next()), Double(source.next()))
      columns[0].append(Foundation.exp(2 * u))
      columns[1].append((v > 1 ? -1 : 1) * Foundation.exp(3 * v))
      columns[2].append(a)
      columns[3].append(u + 0.5 * a)
    }
    return Table(
      name: "amounts",
      columns: zip(["amount", "debt", "a", "y"], columns).map { TableColumn(name: $0, numbers: $1) }
    )
  }
}
