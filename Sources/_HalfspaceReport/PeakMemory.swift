// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The largest resident memory this process has had.
public enum PeakMemory {
  /// Peak resident memory in bytes, from `/proc/self/status`; `nil` where there is no such file.
  public static var bytes: Int? {
    (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)).flatMap(peak(status:))
  }

  /// The line `VmHWM:  12345 kB` of a status file, in bytes.
  static func peak(status: String) -> Int? {
    for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
      let fields = line.split(whereSeparator: \.isWhitespace)
      guard fields.count == 3, fields[2] == "kB" else { return nil }
      return Int(fields[1]).map { $0 * 1024 }
    }
    return nil
  }
}
