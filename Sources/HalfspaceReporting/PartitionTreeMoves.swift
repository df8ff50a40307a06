// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Keeps a partition tree over rows that move.
///
/// For every node: moves below it since its bounds were taken; strays counted at it; the radius it
/// had when its part of the tree was built; and the sum of the radii of its tiles when the node
/// above it was built. The last tells whether building a subtree again has helped: rows that came
/// from everywhere stay everywhere, then the node above is built again.
struct PartitionTreeMoves {
  private struct Node {
    var moves: Int32 = 0
    var strays: Int32 = 0
    var builtRadius: Float = 0
    var builtTileRadii: Float = 0
  }

  /// The position of every row in the tree's order.
  private(set) var positions: [Int32]
  /// By level.
  private var nodes: [[Node]]
  /// Nodes to take bounds of, and to build again, at the end of an update.
  private var loose: [(level: Int, node: Int)] = []
  private var spoiled: [(level: Int, node: Int)] = []
  /// Strays that lie in no node: the whole tree is their subtree.
  private var outliers = 0
  /// Subtrees built again so far.
  private(set) var rebuilds = 0
  /// Positions at which rows have been put into another order by the last `mend(_:_:)`.
  private(set) var reordered: [Range<Int>] = []

  /// How far a row may go before it is a stray, as a multiple of the built radius.
  private static let strayRadius: Float = 1.5
  /// How much larger the tiles of a subtree built again may be than when the node above was.
  private static let tileGrowth: Float = 1.2

  init(_ tree: PartitionTree) {
    positions = .init(repeating: 0, count: tree.count)
    nodes = tree.levels.map { .init(repeating: Node(), count: $0.nodes) }
    restart(0..<tree.count, tree)
  }

  /// Bytes held.
  var byteCount: Int {
    4 * positions.count + MemoryLayout<Node>.stride * nodes.reduce(0) { $0 + $1.count }
      + 16 * (loose.capacity + spoiled.capacity)
  }

  /// Widens the bounds around a row that has moved. O(d log m).
  mutating func move(_ row: Int, in tree: PartitionTree, _ weights: Matrix) {
    let position = Int(positions[row])
    tree.copyRow(to: position, weights)
    tree.include(normOf: row, weights)
    let w = unsafe weights.row(row)
    // The lowest level at which the row has not left its node.
    var home: Int?
    for level in tree.levels.indices {
      let node = position / tree.levels[level].span
      let needed = unsafe hs_node_include_f32(
        tree.dimension, tree.margin.relative, w, tree.lane(level: level, node: node))
      nodes[level][node].moves += 1
      if Int(nodes[level][node].moves) == tree.positions(level: level, node: node).count {
        loose.append((level, node))
      }
      if home == nil, needed <= Self.strayRadius * nodes[level][node].builtRadius { home = level }
    }
    guard let home else {
      outliers += 1
      return
    }
    // A row that is still in its tile is at home.
    guard home > 0 else { return }
    let node = position / tree.levels[home].span
    nodes[home][node].strays += 1
    let bearable = Self.mostStrays(tree.positions(level: home, node: node).count)
    if Int(nodes[home][node].strays) == bearable { spoiled.append((home, node)) }
  }

  /// Strays that a subtree of so many rows bears: a quarter of its tiles of 16.
  private static func mostStrays(_ rows: Int) -> Int { max(4, rows / (4 * PartitionTree.width)) }

  /// Takes bounds again and builds subtrees again that are due.
  mutating func mend(_ tree: PartitionTree, _ weights: Matrix) {
    reordered.removeAll(keepingCapacity: true)
    if outliers >= Self.mostStrays(tree.count) { rebuildAll(tree, weights) }
    // Larger subtrees first: they include smaller ones, whose counters are then zero.
    spoiled.sort { $0.level > $1.level }
    for (level, node) in spoiled where nodes[level][node].strays > 0 {
      rebuild(level: level, node: node, tree, weights)
    }
    spoiled.removeAll(keepingCapacity: true)
    for (level, node) in loose {
      let rows = tree.positions(level: level, node: node).count
      guard Int(nodes[level][node].moves) >= rows else { continue }
      tree.cover(level: level, node: node, weights)
      nodes[level][node].moves = 0
    }
    loose.removeAll(keepingCapacity: true)
  }

  // MARK: Building again

  /// Builds the subtree of a node again, or that of a node above it if that does not help.
  private mutating func rebuild(
    level: Int, node: Int, _ tree: PartitionTree, _ weights: Matrix
  ) {
    let range = tree.positions(level: level, node: node)
    tree.rebuild(range, weights)
    reordered.append(range)
    rebuilds += 1
    let before = nodes[level][node].builtTileRadii
    guard restart(range, tree) > Self.tileGrowth * before else {
      nodes[level][node].builtTileRadii = before
      return
    }
    if level + 1 < tree.levels.count {
      rebuild(level: level + 1, node: node / PartitionTree.width, tree, weights)
    } else {
      rebuildAll(tree, weights)
    }
  }

  private mutating func rebuildAll(_ tree: PartitionTree, _ weights: Matrix) {
    tree.rebuild(0..<tree.count, weights)
    reordered.append(0..<tree.count)
    restart(0..<tree.count, tree)
    outliers = 0
    rebuilds += 1
  }

  /// Notes where rows are and how large nodes are, after building the subtree of these positions.
  /// Returns the sum of the radii of its tiles.
  @discardableResult
  private mutating func restart(_ range: Range<Int>, _ tree: PartitionTree) -> Float {
    for position in range {
      unsafe positions[Int(tree.order[position])] = Int32(truncatingIfNeeded: position)
    }
    var sum: Float = 0
    for level in tree.levels(within: range) {
      for node in tree.nodes(level: level, in: range) {
        let radius = tree.radius(level: level, node: node)
        if level == 0 { sum += radius }
        let children =
          level == 0
          ? 0..<0 : tree.nodes(level: level - 1, in: tree.positions(level: level, node: node))
        nodes[level][node] = Node(
          builtRadius: radius,
          builtTileRadii: level == 0
            ? radius : children.reduce(0) { $0 + nodes[level - 1][$1].builtTileRadii })
      }
    }
    return sum
  }
}
