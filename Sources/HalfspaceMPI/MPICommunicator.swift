// SPDX-License-Identifier: Apache-2.0
#if MPI
  internal import CHalfspaceMPI
  internal import HalfspaceLinalg

  /// The processes that `mpirun` has started together, over MPI.
  ///
  /// An error of MPI ends all processes; so does one that dies, as `mpirun` sees to.
  struct MPICommunicator: Communicator {
    let rank: Int
    let size: Int

    /// Joins the others. To be called once in a process.
    ///
    /// - Throws: `ProcessGroupError.refused`.
    init() throws(ProcessGroupError) {
      var rank: Int32 = 0
      var size: Int32 = 0
      let status = unsafe hs_mpi_start(&rank, &size)
      guard status == 0 else { throw .refused(code: Int(status)) }
      self.rank = Int(rank)
      self.size = Int(size)
    }

    @unsafe func allGather(
      _ part: UnsafeRawBufferPointer, counts: [Int], into whole: UnsafeMutableRawBufferPointer
    ) {
      precondition(
        part.count == counts[rank] && whole.count == counts.reduce(0, +),
        "\(part.count) bytes of rank \(rank) into \(whole.count), counts \(counts)")
      unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 4 * size) { scratch in
        unsafe hs_mpi_all_gather(
          size, rank, part.baseAddress, counts, whole.baseAddress, scratch.baseAddress)
      }
    }

    @unsafe func exchange(
      _ parts: UnsafeRawBufferPointer, counts: [Int],
      into received: UnsafeMutableRawBufferPointer, receivedCounts: [Int]
    ) {
      let (sent, got) = (counts.reduce(0, +), receivedCounts.reduce(0, +))
      precondition(
        parts.count == sent && received.count == got && max(sent, got) < Int(Int32.max),
        "\(parts.count) bytes for \(counts), \(received.count) from \(receivedCounts)")
      unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 4 * size) { scratch in
        unsafe hs_mpi_exchange(
          size, parts.baseAddress, counts, received.baseAddress, receivedCounts,
          scratch.baseAddress)
      }
    }

    @unsafe func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) {
      unsafe hs_mpi_broadcast(buffer.count, buffer.baseAddress, Int32(root))
    }
  }
#endif
