// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Small files as other programs write them, and builders of files byte by byte.
public enum DataFiles {
  /// `numpy.savez_compressed(X=float32 [[1.5, -2, 3], [4, 5, 6.25]], y=big-endian int16 [1, 0])`.
  public static let npz = decoded(
    "UEsDBC0AAAAIAAAAIQBb/sUa//////////8FABQAWC5ucHkBABAAmAAAAAAAAABaAAAAAAAAAJvsF+obEMnIUMZQ"
      + "rZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgaGA/YM"
      + "QIKBwcGBgaEBiBcA8QkHAFBLAwQtAAAACAAAACEAUPrBR///////////BQAUAHkubnB5AQAQAIQAAAAAAAAA"
      + "SAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBul2mkrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC"
      + "+RpGOpo6CrUKFAAuBkYGBgBQSwECLQMtAAAACAAAACEAW/7FGloAAACYAAAABQAAAAAAAAAAAAAAgAEAAAAA"
      + "WC5ucHlQSwECLQMtAAAACAAAACEAUPrBR0gAAACEAAAABQAAAAAAAAAAAAAAgAGRAAAAeS5ucHlQSwUGAAAA"
      + "AAIAAgBmAAAAEAEAAAAA")

  /// `numpy.save` of the same X as big-endian float64 in Fortran order.
  public static let fortranNPY = decoded(
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPmY4JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyks"
      + "IH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/"
      + "+AAAAAAAAEAQAAAAAAAAwAAAAAAAAABAFAAAAAAAAEAIAAAAAAAAQBkAAAAAAAA=")

  /// `numpy.save(["red", "größe", ""])`.
  public static let textNPY = decoded(
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPFU1JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwg"
      + "fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIApy"
      + "AAAAZQAAAGQAAAAAAAAAAAAAAGcAAAByAAAA9gAAAN8AAABlAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")

  /// `a,b\n1,2\n` and `3,4\n` compressed by gzip, one behind the other.
  public static let gzippedCSV = decoded(
    "H4sIAAAAAAACA0vUSeIy1DHiAgB7B5cKCAAAAB+LCAAAAAAAAgMz1jHhAgA+LXKpBAAAAA==")

  private static func decoded(_ base64: String) -> [UInt8] {
    Array(Data(base64Encoded: base64) ?? Data())
  }

  /// An array of NumPy with the given header and elements.
  public static func npy(header: String, elements: [UInt8]) -> [UInt8] {
    let count = UInt16(header.utf8.count)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 255), UInt8(count >> 8)]
      + Array(header.utf8) + elements
  }

  /// An array of bytes as NumPy writes it.
  public static func npy(_ elements: [UInt8], shape: String) -> [UInt8] {
    npy(
      header: "{'descr': '|u1', 'fortran_order': False, 'shape': \(shape), }\n",
      elements: elements)
  }

  /// An IDX file of bytes.
  public static func idx(_ elements: [UInt8], shape: [Int], type: UInt8 = 8) -> [UInt8] {
    [0, 0, type, UInt8(shape.count)]
      + shape.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } }
      + elements
  }
}
