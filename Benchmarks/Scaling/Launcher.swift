// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import HalfspaceMPI

/// Starts this program in several processes.
struct Launcher {
  /// Processors, each for one rank as long as there are enough.
  let cores: Int

  /// Runs a case; rank 0 gives its measurement on standard output.
  func run(_ scaling: ScalingCase) throws -> ScalingMeasurement {
    let process = Process()
    let output = Pipe()
    let request = String(decoding: try JSONEncoder().encode(scaling), as: UTF8.self)
    var arguments = ["mpirun", "-n", "\(scaling.ranks)"]
    // Two ranks on a processor must give it to each other.
    arguments +=
      scaling.ranks > cores ? ["--oversubscribe", "--bind-to", "none"] : ["--bind-to", "core"]
    arguments += [CommandLine.arguments[0], "--rank", request]
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    var environment = ProcessInfo.processInfo.environment
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    process.environment = environment
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure.exit(process.terminationStatus) }
    return try JSONDecoder().decode(ScalingMeasurement.self, from: data)
  }

  enum Failure: Error, CustomStringConvertible {
    case exit(Int32)

    var description: String {
      switch self {
      case .exit(let status): "mpirun ended with status \(status)"
      }
    }
  }
}
