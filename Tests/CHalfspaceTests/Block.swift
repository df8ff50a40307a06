// SPDX-License-Identifier: Apache-2.0

/// Memory for exactly `count` elements that starts one element behind a 64-byte boundary: as badly
/// aligned as kernels must bear. Reading or writing past the end is found by AddressSanitizer.
@safe final class Block<Element: BitwiseCopyable> {
  let count: Int
  @unsafe private let memory: UnsafeMutableRawPointer

  init(_ elements: [Element]) {
    count = elements.count
    let size = MemoryLayout<Element>.stride
    unsafe memory = .allocate(byteCount: (elements.count + 1) * size, alignment: 64)
    for (i, element) in elements.enumerated() {
      unsafe memory.storeBytes(of: element, toByteOffset: (i + 1) * size, as: Element.self)
    }
  }

  convenience init(_ count: Int, of element: Element) {
    self.init([Element](repeating: element, count: count))
  }

  deinit { unsafe memory.deallocate() }

  @unsafe var start: UnsafeMutablePointer<Element> {
    unsafe (memory + MemoryLayout<Element>.stride).assumingMemoryBound(to: Element.self)
  }

  var elements: [Element] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }

  subscript(i: Int) -> Element {
    precondition(i >= 0 && i < count, "element \(i) of \(count)")
    return unsafe start[i]
  }

  func copy() -> Block { Block(elements) }

  /// Elements `first..<first + count`.
  func slice(_ first: Int, _ count: Int) -> [Element] {
    unsafe Array(UnsafeBufferPointer(start: start + first, count: count))
  }
}
