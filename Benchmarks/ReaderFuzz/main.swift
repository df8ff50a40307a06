// SPDX-License-Identifier: Apache-2.0
//
// Does any file crash or hang a reader, or make it throw what it does not promise? Mutated files
// of every format go through the readers.
//
//   ReaderFuzz [files [seed]]
//
// A file that brings the program down stays in the folder that is named first. Ends with status 1
// when an error was none of the typed ones; a file that takes ten seconds ends the program.
import Foundation
import Halfspace
import HalfspaceLinalg
import _HalfspaceReport
import _HalfspaceTestSupport

/// A format, and small files in it.
struct Subject {
  let name: String
  let fileName: String
  let seeds: [[UInt8]]
  let read: (String) throws -> Void

  static func dataset(_ name: String, _ fileName: String, _ seeds: [[UInt8]]) -> Subject {
    Subject(name: name, fileName: fileName, seeds: seeds) { path in
      _ = try Dataset(contentsOf: path).table()
    }
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 100_000
let seed = CommandLine.arguments.dropFirst(2).first.flatMap { UInt64($0) } ?? 1
let folder = FileManager.default.temporaryDirectory.path + "/halfspace-fuzz-\(getpid())"

let csv = #"""
  name,size,"kind, of",when
  a,1.5,"x ""y""",2020-01-01
  b,-2e3,,NA
  c,3,"line
  break",7
  """#
let libsvm = "+1 1:0.5 3:-2e0 # comment\n-1 qid:3 2:1\n0\n1,3 1:1 7:2\n"
let kinds = "x,y,kind\n" + (0..<40).map { "\($0 % 7),\($0 % 5),k\($0 % 2)" }.joined(separator: "\n")

do {
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  print("Files are made in \(folder), one for each reader; seed \(seed).")

  var options = TrainingOptions()
  options.width = 64
  options.epochs = 1
  let model = try TabularModel.train(
    on: Table(csv: kinds, name: "kinds"), target: "kind", options: options
  ).model
  try model.save(to: folder + "/model")
  let modelBytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/model")))

  let images = DataFiles.idx((0..<12).map { 20 * $0 }, shape: [3, 2, 2])
  let array = DataFiles.npy((0..<12).map { $0 }, shape: "(3, 4)")
  let subjects: [Subject] = [
    .dataset("CSV", "f.csv", [bytes(csv), bytes("1;2\n3;4\n"), bytes(kinds)]),
    Subject(name: "CSV by rows", fileName: "g.csv", seeds: [bytes(csv), bytes(kinds)]) { path in
      var options = Dataset.Options()
      options.streams = true
      options.scratchFolder = folder
      _ = try Dataset(contentsOf: path, options: options).table()
    },
    .dataset("gzip", "f.csv.gz", [DataFiles.gzippedCSV]),
    .dataset("libsvm", "f.libsvm", [bytes(libsvm), bytes("1 0:1\n2 5:3\n")]),
    .dataset("IDX", "f.idx", [images, DataFiles.idx([1, 2, 3], shape: [3])]),
    .dataset("NPY", "f.npy", [array, DataFiles.fortranNPY, DataFiles.textNPY]),
    .dataset("NPZ", "f.npz", [DataFiles.npz]),
    Subject(name: "model", fileName: "f.safetensors", seeds: [modelBytes]) { path in
      _ = try TabularModel(contentsOf: path)
    },
    Subject(name: "checkpoint", fileName: "f.checkpoint", seeds: try CheckpointFuzz.seeds()) {
      try CheckpointFuzz.read($0)
    },
  ]

  var table = TextTable("reader", "files", "accepted", "refused", "seconds")
  table.alignments[0] = .left
  var surprises = 0
  var total = 0
  for (number, subject) in subjects.enumerated() {
    let files = count * (number + 1) / subjects.count - count * number / subjects.count
    let path = "\(folder)/\(subject.fileName)"
    var mutator = FileMutator(seed: seed &+ UInt64(number), others: subjects.flatMap(\.seeds))
    var accepted = 0
    let start = ContinuousClock.now
    for file in 0..<files {
      let mutant = mutator.mutate(subject.seeds[file % subject.seeds.count])
      try Data(mutant).write(to: URL(fileURLWithPath: path))
      alarm(10)
      do {
        try subject.read(path)
        accepted += 1
      } catch is TableError {
      } catch is DataFileError {
      } catch is ModelFileError {
      } catch is CheckpointError {
      } catch is ConfigurationError {
      } catch is TrainingError {
      } catch is SafetensorsError {
      } catch {
        surprises += 1
        let kept = "\(folder)/surprise-\(surprises)-\(subject.fileName)"
        try Data(mutant).write(to: URL(fileURLWithPath: kept))
        print("\(kept): \(type(of: error)): \(error)")
      }
      alarm(0)
    }
    total += files
    let seconds = start.duration(to: .now) / .seconds(1)
    table.append(
      subject.name, Format.count(files), Format.count(accepted), Format.count(files - accepted),
      Format.fixed(seconds, decimals: 1))
  }
  print(table)
  print("\(Format.count(total)) files, no crash, \(surprises) errors that are not typed.")
  if surprises == 0 { try FileManager.default.removeItem(atPath: folder) }
  exit(surprises == 0 ? 0 : 1)
} catch {
  print("\(error)")
  exit(1)
}
