// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A JSON report, members by dotted paths.
struct Report {
  private let root: [String: Any]

  init(_ path: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    root = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }

  private subscript(path: String) -> Any? {
    var value: Any? = root
    for key in path.split(separator: ".") { value = (value as? [String: Any])?[String(key)] }
    return value
  }

  func number(_ path: String) -> Double? { (self[path] as? NSNumber)?.doubleValue }

  func text(_ path: String) -> String? { self[path] as? String }
}
