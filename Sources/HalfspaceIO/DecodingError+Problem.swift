// SPDX-License-Identifier: Apache-2.0

extension DecodingError {
  /// What a decoder found, in a few words that complete "the metadata ...".
  static func problem(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "is damaged" }
    func place(_ path: [any CodingKey]) -> String {
      path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "has no \"\(place(context.codingPath + [key]))\""
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "has a value of another type than expected at \"\(place(context.codingPath))\""
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      return "is damaged: \(context.debugDescription)"
    case .dataCorrupted(let context):
      return "is damaged at \"\(place(context.codingPath))\": \(context.debugDescription)"
    @unknown default:
      return "is damaged"
    }
  }
}
