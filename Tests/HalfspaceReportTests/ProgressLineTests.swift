// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import _HalfspaceReport

@Suite struct ProgressLineTests {
  /// Collects what is written and owns the clock.
  private final class Screen {
    var time = 100.0
    var output: [String] = []

    func progress(_ count: Int, _ mode: ProgressLine.Mode) -> ProgressLine {
      ProgressLine(
        unit: "epoch", count: count, mode: mode, now: { self.time },
        emit: { self.output.append($0) })
    }
  }

  private let erase = "\r\u{1B}[2K"

  @Test func `a log gets one plain line per unit with the time left`() {
    let screen = Screen()
    let progress = screen.progress(4, .plain)
    for epoch in 1...4 {
      for _ in 0..<100 {
        screen.time += 0.02
        progress.advance(to: Double(epoch) - 0.5, "loss 1")
      }
      progress.complete(epoch, "loss 0.5")
    }
    progress.finish()
    #expect(
      screen.output == [
        "epoch 1/4: loss 0.5, 2 s, 6 s left\n", "epoch 2/4: loss 0.5, 4 s, 4 s left\n",
        "epoch 3/4: loss 0.5, 6 s, 2 s left\n", "epoch 4/4: loss 0.5, 8 s\n",
      ])
  }

  @Test func `the time left counts neither what was done before nor what a limit cuts off`() {
    let screen = Screen()
    func say(before: Double, limit: Double) {
      let progress = ProgressLine(
        unit: "epoch", count: 10, mode: .plain, before: before, limit: limit,
        now: { screen.time }, emit: { screen.output.append($0) })
      screen.time += 4
      progress.complete(8, "")
    }
    say(before: 6, limit: .infinity)
    say(before: 6, limit: 7)
    say(before: 0, limit: 3)
    #expect(
      screen.output == [
        "epoch 8/10: 4 s, 4 s left\n", "epoch 8/10: 4 s, 3 s left\n",
        "epoch 8/10: 4 s, 0 s left\n",
      ])
  }

  @Test func `a terminal is redrawn at most ten times a second`() {
    let screen = Screen()
    let progress = screen.progress(10, .terminal(columns: 80, color: false))
    var evaluations = 0
    func status() -> String {
      evaluations += 1
      return "loss 1"
    }
    for step in 0..<1024 {
      screen.time += 1.0 / 512
      progress.advance(to: Double(step) / 1024, status())
    }
    #expect(screen.output.count >= 19)
    #expect(screen.output.count <= 21)
    #expect(evaluations == screen.output.count)
    #expect(screen.output.allSatisfy { $0.hasPrefix(erase) && !$0.contains("\n") })
  }

  @Test func `the line shows the running unit, a bar and the time`() {
    let screen = Screen()
    let progress = screen.progress(4, .terminal(columns: 80, color: false))
    screen.time += 3
    progress.advance(to: 1.5, "loss 0.5")
    #expect(screen.output == [erase + "epoch 2/4 ━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌ loss 0.5, 3 s, 5 s left"])
    progress.complete(4, "loss 0.1")
    #expect(screen.output.last == erase + "epoch 4/4 ━━━━━━━━━━━━━━━━━━━━ loss 0.1, 3 s")
    progress.finish()
    progress.finish()
    #expect(screen.output.count == 3)
    #expect(screen.output.last == erase)
  }

  @Test(arguments: [0, 1, 10, 20, 40, 60])
  func `a narrow terminal is never filled to its last column`(columns: Int) throws {
    let screen = Screen()
    let progress = screen.progress(4, .terminal(columns: columns, color: false))
    progress.complete(2, "a status that is longer than most")
    let line = try #require(screen.output.first).dropFirst(erase.count - 1)
    #expect(line.count <= max(0, columns - 1) + 1)
  }

  @Test func `color only paints the bar`() throws {
    let screen = Screen()
    let progress = screen.progress(2, .terminal(columns: 80, color: true))
    progress.complete(1, "ok")
    let line = try #require(screen.output.first)
    #expect(line.contains("\u{1B}[32m━━━━━━━━━━\u{1B}[90m━━━━━━━━━━\u{1B}[0m ok"))
  }

  @Test func `quiet writes nothing`() {
    let screen = Screen()
    let progress = screen.progress(2, .silent)
    progress.advance(to: 0.5, "x")
    progress.complete(1, "x")
    progress.finish()
    #expect(screen.output.isEmpty)
  }

  @Test func `nothing to do is done at once`() {
    let screen = Screen()
    let progress = screen.progress(0, .plain)
    progress.complete(0)
    #expect(screen.output == ["epoch 0/0: 0 s\n"])
  }

  @Test func `the mode follows terminal and environment`() {
    func mode(
      quiet: Bool = false, terminal: Bool = true, columns: Int? = 120,
      _ environment: [String: String] = [:]
    ) -> ProgressLine.Mode {
      .choose(quiet: quiet, isTerminal: terminal, columns: columns, environment: environment)
    }
    #expect(mode() == .terminal(columns: 120, color: true))
    #expect(mode(columns: nil) == .terminal(columns: 80, color: true))
    #expect(mode(["NO_COLOR": "1"]) == .terminal(columns: 120, color: false))
    #expect(mode(["NO_COLOR": ""]) == .terminal(columns: 120, color: true))
    #expect(mode(["TERM": "dumb"]) == .plain)
    #expect(mode(terminal: false) == .plain)
    #expect(mode(quiet: true, terminal: false) == .silent)
    #expect(ProgressLine.Mode.automatic(quiet: true) == .silent)
  }
}
