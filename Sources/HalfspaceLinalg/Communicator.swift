// SPDX-License-Identifier: Apache-2.0

/// The processes that work on one network together, as one of them (a *rank*) sees the others.
///
/// Every operation is collective: all ranks call the same operations in the same order, and what an
/// operation gives does not depend on the time at which ranks arrive. `SingleProcess` is the
/// communicator of a process on its own; others are made where an engine for them is linked.
/// To be used from one thread at a time.
public protocol Communicator: Sendable {
  /// The number of this process, in `0..<size`.
  var rank: Int { get }
  /// The number of processes.
  var size: Int { get }

  /// Gives every rank what all ranks send, in the order of the ranks.
  ///
  /// - Parameters:
  ///   - part: what this rank sends, `counts[rank]` bytes.
  ///   - counts: bytes that each rank sends.
  ///   - whole: room for the sum of `counts`; must not overlap `part`.
  @unsafe func allGather(
    _ part: UnsafeRawBufferPointer, counts: [Int], into whole: UnsafeMutableRawBufferPointer)

  /// Sends every rank its own part of a buffer.
  ///
  /// - Parameters:
  ///   - parts: what this rank sends, part by part in the order of the ranks.
  ///   - counts: bytes of the part for each rank.
  ///   - received: room for what comes, in the order of the ranks; must not overlap `parts`.
  ///   - receivedCounts: bytes that come from each rank.
  @unsafe func exchange(
    _ parts: UnsafeRawBufferPointer, counts: [Int],
    into received: UnsafeMutableRawBufferPointer, receivedCounts: [Int])

  /// Gives every rank the bytes of rank `root`. The buffer has the same size everywhere.
  @unsafe func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int)
}

/// The communicator of a process on its own.
public struct SingleProcess: Communicator {
  /// A process without others.
  public init() {}

  /// 0.
  public var rank: Int { 0 }
  /// 1.
  public var size: Int { 1 }

  /// Copies `part`.
  @unsafe public func allGather(
    _ part: UnsafeRawBufferPointer, counts: [Int], into whole: UnsafeMutableRawBufferPointer
  ) {
    unsafe whole.copyMemory(from: part)
  }

  /// Copies `parts`.
  @unsafe public func exchange(
    _ parts: UnsafeRawBufferPointer, counts: [Int],
    into received: UnsafeMutableRawBufferPointer, receivedCounts: [Int]
  ) {
    unsafe received.copyMemory(from: parts)
  }

  /// Does nothing.
  @unsafe public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) {}
}
