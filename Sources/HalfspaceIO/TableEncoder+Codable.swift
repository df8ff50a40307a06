// SPDX-License-Identifier: Apache-2.0

extension TableEncoder: Codable {
  private enum CodingKeys: String, CodingKey {
    case columns, constantColumns, targetPosition, targetPositions, droppedPositions, hasHeader,
      tableWidth, unknownCategories, sparse
  }

  /// Decodes an encoder and checks it, so that one from a damaged file is refused here rather
  /// than trusted later.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    columns = try container.decode([Column].self, forKey: .columns)
    constantColumns = try container.decode([String].self, forKey: .constantColumns)
    // Several positions have a key of their own; one is written as ever.
    targetPositions =
      try container.decodeIfPresent([Int].self, forKey: .targetPositions)
      ?? container.decodeIfPresent(Int.self, forKey: .targetPosition).map { [$0] } ?? []
    droppedPositions = try container.decode([Int].self, forKey: .droppedPositions)
    hasHeader = try container.decode(Bool.self, forKey: .hasHeader)
    tableWidth = try container.decode(Int.self, forKey: .tableWidth)
    unknownCategories = try container.decode(UnknownCategories.self, forKey: .unknownCategories)
    sparse = try container.decodeIfPresent(SparseEncoding.self, forKey: .sparse)
    if let fault {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: container.codingPath, debugDescription: fault))
    }
  }

  /// Encodes the encoder.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(columns, forKey: .columns)
    try container.encode(constantColumns, forKey: .constantColumns)
    if targetPositions.count > 1 {
      try container.encode(targetPositions, forKey: .targetPositions)
    } else {
      try container.encodeIfPresent(targetPositions.first, forKey: .targetPosition)
    }
    try container.encode(droppedPositions, forKey: .droppedPositions)
    try container.encode(hasHeader, forKey: .hasHeader)
    try container.encode(tableWidth, forKey: .tableWidth)
    try container.encode(unknownCategories, forKey: .unknownCategories)
    try container.encodeIfPresent(sparse, forKey: .sparse)
  }

  /// What is unsound, or nil.
  private var fault: String? {
    if let sparse {
      let isSound = columns.isEmpty && sparse.columns > 0 && sparse.columns <= 1 << 31
      return isSound ? nil : "the encoding of sparse rows is not sound"
    }
    let positions =
      columns.map(\.position) + droppedPositions + targetPositions
    guard !columns.isEmpty, Set(positions).count == positions.count else {
      return "the columns of the table encoder are not distinct"
    }
    guard positions.allSatisfy({ $0 >= 0 && $0 < tableWidth }) else {
      return "a column of the table encoder is outside its table"
    }
    for column in columns {
      let isSound =
        switch column.encoding {
        case .numeric(let median, let offset, _, _):
          median.isFinite && offset.isFinite && column.encoding.featureCount > 0
        case .categorical(let levels, _):
          Set(levels).count == levels.count && column.encoding.featureCount > 1
        }
      guard isSound else { return "the encoding of column \"\(column.name)\" is not sound" }
    }
    return nil
  }
}
