// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Scratch objects kept between calls, so that asking an immutable value again allocates nothing.
///
/// What is in them never reaches an answer; which caller gets which object does not matter.
final class ScratchPool<Item: AnyObject & Sendable>: Sendable {
  private let free = Guarded<[Item]>([])

  /// A free object, or a new one.
  func take(orMake make: () -> Item) -> Item {
    free.withLock { $0.popLast() } ?? make()
  }

  /// Gives an object back.
  func give(_ item: Item) { free.withLock { $0.append(item) } }
}
