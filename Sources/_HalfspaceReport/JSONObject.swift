// SPDX-License-Identifier: Apache-2.0

/// A JSON object that keeps its members in the order of insertion and is written by dotted paths.
///
/// ```swift
/// var report = JSONObject()
/// report["rows.train"] = 16_000
/// report["rows.test"] = 4_000
/// report["test.accuracy"] = .number(accuracy)
/// print(try report.text())
/// // {
/// //   "rows": {
/// //     "train": 16000,
/// //     "test": 4000
/// //   },
/// //   "test": {
/// //     "accuracy": 0.97
/// //   }
/// // }
/// ```
///
/// Members are found by linear search: objects of reports are small.
public struct JSONObject: Equatable, Sendable {
  /// A key and its value.
  public struct Member: Equatable, Sendable {
    /// The key, unescaped.
    public let key: String
    /// The value.
    public var value: JSONValue
  }

  /// The members in the order of insertion; keys are unique.
  public private(set) var members: [Member] = []

  /// Creates an object without members.
  public init() {}

  /// The value at a path of keys joined by dots; `nil` if there is none.
  ///
  /// Setting creates the objects on the way and replaces a value in place; setting `nil` removes
  /// the member. To set below a value that is not an object is a programmer's error and traps.
  /// - Complexity: O(members on the way).
  public subscript(path: String) -> JSONValue? {
    get {
      let (first, rest) = Self.split(path)
      guard let rest else { return self[key: first] }
      guard case .object(let child) = self[key: first] else { return nil }
      return child[rest]
    }
    set {
      let (first, rest) = Self.split(path)
      guard let rest else {
        self[key: first] = newValue
        return
      }
      var child = JSONObject()
      switch self[key: first] {
      case .object(let existing): child = existing
      case nil: if newValue == nil { return }
      case .some: preconditionFailure("\"\(first)\" is not an object, cannot set \"\(path)\"")
      }
      child[rest] = newValue
      self[key: first] = .object(child)
    }
  }

  /// The value of the member with exactly this key, dots included; `nil` if there is none.
  ///
  /// Setting `nil` removes the member.
  /// - Complexity: O(members).
  public subscript(key key: String) -> JSONValue? {
    get { members.first { $0.key == key }?.value }
    set {
      let index = members.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(key: key, value: value))
      case (nil, nil): break
      }
    }
  }

  private static func split(_ path: String) -> (first: String, rest: String?) {
    guard let dot = path.firstIndex(of: ".") else { return (path, nil) }
    return (String(path[..<dot]), String(path[path.index(after: dot)...]))
  }
}
