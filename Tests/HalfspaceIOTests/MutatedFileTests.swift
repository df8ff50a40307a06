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

  /// Files of each format, in memory and by rows: enough to see that all is well, in a second.
  private static let rounds = 60

  @Test(arguments: Self.seeds.indices, [false, true])
  func `damaged files are read or refused with a typed error`(format: Int, streams: Bool) throws {
    let folder = TemporaryFolder()
    let (name, bytes) = Self.seeds[format]
    let path = folder.file(name)
    var options = Dataset.Options()
    options.streams = streams
    options.scratchFolder = folder.path
    var mutator = FileMutator(
      seed: UInt64(2 * format + (streams ? 1 : 0)), others: Self.seeds.map(\.bytes))
    var refused = 0
    for _ in 0..<Self.rounds {
      let mutant = mutator.mutate(bytes)
      try Data(mutant).write(to: URL(fileURLWithPath: path))
      do {
        _ = try Dataset(contentsOf: path, options: options).table()
      } catch is TableError {
        refused += 1
      } catch let error as DataFileError {
        refused += 1
        #expect(error.file == path)
      } catch {
        Issue.record("\(type(of: error)) for \(Data(mutant).base64EncodedString())")
      }
    }
    #expect(refused > Self.rounds / 5)
  }
}
