// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Halfspace

extension HalfspaceCommand {
  /// `halfspace serve MODEL`.
  struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Answer questions about rows over HTTP, on this machine.",
      discussion: """
        POST /predictions, /probabilities or /scores with a table as CSV with a header, or as a JSON \
        list of objects (Content-Type: application/json); the answer has a row for each row, in \
        order. GET /model says what the model takes, GET /health that it is there.

          curl --data-binary @new.csv localhost:8080/predictions

        Listens on the loopback address only, without encryption or names of users: put a web \
        server in front of it to be reached from elsewhere.
        """)

    @Argument(help: "The model (safetensors).")
    var model: String

    @Option(help: ArgumentHelp("Where to listen; 0 takes any port that is free.", valueName: "n"))
    var port: UInt16 = 8080

    @Flag(help: "Let a category that training did not have count as none, instead of refusing it.")
    var ignoreUnknown = false

    @OptionGroup var threads: ThreadOption

    /// Nobody else can reach it there.
    private static let address = "127.0.0.1"

    func run() async throws {
      try await Talk.reportingErrors {
        var model = try TabularModel(contentsOf: model)
        if ignoreUnknown { model.encoder.unknownCategories = .ignore }
        let answers = PredictionServer(model: model, path: self.model, threads: threads.count)
        let server = await answers.server(on: try .inet(ip4: Self.address, port: port))
        do {
          try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask {
              try await server.waitUntilListening()
              if case .ip4(let address, let port) = await server.listeningAddress {
                Talk.say("Listening on http://\(address):\(port)")
              }
            }
            try await group.waitForAll()
          }
        } catch SocketError.failed(_, _, let message) {
          Talk.say("halfspace: cannot listen on \(Self.address):\(port): \(message)")
          throw ExitCode.failure
        }
      }
    }
  }
}
