// SPDX-License-Identifier: Apache-2.0
public import Foundation
internal import HalfspaceLinalg

/// A feature that is no finite number.
public struct FeatureTransformError: Error, Hashable, Sendable {
  /// The row of the matrix, from 0.
  public let row: Int
  /// The column of the matrix, from 0.
  public let column: Int

  /// Throws for the first entry of `matrix` that is not finite. O(entries).
  static func check(_ matrix: SparseMatrix) throws(FeatureTransformError) {
    if matrix.isFinite { return }
    for row in 0..<matrix.rows {
      for entry in matrix.entries(ofRow: row) where !matrix.values[entry].isFinite {
        throw FeatureTransformError(row: row, column: Int(matrix.indices[entry]))
      }
    }
  }

  /// Throws for the first element of `matrix` that is not finite. O(elements).
  static func check(_ matrix: Matrix) throws(FeatureTransformError) {
    if matrix.isFinite { return }
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns where !matrix[row, column].isFinite {
        throw FeatureTransformError(row: row, column: column)
      }
    }
  }
}

extension FeatureTransformError: CustomStringConvertible {
  /// One sentence: which feature of which row.
  public var description: String {
    "feature \(column + 1) of row \(row + 1) is not a finite number"
  }
}

extension FeatureTransformError: LocalizedError {
  /// The same sentence as `description`.
  public var errorDescription: String? { description }
}
