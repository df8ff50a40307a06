// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// How many threads a computation may use. Results never depend on it.
public enum ThreadCount {
  /// The processors that are online.
  public static var available: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
}
