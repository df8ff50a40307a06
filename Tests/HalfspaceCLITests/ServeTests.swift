// SPDX-License-Identifier: Apache-2.0
import Foundation
import FoundationNetworking
import Halfspace
import Testing

/// `halfspace serve`, asked over HTTP.
@Suite struct ServeTests {
  /// What came back.
  private struct Answer: Equatable {
    let status: Int
    let type: String
    let body: String
  }

  /// A server that is listening.
  private struct Client {
    let url: String

    /// Asks, and waits for the answer; nil: nobody is there.
    func ask(_ path: String, body: Data? = nil, type: String = "text/csv") -> Answer? {
      var request = URLRequest(url: URL(string: url + path)!)
      request.timeoutInterval = 30
      if let body {
        request.httpMethod = "POST"
        request.httpBody = body
        request.setValue(type, forHTTPHeaderField: "Content-Type")
      }
      let session = URLSession(configuration: .ephemeral)
      defer { session.invalidateAndCancel() }
      let answer = Locked<Answer?>(nil)
      let done = DispatchSemaphore(value: 0)
      session.dataTask(with: request) { data, response, _ in
        if let response = response as? HTTPURLResponse {
          answer.value = Answer(
            status: response.statusCode,
            type: response.value(forHTTPHeaderField: "Content-Type") ?? "",
            body: String(decoding: data ?? Data(), as: UTF8.self))
        }
        done.signal()
      }.resume()
      done.wait()
      return answer.value
    }

    func ask(_ path: String, _ body: String, type: String = "text/csv") throws -> Answer {
      try #require(ask(path, body: Data(body.utf8), type: type))
    }
  }

