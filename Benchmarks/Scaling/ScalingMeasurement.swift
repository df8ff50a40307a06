// SPDX-License-Identifier: Apache-2.0
import Halfspace

/// What one case took, as rank 0 saw it.
struct ScalingMeasurement: Codable {
  var `case`: ScalingCase
  /// Stored neurons in all, and the most on one rank.
  var stored: Int
  var mostHeld: Int
  var shards: Int
  /// Neurons that fire on a row, and rows of weights that a batch moves, in all processes.
  var firingsPerRow: Double
  var touchedRows: Double
  /// Seconds of the static report.
  var reportSeconds: Double
  /// Seconds of a step, the median.
  var stepSeconds: Double
  /// Seconds of a step in what ranks divide, in what each does for itself, and in exchanges with
  /// the waiting for others: means.
  var divided: Double
  var replicated: Double
  var exchange: Double
  /// Bytes of a step from rank 0 to others and back.
  var bytesSent: Double
  var bytesReceived: Double
  var operations: Double
  /// Seconds of a collective operation of 8 bytes from each rank, and for each byte more that a rank
  /// receives.
  var latency: Double
  var secondsPerByte: Double
  /// A checksum of the weights after all steps: the same for every number of ranks.
  var checksum: UInt64
}
