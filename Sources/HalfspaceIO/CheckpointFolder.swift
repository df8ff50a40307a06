// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceNN

/// The checkpoints of one run: the last good one, and the one before.
///
/// ```
/// step-000000000512.safetensors
/// step-000000001024.safetensors
/// ```
///
/// A checkpoint is written under a name of its own, flushed to the disk, and appears by renaming;
/// only then an older one is removed. So whenever the process is killed, and whatever fails, the
/// checkpoints that were there can be read. Reading falls back to the older one when the newer one
/// is damaged all the same.
///
/// While an object of this type lives, the folder is locked against other runs; the lock ends with
/// the process, however it ends. Not for use from several threads at once.
public final class CheckpointFolder {
  /// The folder.
  public let path: String
  private let lock: Int32
  /// Names of good checkpoints that were read or written, in this order.
  private var good: [String] = []

  /// The folder at `path`, made if it is not there, and locked. What a killed run has left half
  /// written is removed.
  ///
  /// - Throws: `FileError` when it cannot be made or written to, `CheckpointError` when another run
  ///   uses it.
  public init(_ path: String) throws {
    self.path = path
    // Foundation has no words of the operating system for a file in the way.
    var isFolder: ObjCBool = false
    if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
      !isFolder.boolValue
    {
      throw FileError(path: path, operation: .write, code: EEXIST)
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw FileError(path: path, operation: .write, reason: FileError.reason(of: error))
    }
    guard unsafe access(path, R_OK | W_OK | X_OK) == 0 else {
      throw FileError(path: path, operation: .write, code: errno)
    }
    lock = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw FileError(path: path, operation: .read, code: errno) }
    // Not every file system can lock; those that cannot are used without.
    if flock(lock, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      close(lock)
      throw CheckpointError(path: path, reason: .inUse)
    }
    for name in try names() where AtomicFile.isTemporary(name) { remove(name) }
  }

  deinit {
    // Before it is closed: a program that is being started on another thread holds a copy for a moment.
    flock(lock, LOCK_UN)
    close(lock)
  }

  /// Whether there are checkpoints, readable or not.
  ///
  /// - Throws: `FileError` when the folder cannot be read.
  public var isEmpty: Bool {
    get throws { try checkpoints().isEmpty }
  }

  /// A checkpoint that was read.
  public struct Loaded: Sendable {
    /// The state.
    public var state: TrainerState
    /// Path of its file.
    public var path: String
    /// Why newer checkpoints could not be read.
    public var skipped: [any Error]

    init(state: TrainerState, path: String, skipped: [any Error]) {
      (self.state, self.path, self.skipped) = (state, path, skipped)
    }

    /// The checkpoint at `path`, which another process has found to be good.
    ///
    /// - Throws: as `CheckpointFolder.load()`.
    public init(contentsOf path: String) throws {
      self.init(state: try TrainerState(contentsOf: path), path: path, skipped: [])
    }
  }

  /// Reads the newest checkpoint that is readable.
  ///
  /// - Throws: `CheckpointError` when there is none; when none can be read, why the newest cannot.
  public func load() throws -> Loaded {
    var skipped: [any Error] = []
    for name in try checkpoints().reversed() {
      do {
        let state = try TrainerState(contentsOf: file(name))
        good = [name]
        return Loaded(state: state, path: file(name), skipped: skipped)
      } catch {
        skipped.append(error)
      }
    }
    throw skipped.first ?? CheckpointError(path: path, reason: .none)
  }

  /// Writes a checkpoint and removes those before the last good one. O(M (d + C)).
  ///
  /// - Returns: the path of its file.
  /// - Throws: `SafetensorsError` when it cannot be written, `TrainingError` for a state that is
  ///   no longer finite; the checkpoints that are there stay.
  @discardableResult
  public func save(_ state: TrainerState) throws -> String {
    guard state.isFinite else {
      throw TrainingError.diverged(
        epoch: state.counts.progress.reports.count + 1, learningRate: state.training.learningRate)
    }
    let digits = String(state.counts.steps)
    let name =
      Self.prefix + String(repeating: "0", count: max(0, 12 - digits.count)) + digits + Self.suffix
    try state.save(to: file(name))
    good.removeAll { $0 == name }
    good = good.suffix(1) + [name]
    // What is newer and cannot be read is left until the run has got there.
    for old in try checkpoints() where Self.precedes(old, name) && !good.contains(old) {
      remove(old)
    }
    return file(name)
  }

  // MARK: Files

  private static let prefix = "step-"
  private static let suffix = ".safetensors"

  private func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Names of the checkpoints, by their steps.
  private func checkpoints() throws -> [String] {
    try names().filter { name in
      name.hasPrefix(Self.prefix) && name.hasSuffix(Self.suffix)
        && name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count).allSatisfy {
          ("0"..."9").contains($0)
        }
    }.sorted(by: Self.precedes)
  }

  /// Whether one name has fewer steps than another: numbers may outgrow their zeros.
  private static func precedes(_ a: String, _ b: String) -> Bool {
    (a.utf8.count, a) < (b.utf8.count, b)
  }

  private func names() throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw FileError(path: path, operation: .read, reason: FileError.reason(of: error))
    }
  }

  /// Best effort: what stays takes room and nothing else.
  private func remove(_ name: String) { unsafe unlink(file(name)) }
}
