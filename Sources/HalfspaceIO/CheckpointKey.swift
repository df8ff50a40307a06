// SPDX-License-Identifier: Apache-2.0

/// Names of a checkpoint's metadata.
enum CheckpointKey {
  static let version = "halfspace.checkpoint"
  static let checksum = "halfspace.checksum"
  static let network = "halfspace.network"
  static let training = "halfspace.training"
  static let data = "halfspace.data"
  static let counts = "halfspace.counts"
  static let note = "halfspace.note"
  static let scalars = "halfspace.scalars"
}
