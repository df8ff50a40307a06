// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// How often a checkpoint is written: `10m`, `500steps`, `2epochs`.
enum CheckpointInterval: ExpressibleByArgument, Equatable {
  case time(TimeSpan)
  case steps(Int)
  case epochs(Int)

  init?(argument: String) {
    func count(_ suffix: String) -> Int? {
      guard argument.hasSuffix(suffix) else { return nil }
      return Int(argument.dropLast(suffix.count)).flatMap { $0 > 0 ? $0 : nil }
    }
    if let steps = count("steps") {
      self = .steps(steps)
    } else if let epochs = count("epochs") {
      self = .epochs(epochs)
    } else if let span = TimeSpan(argument: argument) {
      self = .time(span)
    } else {
      return nil
    }
  }
}
