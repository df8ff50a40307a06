// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Brings the rows of a tile together, as they are encoded: in the tiles' order, by their
/// coordinates in a basis. Scratch of one task.
///
/// - Note: `Sendable` is unchecked; an encoder belongs to one task at a time.
@safe final class TileEncoder: @unchecked Sendable {
  private let weights: Matrix
  @unsafe private let names: UnsafePointer<Int32>?
  private let order: PartitionTree?
  private let basis: TileBasis?
  /// Rows of a tile one after the other, and their coordinates.
  private let gathered: Matrix?
  private let coordinates: Matrix?

  /// Of all rows, in an order where there is one, or those with these names.
  @unsafe init(
    _ weights: Matrix, names: UnsafePointer<Int32>?, order: PartitionTree?, basis: TileBasis?
  ) {
    self.weights = weights
    unsafe self.names = names
    self.order = order
    self.basis = basis
    gathered =
      unsafe order == nil && names == nil
      ? nil : Matrix(rows: TileCodes.rowsPerTile, columns: weights.columns)
    coordinates = basis.map { Matrix(rows: TileCodes.rowsPerTile, columns: $0.count) }
  }

  var byteCount: Int { (gathered?.byteCount ?? 0) + (coordinates?.byteCount ?? 0) }

  /// Where the row at a position is.
  @unsafe func row(at position: Int) -> UnsafePointer<Float> {
    let numbers = unsafe order.map { unsafe UnsafePointer($0.order) } ?? names
    return unsafe UnsafePointer(weights.row(numbers.map { unsafe Int($0[position]) } ?? position))
  }

  /// What is encoded of the rows at positions of one tile, one after the other.
  @unsafe func load(_ positions: Range<Int>) -> UnsafePointer<Float> {
    var rows = unsafe UnsafePointer(weights.pointer)
    if let gathered {
      for (k, position) in positions.enumerated() {
        unsafe gathered.row(k).update(from: row(at: position), count: weights.stride)
      }
      unsafe rows = UnsafePointer(gathered.pointer)
    } else {
      unsafe rows = UnsafePointer(weights.row(positions.lowerBound))
    }
    guard let basis, let coordinates else { return unsafe rows }
    unsafe hs_preactivations_f32(
      positions.count, basis.count, weights.stride, rows, basis.matrix.pointer,
      coordinates.pointer, coordinates.stride)
    return unsafe UnsafePointer(coordinates.pointer)
  }
}
