// SPDX-License-Identifier: Apache-2.0

/// Processes that cannot work together.
public enum ProcessGroupError: Error, CustomStringConvertible, Equatable {
  /// There are several, but this build has no engine for them.
  case notBuilt(processes: Int)
  /// MPI would not start.
  case refused(code: Int)

  /// One sentence.
  public var description: String {
    switch self {
    case .notBuilt(let processes):
      "\(processes) processes were started together, but this build is for one; "
        + "`swift build -c release --traits MPI` makes one for several"
    case .refused(let code): "MPI did not start: error \(code)"
    }
  }
}
