// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

#if MPI
  internal import CHalfspaceMPI
#endif

/// The processes that a launcher has started together, of which this is one.
///
/// ```swift
/// let processes = try ProcessGroup.join()
/// defer { ProcessGroup.leave() }
/// let trainer = try Trainer(..., communicator: processes)
/// ```
///
/// Several processes need the package trait `MPI`. Without it the same calls run in one.
public enum ProcessGroup {
  /// Whether this build can run in several processes.
  public static var isAvailable: Bool {
    #if MPI
      true
    #else
      false
    #endif
  }

  /// How many processes the launcher says it has started; 1 without a launcher.
  public static var launchedCount: Int {
    launched(ProcessInfo.processInfo.environment, ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"])
  }

  /// How many of them are on this machine.
  public static var launchedHereCount: Int {
    launched(
      ProcessInfo.processInfo.environment, ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"])
  }

  /// The number of this process among them, as far as the launcher tells.
  public static var launchedRank: Int {
    let environment = ProcessInfo.processInfo.environment
    let names = ["OMPI_COMM_WORLD_RANK", "PMI_RANK"]
    return names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first ?? 0
  }

  static func launched(_ environment: [String: String], _ names: [String]) -> Int {
    max(1, names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first ?? 1)
  }

  /// Joins the processes started together. To be called once, before any of them works.
  ///
  /// - Throws: `ProcessGroupError`, when there are several processes and they cannot be joined.
  public static func join() throws(ProcessGroupError) -> any Communicator {
    let count = launchedCount
    guard count > 1 else { return SingleProcess() }
    #if MPI
      return try MPICommunicator()
    #else
      throw .notBuilt(processes: count)
    #endif
  }

  /// Leaves the processes joined, when all of them do.
  public static func leave() {
    #if MPI
      if launchedCount > 1 { hs_mpi_finish() }
    #endif
  }

  /// Ends all processes, at once: for one that cannot go on while others wait for it. What has not
  /// joined ends alone, and the launcher ends the others.
  public static func abort(exitCode: Int32) -> Never {
    #if MPI
      hs_mpi_abort(exitCode)
    #else
      exit(exitCode)
    #endif
  }
}
