// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// A kd-partition tree over the rows of a matrix, without pointers.
///
/// Rows are put in an order in which neighbors are close: recursively, the half that is smaller in
/// the coordinate of largest variance comes first, down to tiles of 16. Four halvings at a time
/// make one level of a tree with 16 children per node, so that a node is a run of the order:
///
/// ```
/// level 2   [                     4096 rows                      ]   one group: up to 16 nodes
/// level 1   [  256 rows  ][  256 rows  ] ...                         groups of 16 siblings
/// level 0   [16][16]...[16]                                          tiles of 16 rows
/// order      7 3 9 ...                                               row numbers
/// ```
///
/// Every node has a box and a ball around its rows. The 16 nodes of a group are tested at once
/// (`hs_node_filter_f32`). A node whose upper bound is at or below the threshold is discarded; one
/// whose lower bound is above it is not tested further, all its tiles are reported; the others are
/// opened. Tiles hold a transposed copy of their rows, from which sixteen canonical inner products
/// take `d` multiplications and `d - 1` additions of vectors. What fires is sorted by row number.
///
/// - Note: `Sendable` is unchecked. Reports only read; whoever moves rows is alone.
@safe final class PartitionTree: @unchecked Sendable {
  /// The nodes of one size.
  struct Level {
    /// Positions in the order that a node spans.
    var span: Int
    var nodes: Int
    /// Where the groups of the level begin in `bounds`.
    var firstGroup: Int
  }

  /// Number of rows and of their coordinates.
  let count: Int
  let dimension: Int
  let margin: NodeMargin
  /// Level 0, the tiles, first.
  let levels: [Level]
  /// One group per row: centers, half-widths and radii of 16 nodes, `[2 d + 1, 16]`.
  let bounds: Matrix
  /// Rows of a tile: 16, or a multiple where whoever asks reads the rows elsewhere.
  let leaf: Int
  /// One tile per row: `[d, 16]`. None where leaves are larger.
  let tiles: Matrix
  /// The row at each position; -1 behind the last.
  @unsafe let order: UnsafeMutablePointer<Int32>
  /// An upper bound of the norms of all finite rows and of all centers.
  private(set) var reach = 0.0

  /// Rows in a tile with copies, and children of a node.
  static let width = Int(HS_LANES)

  /// A tree over `weights` as they are, with tiles of `leaf` rows, 16 times a power of two.
  /// O(m d log m).
  init(_ weights: Matrix, leaf: Int = width) {
    precondition(
      weights.columns > 0 && weights.rows <= Int(Int32.max) - leaf,
      "a partition tree over rows of shape [\(weights.rows), \(weights.columns)]")
    count = weights.rows
    dimension = weights.columns
    margin = NodeMargin(dimension: weights.columns, stride: weights.stride)
    self.leaf = leaf
    let tileCount = (count + leaf - 1) / leaf
    var levels: [Level] = []
    var groups = 0
    var nodes = tileCount
    var span = leaf
    while nodes > 0 {
      levels.append(Level(span: span, nodes: nodes, firstGroup: groups))
      let siblings = (nodes + Self.width - 1) / Self.width
      groups += siblings
      if siblings == 1 { break }
      nodes = siblings
      span *= Self.width
    }
    self.levels = levels
    bounds = Matrix(rows: groups, columns: (2 * dimension + 1) * Self.width)
    tiles = Matrix(
      rows: leaf == Self.width ? tileCount : 0, columns: dimension * Self.width)
    unsafe order = .allocate(capacity: max(1, tileCount * leaf))
    for position in 0..<(tileCount * leaf) {
      unsafe order[position] = position < count ? Int32(position) : -1
    }
    rebuild(0..<count, weights)
  }

  deinit { unsafe order.deallocate() }

  /// Bytes held.
  var byteCount: Int { bounds.byteCount + tiles.byteCount + tileCount * leaf * 4 }

  /// Number of tiles.
  var tileCount: Int { (count + leaf - 1) / leaf }

  // MARK: Building and mending

  /// Positions of a node.
  func positions(level: Int, node: Int) -> Range<Int> {
    node * levels[level].span..<min(count, (node + 1) * levels[level].span)
  }

  /// Nodes of a level that lie within positions, a node's own or those of one above it.
  func nodes(level: Int, in positions: Range<Int>) -> Range<Int> {
    let span = levels[level].span
    return positions.lowerBound / span..<(positions.upperBound + span - 1) / span
  }

  /// Levels whose nodes, where they touch the positions of a node, lie within them.
  func levels(within positions: Range<Int>) -> some Sequence<Int> {
    levels.indices.lazy.filter { [levels, count] level in
      positions.lowerBound % levels[level].span == 0
        && (positions.count >= levels[level].span || positions.upperBound == count)
    }
  }

  /// Where a node's lane of its group begins.
  @unsafe func lane(level: Int, node: Int) -> UnsafeMutablePointer<Float> {
    unsafe bounds.row(levels[level].firstGroup + node / Self.width) + node % Self.width
  }

  /// The radius in a node's bounds.
  func radius(level: Int, node: Int) -> Float {
    unsafe lane(level: level, node: node)[2 * dimension * Self.width]
  }

  /// Orders the rows at the positions of a node, or of all, anew, and takes the bounds of all
  /// nodes within. O(n d log n).
  func rebuild(_ positions: Range<Int>, _ weights: Matrix) {
    guard !positions.isEmpty else { return }
    let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: positions.count)
    defer { unsafe keys.deallocate() }
    unsafe hs_partition_rows(
      positions.count, dimension, weights.stride, weights.pointer,
      order + positions.lowerBound, keys)
    if positions.count == count { reach = 0 }
    for position in positions { include(normOf: unsafe Int(order[position]), weights) }
    if tiles.rows > 0 {
      for tile in nodes(level: 0, in: positions) { fill(tile: tile, weights) }
    }
    for level in levels(within: positions) {
      for node in nodes(level: level, in: positions) {
        cover(level: level, node: node, weights)
      }
    }
  }

  private func fill(tile: Int, _ weights: Matrix) {
    let positions = positions(level: 0, node: tile)
    unsafe hs_tile_fill_f32(
      positions.count, dimension, weights.stride, weights.pointer, order + positions.lowerBound,
      tiles.row(tile))
  }

  /// Takes the bounds of a node from its rows. O(d) per row.
  func cover(level: Int, node: Int, _ weights: Matrix) {
    let positions = positions(level: level, node: node)
    unsafe hs_node_cover_f32(
      positions.count, dimension, margin.relative, weights.stride, weights.pointer,
      order + positions.lowerBound, lane(level: level, node: node))
  }

  /// Copies the row at a position into its tile.
  func copyRow(to position: Int, _ weights: Matrix) {
    guard tiles.rows > 0 else { return }
    let row = unsafe weights.row(Int(order[position]))
    let tile = unsafe tiles.row(position / Self.width) + position % Self.width
    for j in 0..<dimension { unsafe tile[j * Self.width] = row[j] }
  }

  /// Raises the reach to a row. A center lies in the box of its rows, hence the root of d.
  func include(normOf row: Int, _ weights: Matrix) {
    let norm = unsafe RoundingMargin.norm(stride: weights.stride, weights.row(row))
    if norm.isFinite { reach = max(reach, norm * Double(dimension + 1).squareRoot()) }
  }
}
