// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import Testing
import _HalfspaceTestSupport

/// Files with random damage: read or refused, never anything else. `make fuzz` tries more of them.
@Suite struct MutatedFileTests {
  private static let seeds: [(name: String, bytes: [UInt8])] = [
    ("f.csv", Array("a,\"b, c\",d\n1,x,2020-01-01\n2,,NA\n".utf8)),
    ("f.csv.gz", DataFiles.gzippedCSV),
    ("f.libsvm", Array("+1 1:0.5 3:-2e0 # comment\n-1 qid:3 2:1\n1,3 1:1\n".utf8)),
    ("f.idx", DataFiles.idx((0..<12).map { 20 * $0 }, shape: [3, 2, 2])),
    ("f.npy", DataFiles.fortranNPY), ("f.npz", DataFiles.npz),
  ]

  @Test(arguments: Self.seeds.indices)
  func `damaged files are read or refused with a typed error`(format: Int) throws {
    let folder = TemporaryFolder()
    let (name, bytes) = Self.seeds[format]
    let path = folder.file(name)
    var mutator = FileMutator(seed: UInt64(format), others: Self.seeds.map(\.bytes))
    var refused = 0
    for _ in 0..<250 {
      let mutant = mutator.mutate(bytes)
      try Data(mutant).write(to: URL(fileURLWithPath: path))
      do {
        _ = try Dataset(contentsOf: path).table()
      } catch is TableError {
        refused += 1
      } catch let error as DataFileError {
        refused += 1
        #expect(error.file == path)
      } catch {
        Issue.record("\(type(of: error)) for \(Data(mutant).base64EncodedString())")
      }
    }
    #expect(refused > 50)
  }
}
