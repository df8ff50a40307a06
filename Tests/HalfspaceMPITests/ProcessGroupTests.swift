// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@testable import HalfspaceMPI

@Suite struct ProcessGroupTests {
  @Test func `without a launcher there is one process`() throws {
    #expect(ProcessGroup.launchedCount == 1)
    #expect(ProcessGroup.launchedRank == 0)
    let processes = try ProcessGroup.join()
    #expect(processes.rank == 0 && processes.size == 1)
    ProcessGroup.leave()
  }

  @Test func `the launcher's word counts where it is a number`() {
    let names = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]
    #expect(ProcessGroup.launched(["OMPI_COMM_WORLD_SIZE": "4"], names) == 4)
    #expect(ProcessGroup.launched(["PMI_SIZE": "3"], names) == 3)
    #expect(ProcessGroup.launched(["PMI_SIZE": "3", "OMPI_COMM_WORLD_SIZE": "8"], names) == 8)
    #expect(ProcessGroup.launched(["OMPI_COMM_WORLD_SIZE": "many"], names) == 1)
    #expect(ProcessGroup.launched(["OMPI_COMM_WORLD_SIZE": "0"], names) == 1)
    #expect(ProcessGroup.launched([:], names) == 1)
  }
}
