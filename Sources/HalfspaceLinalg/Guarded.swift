// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A lock of the system's threads, held by one thread at a time; not recursive.
///
/// ThreadSanitizer knows it. It does not see what `Mutex` of Synchronization does within the runtime library,
/// and reports races on all that one guards.
@safe package final class Lock: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  /// A lock that nobody holds.
  package init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    let status = unsafe pthread_mutex_init(mutex, nil)
    precondition(status == 0, "a lock cannot be made: error \(status)")
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Waits until nobody holds the lock, and takes it.
  package func lock() { unsafe pthread_mutex_lock(mutex) }

  /// Takes the lock unless somebody holds it; whether it was taken.
  package func tryLock() -> Bool { unsafe pthread_mutex_trylock(mutex) == 0 }

  /// Gives back a lock that the caller holds.
  package func unlock() { unsafe pthread_mutex_unlock(mutex) }
}

/// A value that one caller at a time may look at or change.
///
/// - Note: `Sendable` is unchecked; the value is used by the holder of the lock only.
package final class Guarded<Value: ~Copyable>: @unchecked Sendable {
  @usableFromInline let lock = Lock()
  @usableFromInline var value: Value

  /// A guarded value.
  @inlinable package init(_ value: consuming Value) { self.value = value }

  /// Calls `body` with the value once nobody else holds it.
  @inlinable package func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }

  /// Calls `body` with the value unless somebody else holds it; nil then.
  @inlinable package func withLockIfAvailable<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard lock.tryLock() else { return nil }
    defer { lock.unlock() }
    return try body(&value)
  }
}
