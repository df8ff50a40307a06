// SPDX-License-Identifier: Apache-2.0
import Glibc
import HalfspaceLinalg
import Synchronization
import Testing

@Suite struct ParallelForTests {
  @Test(arguments: [0, 1, 2, 3, 17, 1000], [-1, 0, 1, 2, 3, 8, 100])
  func `every index runs exactly once`(_ count: Int, _ threads: Int) {
    let visits = Guarded([Int](repeating: 0, count: count))
    parallelFor(count, threads: threads) { index in visits.withLock { $0[index] += 1 } }
    #expect(visits.withLock { $0 } == .init(repeating: 1, count: count))
  }

  @Test func `a negative count is no work`() {
    parallelFor(-3, threads: 4) { _ in Issue.record("an index ran") }
    parallelFor(-3, grain: 2, threads: 4) { _ in Issue.record("a range ran") }
  }

  @Test(arguments: [0, 1, 5, 64, 100], [1, 3, 64, 1000])
  func `ranges cover everything once and are cut by the grain alone`(_ count: Int, _ grain: Int) {
    let expected = stride(from: 0, to: count, by: grain).map { $0..<min($0 + grain, count) }
    for threads in [1, 2, 7] {
      let seen = Guarded<[Range<Int>]>([])
      parallelFor(count, grain: grain, threads: threads) { range in
        seen.withLock { $0.append(range) }
      }
      let ranges = seen.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
      #expect(ranges == expected)
    }
  }

  @Test(arguments: [0, 1, 7, 40, 1000], [1, 2, 3, 8])
  func `tapered parts cover everything once, and each thread's get smaller as it takes them`(
    _ count: Int, _ threads: Int
  ) {
    let parts = TaperedParts(of: count, threads: threads)
    #expect((0..<parts.count).flatMap { Array(parts[$0]) } == Array(0..<count))
    guard threads > 1 else { return }
    let ofThread = parts.count / threads
    for thread in 0..<threads {
      let ascending = (0..<ofThread).map { parts[thread * ofThread + $0].count }
      let taken = thread == 0 ? ascending : ascending.reversed()
      // Cuts are between whole numbers.
      for (one, next) in zip(taken, taken.dropFirst()) { #expect(next <= one + 1) }
    }
  }

  @Test func `two callers at a time, loop after loop, each get what is theirs`() async {
    await withTaskGroup(of: Int.self) { group in
      for caller in 0..<2 {
        group.addTask {
          let sum = Atomic(0)
          for loop in 0..<2000 {
            parallelFor(4, threads: 2) { index in
              sum.wrappingAdd(caller + loop * index, ordering: .relaxed)
            }
          }
          return sum.load(ordering: .relaxed) - 8000 * caller
        }
      }
      for await sum in group { #expect(sum == 6 * (0..<2000).reduce(0, +)) }
    }
  }

  @Test func `work can be nested`() {
    let sum = Atomic(0)
    parallelFor(10, threads: 3) { outer in
      parallelFor(10, threads: 3) { inner in
        sum.wrappingAdd(10 * outer + inner, ordering: .relaxed)
      }
    }
    #expect(sum.load(ordering: .relaxed) == 4950)
  }

  @Test func `left to the calling thread, indices run in order, and on threads again afterwards`() {
    func threads(_ order: Guarded<[Int]>) -> Set<UInt> {
      let names = Guarded<Set<UInt>>([])
      parallelFor(16, threads: 2) { index in
        order.withLock { $0.append(index) }
        _ = names.withLock { $0.insert(UInt(pthread_self())) }
        // Long enough for another thread to come.
        usleep(1000)
      }
      return names.withLock { $0 }
    }
    let alone = Guarded<[Int]>([])
    #expect(onThisThreadAlone { threads(alone) } == [UInt(pthread_self())])
    #expect(alone.withLock { $0 } == Array(0..<16))
    guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 else { return }
    // Other tests may have the processors for a while.
    let helpers = (0..<200).lazy.map { _ in
      let after = Guarded<[Int]>([])
      let names = threads(after)
      #expect(after.withLock { $0.sorted() } == Array(0..<16))
      return names.count - 1
    }
    #expect(helpers.contains { $0 > 0 })
  }

  @Test func `one thread runs in order`() {
    let order = Guarded<[Int]>([])
    parallelFor(5, threads: 1) { index in order.withLock { $0.append(index) } }
    #expect(order.withLock { $0 } == [0, 1, 2, 3, 4])
  }

  @Test func `a grain of zero traps`() async {
    await #expect(processExitsWith: .failure) {
      parallelFor(4, grain: 0, threads: 1) { _ in }
    }
  }

  @Test func `there is a processor`() {
    #expect(ThreadCount.available >= 1)
  }
}
