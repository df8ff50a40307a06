// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Halfspace

// The functions of `halfspace.h`, which describes them.

/// What `halfspace_model` points to.
private final class LoadedModel: Sendable {
  let model: TabularModel

  init(_ model: TabularModel) { self.model = model }

  /// The model that a pointer stands for, which stays the caller's.
  static func at(_ pointer: UnsafeRawPointer) -> TabularModel {
    unsafe Unmanaged<LoadedModel>.fromOpaque(pointer).takeUnretainedValue().model
  }
}

/// A place for a sentence.
public typealias ErrorText = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// Runs `work`; where it fails, says why and returns nil.
private func attempt<Value>(_ error: ErrorText?, _ work: () throws -> Value) -> Value? {
  unsafe error?.pointee = nil
  do {
    return try work()
  } catch let problem {
    unsafe error?.pointee = strdup("\(problem)")
    return nil
  }
}

private func text(_ texts: [String], _ index: Int64) -> UnsafeMutablePointer<CChar>? {
  guard index >= 0, index < texts.count else { return nil }
  return unsafe strdup(texts[Int(index)])
}

/// Reads a model file.
@_cdecl("halfspace_model_open")
public func openModel(
  _ path: UnsafePointer<CChar>, _ error: ErrorText?
) -> UnsafeMutableRawPointer? {
  let path = unsafe String(cString: path)
  let loaded = unsafe attempt(error) { LoadedModel(try TabularModel(contentsOf: path)) }
  return unsafe loaded.map { unsafe Unmanaged.passRetained($0).toOpaque() }
}

/// Frees a model.
@_cdecl("halfspace_model_close")
public func closeModel(_ model: UnsafeMutableRawPointer?) {
  guard let model = unsafe model else { return }
  unsafe Unmanaged<LoadedModel>.fromOpaque(model).release()
}

/// Number of network outputs for a row.
@_cdecl("halfspace_model_output_count")
public func outputCount(_ model: UnsafeRawPointer) -> Int64 {
  Int64(unsafe LoadedModel.at(model).predictor.outputCount)
}

/// Number of columns of a row.
@_cdecl("halfspace_model_column_count")
public func columnCount(_ model: UnsafeRawPointer) -> Int64 {
  Int64(unsafe LoadedModel.at(model).encoder.columns.count)
}

/// The name of a column, in the order of training.
@_cdecl("halfspace_model_column_name")
public func columnName(
  _ model: UnsafeRawPointer, _ column: Int64
) -> UnsafeMutablePointer<CChar>? {
  unsafe text(LoadedModel.at(model).encoder.columns.map(\.name), column)
}

/// A label, in the order of the outputs.
@_cdecl("halfspace_model_label")
public func label(_ model: UnsafeRawPointer, _ label: Int64) -> UnsafeMutablePointer<CChar>? {
  unsafe text(LoadedModel.at(model).target.labels, label)
}

/// Network outputs for rows of numbers. O(rows) lookups.
@_cdecl("halfspace_model_scores")
public func scores(
  _ model: UnsafeRawPointer, _ rows: UnsafePointer<Double>, _ count: Int64,
  _ scores: UnsafeMutablePointer<Float>, _ error: ErrorText?
) -> Int32 {
  let model = unsafe LoadedModel.at(model)
  let found = unsafe attempt(error) {
    try unsafe model.scores(for: try table(of: rows, count: Int(count), for: model))
  }
  guard let found else { return 1 }
  for row in 0..<found.rows {
    for output in 0..<found.columns {
      unsafe scores[row * found.columns + output] = found[row, output]
    }
  }
  return 0
}

/// Rows of numbers as a table with the model's columns.
private func table(
  of rows: UnsafePointer<Double>, count: Int, for model: TabularModel
) throws -> Table {
  let names = model.encoder.columns.map(\.name)
  for row in 0..<count {
    for column in names.indices {
      guard unsafe !rows[row * names.count + column].isInfinite else {
        throw InfiniteCell(row: row, column: names[column])
      }
    }
  }
  return Table(
    name: "rows",
    columns: names.enumerated().map { column, name in
      TableColumn(
        name: name,
        numbers: (0..<count).map { row in
          let value = unsafe rows[row * names.count + column]
          return value.isNaN ? nil : value
        })
    })
}

/// A cell that is no number.
private struct InfiniteCell: Error, CustomStringConvertible {
  let row: Int
  let column: String

  var description: String { "row \(row), column \"\(column)\": infinite; expected a number" }
}

/// Answers for a table in CSV, a line for each row.
@_cdecl("halfspace_model_predict_csv")
public func predictCSV(
  _ model: UnsafeRawPointer, _ csv: UnsafePointer<CChar>, _ error: ErrorText?
) -> UnsafeMutablePointer<CChar>? {
  let model = unsafe LoadedModel.at(model)
  let csv = unsafe String(cString: csv)
  let lines = unsafe attempt(error) {
    try model.predict(try model.readTable(csv: csv, name: "table")).texts
  }
  return unsafe lines.flatMap { unsafe strdup($0.map { $0 + "\n" }.joined()) }
}

/// Frees a text.
@_cdecl("halfspace_free")
public func freeText(_ text: UnsafeMutablePointer<CChar>?) { unsafe free(text) }
