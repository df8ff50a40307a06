// SPDX-License-Identifier: Apache-2.0
import Halfspace
import Synchronization

extension Array where Element: Sendable {
  /// The results for all elements, in their order, computed at the same time; the first error, if
  /// there is one.
  func concurrentMap<Value: Sendable>(
    threads: Int, _ body: @Sendable (Element) throws -> Value
  ) throws -> [Value] {
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
    parallelFor(count, threads: threads) { index in
      let result = Result { try body(self[index]) }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { try $0.map { try $0!.get() } }
  }
}
