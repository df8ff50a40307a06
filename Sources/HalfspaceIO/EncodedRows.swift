// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN

/// Rows of a file that are encoded and transformed as they are read: what `TableEncoder` and
/// `FeatureTransform` make of a table, batch by batch.
struct EncodedRows: RowSource {
  private let features: FeatureRows
  private let transform: FeatureTransform
  private let name: String

  /// The rows of `file`, or those of a selection.
  ///
  /// - Throws: `TableError` for columns that are missing.
  init(
    _ file: RowFile, encoder: TableEncoder, transform: FeatureTransform, selection: [Int]? = nil
  ) throws {
    features = try FeatureRows(file, encoder: encoder, selection: selection)
    self.transform = transform
    name = file.name
  }

  var rows: Int { features.rows }
  var columns: Int { transform.outputCount }

  func copy(_ rows: ArraySlice<Int>, to block: Matrix) throws(RowReadError) {
    let features = try features.features(of: rows)
    do throws(FeatureTransformError) {
      try transform.apply(to: features, into: block)
    } catch {
      throw RowReadError("\(name): \(error)")
    }
  }
}
