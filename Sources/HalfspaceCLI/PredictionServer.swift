// SPDX-License-Identifier: Apache-2.0
internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

/// Answers questions about rows over HTTP, with one model.
///
/// `POST /predictions`, `/probabilities` and `/scores` take a table and answer with one: a row for a
/// row, in order. The body is CSV with a header, or, with the content type `application/json`, a
/// list of objects, and the answer is then a list of objects. `GET /model` says in JSON what the
/// model takes and predicts, `GET /health` that it is there.
struct PredictionServer: Sendable {
  let model: TabularModel
  /// The model's file, for errors.
  let path: String
  let threads: Int
  /// A longer body is refused.
  var mostBytes = 64 << 20

  /// A server that is told where it goes, and not yet running.
  func server(on address: some SocketAddress) async -> HTTPServer {
    let server = HTTPServer(address: address, logger: .disabled)
    await server.appendRoute("GET /health") { _ in Self.text(.ok, "ok\n") }
    await server.appendRoute("GET /model") { _ in try description() }
    for kind in [PredictionColumns.Kind.predictions, .probabilities, .scores] {
      await server.appendRoute(HTTPRoute("POST /\(kind.rawValue)")) { request in
        try await answer(request, kind)
      }
    }
    return server
  }

  // MARK: Answers

  private func answer(
    _ request: HTTPRequest, _ kind: PredictionColumns.Kind
  ) async throws -> HTTPResponse {
    // Counted while it comes: a length that is promised may be wrong, or missing.
    var body = Data()
    for try await piece in request.bodySequence {
      body += piece
      guard body.count <= mostBytes else {
        return Self.text(.payloadTooLarge, "The body is longer than \(mostBytes) bytes.\n")
      }
    }
    let isJSON = request.headers[.contentType]?.lowercased().hasPrefix("application/json") ?? false
    do {
      let json = isJSON ? try JSONTable.csv(body, for: model.encoder) : nil
      guard let csv = json ?? String(data: body, encoding: .utf8) else {
        return Self.text(.badRequest, "The body is not UTF-8.\n")
      }
      let columns = try PredictionColumns(of: kind, by: model, from: path, threads: threads)
      let table = try model.readTable(csv: csv, name: "request")
      let inputs = InputRows.dense(
        try model.transform.apply(to: model.encoder.encode(table), threads: threads))
      if isJSON { return Self.json(try JSONTable.objects(columns, inputs)) }
      var answer = CSVWriter(columns: columns.names)
      try columns.append(inputs, to: &answer)
      return Self.response(.ok, "text/csv; charset=utf-8", answer.text)
    } catch let error as TableError {
      return Self.text(.badRequest, error.description + "\n")
    } catch let error as ModelFileError {
      return Self.text(.notFound, error.description + "\n")
    } catch let error as JSONTable.Problem {
      return Self.text(.badRequest, error.description + "\n")
    }
  }

  private func description() throws -> HTTPResponse {
    struct Description: Encodable {
      let task, target: String
      let labels, columns: [String]
      let neurons, storedNeurons: Int
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return Self.json(
      try encoder.encode(
        Description(
          task: model.target.task.rawValue, target: model.target.column,
          labels: model.target.labels, columns: model.encoder.columns.map(\.name),
          neurons: model.record.network.width, storedNeurons: model.record.materialized)))
  }

  // MARK: Responses

  private static func text(_ status: HTTPStatusCode, _ text: String) -> HTTPResponse {
    response(status, "text/plain; charset=utf-8", text)
  }

  private static func json(_ body: Data) -> HTTPResponse {
    HTTPResponse(statusCode: .ok, headers: [.contentType: "application/json"], body: body)
  }

  private static func response(
    _ status: HTTPStatusCode, _ type: String, _ text: String
  ) -> HTTPResponse {
    HTTPResponse(statusCode: status, headers: [.contentType: type], body: Data(text.utf8))
  }
}
