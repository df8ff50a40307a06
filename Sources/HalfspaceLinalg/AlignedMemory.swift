// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Storage of rows and codes, which is read at random and in streams.
public enum AlignedMemory {
  /// Bytes of a large page, and of the smallest block that is worth asking for them.
  private static let page = 2 << 20
  private static let smallest = 2 * page
  /// MADV_COLLAPSE of Linux 6.1, which headers may not know.
  private static let collapse: Int32 = 25

  /// Allocates storage that begins a cache line, and a large page where it is some megabytes long:
  /// then the system is asked for large pages, with which reading rows at random costs no search for
  /// their addresses and streams go on at the ends of small pages. Free it by `deallocate()`.
  @unsafe public static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= smallest else {
      return .allocate(byteCount: max(1, byteCount), alignment: 64)
    }
    let storage = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: page)
    // Requests only: where the system declines, everything works with small pages. Storage that has
    // been in use before has its small pages already; they are put together.
    _ = unsafe madvise(storage, byteCount, MADV_HUGEPAGE)
    _ = unsafe madvise(storage, byteCount, collapse)
    return unsafe storage
  }

  /// Allocates uninitialized room for `capacity` elements so. Free it by `deallocate()`.
  @unsafe public static func allocate<Element>(
    _ type: Element.Type, capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let storage = unsafe allocate(byteCount: capacity * MemoryLayout<Element>.stride)
    return unsafe storage.bindMemory(to: type, capacity: capacity)
  }
}
