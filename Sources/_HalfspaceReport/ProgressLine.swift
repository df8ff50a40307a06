// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Progress on standard error: one line that redraws itself on a terminal, one plain line per
/// finished unit elsewhere, nothing when asked to be quiet.
///
/// ```swift
/// let progress = ProgressLine(unit: "epoch", count: 20, mode: .automatic(quiet: false))
/// for epoch in 1...20 {
///   for batch in 1...batches {
///     progress.advance(to: Double(epoch - 1) + Double(batch) / Double(batches), "loss 0.02")
///   }
///   progress.complete(epoch, "loss 0.02, validation 96.1 %")
/// }
/// progress.finish()
/// ```
///
/// Not for use from several threads at once.
public final class ProgressLine {
  /// Where the progress goes.
  public enum Mode: Equatable, Sendable {
    /// Nowhere.
    case silent
    /// Line by line: a log file, a pipe.
    case plain
    /// A terminal of so many columns.
    case terminal(columns: Int, color: Bool)
  }

  private let unit: String
  private let count: Int
  private let mode: Mode
  private let now: () -> Double
  private let emit: (String) -> Void
  private let start: Double
  private let before: Double
  private let limit: Double
  private var lastDrawn = -Double.infinity
  private var isDrawn = false

  /// Seconds between two drawings of the line: ten a second, more only flicker.
  private static let interval = 0.1

  /// Starts the clock, unless it is running already.
  ///
  /// - Parameters:
  ///   - unit: What is counted, in the singular: `epoch`.
  ///   - count: How many there are to do.
  ///   - mode: Where the progress goes.
  ///   - start: When the work began, by the clock; now unless told otherwise.
  ///   - before: Units finished before that, in the time of an earlier run.
  ///   - limit: Seconds from the start after which the work ends, finished or not.
  ///   - now: A monotonic clock in seconds.
  ///   - emit: Takes the text; standard error unless told otherwise.
  public init(
    unit: String, count: Int, mode: Mode, start: Double? = nil, before: Double = 0,
    limit: Double = .infinity,
    now: @escaping () -> Double = { MonotonicClock.now },
    emit: @escaping (String) -> Void = ProgressLine.writeToStandardError
  ) {
    precondition(count >= 0, "cannot count \(count) of \(unit)")
    self.unit = unit
    self.count = count
    self.mode = mode
    self.now = now
    self.emit = emit
    self.start = start ?? now()
    self.before = before
    self.limit = limit
  }

  /// Tells how far the work is; may be called as often as one likes.
  ///
  /// - Parameters:
  ///   - completed: Finished units, with the finished part of the current one.
  ///   - status: What to say; evaluated only when the line is drawn.
  public func advance(to completed: Double, _ status: @autoclosure () -> String = "") {
    guard case .terminal(let columns, let color) = mode else { return }
    let time = now()
    guard time - lastDrawn >= Self.interval else { return }
    draw(completed, status(), at: time, columns: columns, color: color)
  }

  /// Tells that a unit is finished: a line of its own in a log, drawn at once on a terminal.
  ///
  /// - Parameters:
  ///   - completed: The number of finished units.
  ///   - status: What to say.
  public func complete(_ completed: Int, _ status: String = "") {
    let time = now()
    switch mode {
    case .silent: break
    case .plain:
      let parts = [status, timeText(Double(completed), at: time)].filter { !$0.isEmpty }
      emit("\(unit) \(completed)/\(count): \(parts.joined(separator: ", "))\n")
    case .terminal(let columns, let color):
      draw(Double(completed), status, at: time, columns: columns, color: color)
    }
  }

  /// Removes the line from the terminal, so that other text can follow.
  public func finish() {
    if isDrawn { emit("\r\u{1B}[2K") }
    isDrawn = false
  }

  // MARK: - Drawing

  private func draw(
    _ completed: Double, _ status: String, at time: Double, columns: Int, color: Bool
  ) {
    lastDrawn = time
    isDrawn = true
    let current = min(count, Int(completed.rounded(.down)) + (completed < Double(count) ? 1 : 0))
    let label = "\(unit) \(current)/\(count)"
    let barWidth = 20
    let filled = Int((fraction(completed) * Double(barWidth)).rounded(.down))
    let rest = [status, timeText(completed, at: time)].filter { !$0.isEmpty }
      .joined(separator: ", ")
    // The last column stays free: a full line would wrap and could not be redrawn.
    let room = max(0, columns - 1)
    var line = String("\(label) \(rest)".prefix(room))
    if label.count + barWidth + rest.count + 2 <= room {
      let done = String(repeating: "━", count: filled)
      let ahead = String(repeating: color ? "━" : "╌", count: barWidth - filled)
      let bar = color ? "\u{1B}[32m\(done)\u{1B}[90m\(ahead)\u{1B}[0m" : done + ahead
      line = "\(label) \(bar) \(rest)"
    }
    emit("\r\u{1B}[2K" + line)
  }

  private func fraction(_ completed: Double) -> Double {
    count == 0 ? 1 : min(max(completed / Double(count), 0), 1)
  }

  /// `2.1 s, 5.0 s left`.
  private func timeText(_ completed: Double, at time: Double) -> String {
    let elapsed = time - start
    let (fraction, earlier) = (fraction(completed), fraction(before))
    let passed = Format.duration(Format.round(elapsed, significantDigits: 2))
    // The first percent says nothing about the rest: caches and pages are cold.
    guard fraction - earlier >= 0.01, fraction < 1 else { return passed }
    let left = min(elapsed * (1 - fraction) / (fraction - earlier), max(0, limit - elapsed))
    return "\(passed), \(Format.duration(Format.round(left, significantDigits: 2))) left"
  }

  /// Writes to standard error; a closed pipe is not worth a crash.
  public static func writeToStandardError(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}

extension ProgressLine.Mode {
  /// What suits standard error: silent if `quiet`, a redrawn line on a terminal, otherwise plain.
  ///
  /// `NO_COLOR` (not empty) turns colors off, `TERM=dumb` the redrawing.
  public static func automatic(quiet: Bool) -> ProgressLine.Mode {
    choose(
      quiet: quiet, isTerminal: isatty(STDERR_FILENO) == 1, columns: terminalColumns,
      environment: ProcessInfo.processInfo.environment)
  }

  static func choose(
    quiet: Bool, isTerminal: Bool, columns: Int?, environment: [String: String]
  ) -> ProgressLine.Mode {
    if quiet { return .silent }
    if !isTerminal || environment["TERM"] == "dumb" { return .plain }
    let hasColor = environment["NO_COLOR", default: ""].isEmpty
    return .terminal(columns: columns ?? 80, color: hasColor)
  }

  private static var terminalColumns: Int? {
    var size = winsize()
    guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }
}
