// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Synchronization

/// Ctrl-C and the request to end: noted instead of obeyed at once, so that a step can be finished
/// and saved. A second one ends the program as usual.
enum Interruption {
  private static let received = Atomic<Int32>(0)

  /// The signal that has arrived, if one has.
  static var signal: Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }

  /// Runs `work` with both signals noted.
  static func noted(during work: () throws -> Void) rethrows {
    received.store(0, ordering: .relaxed)
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { number in
      Interruption.received.store(number, ordering: .relaxed)
    }
    // Once only, and nothing that is being written or read is cut short.
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
    // One variable for each: a place in a dictionary, handed to C, traps in optimized builds.
    var (interrupt, terminate) = (sigaction(), sigaction())
    // A parent may have left them blocked: a thread pool's threads do, for one.
    var (both, mask) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&both)
    unsafe sigaddset(&both, SIGINT)
    unsafe sigaddset(&both, SIGTERM)
    unsafe sigaction(SIGINT, &action, &interrupt)
    unsafe sigaction(SIGTERM, &action, &terminate)
    unsafe pthread_sigmask(SIG_UNBLOCK, &both, &mask)
    defer {
      unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
      unsafe sigaction(SIGINT, &interrupt, nil)
      unsafe sigaction(SIGTERM, &terminate, nil)
    }
    try work()
  }
}
