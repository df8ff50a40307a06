// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

/// Tables as JSON: a list of objects, one for a row, with a member for each column.
enum JSONTable {
  /// What is no table.
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  /// A table of objects as the CSV that an encoder reads: its columns in their order, with a header
  /// if the training table had one. A member that is null or absent is a missing cell. O(bytes).
  ///
  /// - Throws: `Problem`, also for a column that no object has.
  static func csv(_ body: Data, for encoder: TableEncoder) throws(Problem) -> String {
    let rows: [[String: Cell]]
    do {
      rows = try JSONDecoder().decode([[String: Cell]].self, from: body)
    } catch {
      throw Problem(
        description: "expected a JSON list of objects with numbers, texts, booleans and null")
    }
    let names = encoder.columns.map(\.name)
    let found = Set(rows.flatMap(\.keys))
    if let name = names.first(where: { !found.contains($0) }) {
      throw Problem(description: "no object of the list has the member \"\(name)\"")
    }
    var csv = CSVWriter(columns: names)
    // Without names in the training table, cells are known by their places.
    if !encoder.hasHeader { _ = csv.takeText() }
    for row in rows { csv.append(names.map { row[$0] ?? .missing }) }
    return csv.text
  }

  /// What a model says of rows: numbers as numbers, sets of labels as lists.
  static func objects(_ columns: PredictionColumns, _ inputs: InputRows) throws -> Data {
    let rows: [[Cell]] =
      switch try columns.answers(for: inputs) {
      case .predictions(.labels(let labels)): labels.map { [.text($0)] }
      case .predictions(.values(let values)): values.map { [.number($0)] }
      case .predictions(.labelSets(let sets, _)): sets.map { [.texts($0)] }
      case .predictions(.labelColumns(let rows)): rows.map { $0.map { .number($0 ? 1 : 0) } }
      case .numbers(let matrix):
        (0..<matrix.rows).map { row in matrix.rowArray(row).map { .number(Double($0)) } }
      }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(
      rows.map { Dictionary(zip(columns.names, $0)) { first, _ in first } })
  }

  /// A member of an object.
  enum Cell: Codable, CustomStringConvertible {
    case missing
    case number(Double)
    case text(String)
    case texts([String])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .missing
      } else if let value = try? container.decode(Bool.self) {
        self = .text("\(value)")
      } else if let value = try? container.decode(Double.self) {
        self = .number(value)
      } else {
        self = .text(try container.decode(String.self))
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .missing: try container.encodeNil()
      // JSON has no word for what is no finite number.
      case .number(let value):
        if value.isFinite { try container.encode(value) } else { try container.encodeNil() }
      case .text(let text): try container.encode(text)
      case .texts(let texts): try container.encode(texts)
      }
    }

    /// As a cell of CSV; whole numbers as categories are written.
    var description: String {
      switch self {
      case .missing: ""
      case .number(let value): Int(exactly: value).map { "\($0)" } ?? "\(value)"
      case .text(let text): text
      case .texts(let texts): texts.joined(separator: " ")
      }
    }
  }
}
