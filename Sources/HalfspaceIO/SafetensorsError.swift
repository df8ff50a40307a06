// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// Something wrong with a safetensors file: which file and tensor, and what was expected.
public struct SafetensorsError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// The file cannot be read, for the given reason.
    case unreadable(String)
    /// The file cannot be written, for the given reason.
    case unwritable(String)
    /// The file has fewer bytes than it says.
    case truncated(expected: Int, found: Int)
    /// The header has more bytes than the format allows.
    case headerTooLarge(UInt64)
    /// The header is not the JSON of the format at this byte of the header.
    case invalidHeader(String, offset: Int)
    /// A name occurs twice.
    case duplicateKey(String)
    /// The tensor's elements have a type that is not supported.
    case unsupportedType(String)
    /// The number of bytes of the tensor's shape does not fit an integer.
    case shapeOverflow([Int])
    /// The tensor's data have another size than its shape and type say.
    case wrongSize(expected: Int, found: Int)
    /// The tensor's data do not begin where the tensor before them ends.
    case misplaced(expected: Int, found: Int)
    /// There are bytes behind the last tensor.
    case trailingBytes(Int)
    /// There is no tensor of this name.
    case missingTensor(available: [String])
    /// The tensor's elements have another type.
    case wrongType(expected: Safetensors.ElementType, found: Safetensors.ElementType)
    /// The tensor has another shape; nil stands for any number.
    case wrongShape(expected: [Int?], found: [Int])
    /// An element, counted from 0, is NaN or infinite.
    case notFinite(index: Int)
    /// There is no metadata of this name.
    case missingMetadata(String)
  }

  /// The path of the file, or the name given for it.
  public let file: String
  /// The tensor's name, where there is one to name.
  public let tensor: String?
  /// What is wrong.
  public let reason: Reason

  /// An error.
  public init(file: String, tensor: String? = nil, reason: Reason) {
    self.file = file
    self.tensor = tensor
    self.reason = reason
  }
}

extension SafetensorsError: CustomStringConvertible {
  /// One sentence: file, tensor, and what was expected.
  public var description: String {
    switch reason {
    case .unreadable(let why): return "cannot read \(file): \(why)"
    case .unwritable(let why): return "cannot write \(file): \(why)"
    default: break
    }
    let place = tensor.map { "\(file), tensor \"\($0)\"" } ?? file
    return "\(place): \(reason)"
  }
}

extension SafetensorsError: LocalizedError {
  /// The same sentence as `description`.
  public var errorDescription: String? { description }
}

extension SafetensorsError.Reason: CustomStringConvertible {
  /// What is wrong, without the place.
  public var description: String {
    switch self {
    case .unreadable(let reason): "cannot read the file: \(reason)"
    case .unwritable(let reason): "cannot write the file: \(reason)"
    case .truncated(let expected, let found):
      "expected \(expected) bytes, found \(found); the file is cut short, or no safetensors file"
    case .headerTooLarge(let size):
      "a header of \(size) bytes is more than the format's \(Safetensors.headerLimit) (is this a "
        + "safetensors file?)"
    case .invalidHeader(let expected, let offset):
      "expected \(expected) at byte \(offset) of the header"
    case .duplicateKey(let key): "the header names \"\(key)\" twice"
    case .unsupportedType(let type):
      "expected elements of type F32, F64, I32 or I64, found \"\(type)\""
    case .shapeOverflow(let shape): "the shape \(shape) is larger than any memory"
    case .wrongSize(let expected, let found):
      "expected \(expected) bytes for its shape and type, found \(found)"
    case .misplaced(let expected, let found):
      "expected the data to begin at byte \(expected), found \(found)"
    case .trailingBytes(let count): "found \(count) bytes behind the last tensor, expected none"
    case .missingTensor(let available):
      "there is no such tensor; there are \(available.map { "\"\($0)\"" }.joined(separator: ", "))"
    case .wrongType(let expected, let found):
      "expected elements of type \(expected.rawValue), found \(found.rawValue)"
    case .wrongShape(let expected, let found):
      "expected shape [\(expected.map { $0.map(String.init) ?? "any" }.joined(separator: ", "))], "
        + "found \(found)"
    case .notFinite(let index): "element \(index) is not a finite number"
    case .missingMetadata(let key): "expected \"\(key)\" in the metadata, found none"
    }
  }
}
