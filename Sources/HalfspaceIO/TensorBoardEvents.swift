// SPDX-License-Identifier: Apache-2.0

/// Numbers over the steps of a run, as an event file of TensorBoard, which shows files whose names
/// contain `tfevents`.
///
/// Records of TensorFlow: the length in eight bytes, its checksum, an `Event` in protocol buffers, and
/// its checksum; the first event names the version of the format
/// (<https://www.tensorflow.org/tutorials/load_data/tfrecord>,
/// `tensorflow/core/util/event.proto`).
public struct TensorBoardEvents: Sendable {
  /// What stands in the file.
  public private(set) var bytes: [UInt8] = []

  /// A file without numbers.
  ///
  /// - Parameter start: when the run began, in seconds since 1970.
  public init(start: Double) {
    append { event in
      event.double(Field.wallTime, start)
      event.text(Field.fileVersion, "brain.Event:2")
    }
  }

  /// Adds numbers, each with the name of its chart.
  ///
  /// - Parameters:
  ///   - step: where on the axis of steps.
  ///   - time: when, in seconds since 1970.
  /// - Complexity: O(number of scalars).
  public mutating func append(step: Int, time: Double, scalars: [(name: String, value: Double)]) {
    append { event in
      event.double(Field.wallTime, time)
      event.integer(Field.step, step)
      event.message(Field.summary) { summary in
        for scalar in scalars {
          summary.message(Field.value) { value in
            value.text(Field.tag, scalar.name)
            value.float(Field.simpleValue, Float(scalar.value))
          }
        }
      }
    }
  }

  /// Numbers of the fields of `Event`, `Summary` and `Summary.Value`.
  private enum Field {
    static let (wallTime, step, fileVersion, summary) = (1, 2, 3, 5)
    static let value = 1
    static let (tag, simpleValue) = (1, 2)
  }

  private mutating func append(_ write: (inout ProtobufWriter) -> Void) {
    var event = ProtobufWriter()
    write(&event)
    let length = LittleEndian.bytes(count: 1) { _ in UInt64(event.bytes.count) }
    for part in [length, event.bytes] {
      bytes += part
      bytes += LittleEndian.bytes(count: 1) { _ in CRC32C.masked(part) }
    }
  }
}

/// The checksum of Castagnoli (RFC 3720, appendix B.4), for records of TensorFlow; zlib has another.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78
    }
  }

  /// - Complexity: O(bytes).
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
  }

  /// As records store it, so that the checksum of bytes that hold checksums keeps its worth.
  static func masked(_ bytes: [UInt8]) -> UInt32 {
    let checksum = checksum(bytes)
    return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }
}
