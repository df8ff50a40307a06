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
    var earlier = [SIGINT: sigaction(), SIGTERM: sigaction()]
    // A parent may have left them blocked: a thread pool's threads do, for one.
    var (both, mask) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&both)
    for number in [SIGINT, SIGTERM] {
      unsafe sigaddset(&both, number)
      unsafe sigaction(number, &action, &earlier[number]!)
    }
    unsafe pthread_sigmask(SIG_UNBLOCK, &both, &mask)
    defer {
      unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
      for (number, var action) in earlier { unsafe sigaction(number, &action, nil) }
    }
    try work()
  }
}