  /// A value that two threads write and read in turn.
  private final class Locked<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
  }

  /// A port that nobody listens on.
  private static func freePort() throws -> UInt16 {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    try #require(isBound)
    return UInt16(bigEndian: address.sin_port)
  }

  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(["train", "kinds.csv", "--target", "kind", "--quiet"] + SampleText.short)
    return workspace
  }

  /// Asks a server of the workspace's model.
  private func serving(
    _ workspace: Workspace, _ options: [String] = [], _ questions: (Client) throws -> Void
  ) throws {
    let port = try Self.freePort()
    let client = Client(url: "http://127.0.0.1:\(port)")
    let result = try workspace.run(
      ["serve", "model.safetensors", "--port", "\(port)", "--threads", "1"] + options,
      meanwhile: { process in
        defer { process.terminate() }
        var health: Answer?
        for _ in 0..<600 {
          health = client.ask("/health")
          if health != nil { break }
          try #require(process.isRunning)
          usleep(100_000)
        }
        #expect(health?.body == "ok\n")
        try questions(client)
      })
    #expect(result.errors == "Listening on http://127.0.0.1:\(port)\n" && result.output.isEmpty)
  }

  @Test func `rows are answered as predict answers them`() throws {
    let workspace = try workspace()
    try serving(workspace) { client in
      for kind in ["predictions", "probabilities", "scores"] {
        let expected = try workspace.succeed([
          "predict", "model.safetensors", "kinds.csv", "--\(kind)",
        ])
        let answer = try client.ask("/\(kind)", SampleText.kinds)
        #expect(answer.status == 200 && answer.type.hasPrefix("text/csv"))
        #expect(answer.body == expected.output)
      }
    }
  }

  @Test func `objects of JSON are answered with objects`() throws {
    let workspace = try workspace()
    let row = #"{"size, cm": 1.5, "color": null, "a \"shape\"": "round, flat"}"#
    try workspace.write("\"size, cm\",color,\"a \"\"shape\"\"\"\n1.5,,\"round, flat\"\n", "row.csv")
    let options = ["--ignore-unknown"]
    try serving(workspace, options) { client in
      let predict = ["predict", "model.safetensors", "row.csv"] + options
      let label = try #require(try workspace.succeed(predict).lines.last)
      let answer = try client.ask("/predictions", "[\(row), \(row)]", type: "application/json")
      #expect(answer.status == 200 && answer.type == "application/json")
      #expect(answer.body == #"[{"kind":"\#(label)"},{"kind":"\#(label)"}]"#)

      let scores = try workspace.succeed(predict + ["--scores"]).output
      let table = try Table(csv: scores, name: "scores")
      let numbers = try client.ask("/scores", "[\(row)]", type: "application/json; charset=utf-8")
      let decoded = try JSONDecoder().decode([[String: Double]].self, from: Data(numbers.body.utf8))
      #expect(decoded.count == 1 && decoded[0].count == table.columns.count)
      for column in table.columns {
        #expect(decoded[0][column.name].map { Float($0) } == column.number(0).map { Float($0) })
      }
    }
  }

  @Test func `objects answer for a table without a header by the places of its columns`() throws {
    let workspace = try Workspace()
    let table = (0..<40).map { "\($0 % 9),\($0 % 9 > 4 ? "big" : "small"),\(($0 * 7) % 5)\n" }
      .joined()
    try workspace.write(table, "plain.csv")
    try workspace.succeed(
      ["train", "plain.csv", "--target", "column2", "--quiet"] + SampleText.short)
    try workspace.write("8,1\n0,4\n", "rows.csv")
    let expected = try workspace.succeed(["predict", "model.safetensors", "rows.csv", "--scores"])
    try serving(workspace) { client in
      let model = try #require(client.ask("/model")).body
      let names = try #require(
        try JSONSerialization.jsonObject(with: Data(model.utf8)) as? [String: Any])["columns"]
      let columns = try #require(names as? [String])
      let body = [[8, 1], [0, 4]].map { row in
        Dictionary(uniqueKeysWithValues: zip(columns, row))
      }
      let data = try JSONEncoder().encode(body)
      let answer = try #require(client.ask("/scores", body: data, type: "application/json")).body
      let rows = try JSONDecoder().decode([[String: Double]].self, from: Data(answer.utf8))
      let wanted = try Table(csv: expected.output, name: "scores")
      #expect(rows.count == 2 && wanted.rowCount == 2)
      for (number, row) in rows.enumerated() {
        for column in wanted.columns {
          #expect(row[column.name].map { Float($0) } == column.number(number).map { Float($0) })
        }
      }
    }
  }

  @Test func `columns of labels are answered with ones and zeros`() throws {
    let workspace = try Workspace()
    let rows = (0..<60).map { "\($0 % 12),\($0 % 12 > 5 ? 1 : 0),\($0 % 3 == 0 ? 1 : 0)\n" }
    try workspace.write("x,big,third\n" + rows.joined(), "t.csv")
    try workspace.succeed(
      ["train", "t.csv", "--target", "big", "--target", "third", "--quiet"] + SampleText.short)
    try workspace.write("x\n11\n0\n", "rows.csv")
    let expected = try workspace.succeed(["predict", "model.safetensors", "rows.csv"])
    #expect(expected.lines[0] == "big,third")
    try serving(workspace) { client in
      #expect(try client.ask("/predictions", "x\n11\n0\n").body == expected.output)
      let answer = try client.ask(
        "/predictions", #"[{"x": 11}, {"x": 0}]"#, type: "application/json")
      let objects = expected.lines.dropFirst().map { line in
        let cells = line.split(separator: ",")
        return "{\"big\":\(cells[0]),\"third\":\(cells[1])}"
      }
      #expect(answer.body == "[" + objects.joined(separator: ",") + "]")
    }
  }

  @Test func `what cannot be answered is refused with a reason, and the next is answered`() throws {
    let workspace = try workspace()
    try serving(workspace) { client in
      let refused: [(String, String, String, Int, String)] = [
        ("/predictions", "size\n3\n", "text/csv", 400, "color"),
        ("/predictions", SampleText.kinds + "x,y\n", "text/csv", 400, "line 92"),
        ("/predictions", "", "text/csv", 400, "request"),
        ("/predictions", "{\"a\": 1}", "application/json", 400, "list of objects"),
        ("/predictions", "[]", "application/json", 400, "\"size, cm\""),
        ("/predictions", "[{\"color\": [1]}]", "application/json", 400, "list of objects"),
        ("/model", SampleText.kinds, "text/csv", 404, ""),
        ("/inputs", SampleText.kinds, "text/csv", 404, ""),
      ]
      for (path, body, type, status, reason) in refused {
        let answer = try client.ask(path, body, type: type)
        #expect(answer.status == status, "\(path) \(body.prefix(20)): \(answer)")
        #expect(reason.isEmpty || answer.body.contains(reason), "\(answer.body)")
      }
      let bytes = try #require(client.ask("/predictions", body: Data([0x61, 0xFF, 0x0A])))
      #expect(bytes.status == 400 && bytes.body == "The body is not UTF-8.\n")
      #expect(try client.ask("/predictions", SampleText.kinds).status == 200)
      let model = try #require(client.ask("/model"))
      #expect(model.body.contains(#""target":"kind""#) && model.body.contains(#""neurons":128"#))
    }
  }

  @Test func `a port that is taken is an error of one sentence`() throws {
    let workspace = try workspace()
    try serving(workspace) { client in
      let port = try #require(client.url.split(separator: ":").last)
      let second = try workspace.run(["serve", "model.safetensors", "--port", "\(port)"])
      #expect(second.status == 1 && !second.isCrash)
      #expect(
        second.errors == "halfspace: cannot listen on 127.0.0.1:\(port): Address already in use\n")
    }
  }
}
