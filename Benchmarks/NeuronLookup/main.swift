// SPDX-License-Identifier: Apache-2.0
//
// How fast are the neurons found that fire on an unseen query? Every structure against plain sgemv
// in both orientations, a fused scan, and blocked sgemm with a threshold, one thread each.
//
//   NeuronLookup [results folder] [--only TEXT] [--continue] [--export FOLDER]
//
//   QUICK=1          a first look in two minutes; otherwise a quarter of an hour
//   HALFSPACE_DATA   a folder with letter.csv, for rows trained on it
//   --only TEXT      only cases whose name ("gaussian 131072x128") contains the text
//   --continue       keeps the results in the folder, of a run that was interrupted or of part of
//                    the cases, and measures the other cases
//   --sgemm          no measurement but of sgemm, as JSON: what a run asks itself about other kernels
//   --export FOLDER  no measurement: writes rows and queries as NPY, for lookup_peers.py
//
// Every answer is compared, pair by pair and bit by bit, with exhaustive computation; any
// mismatch makes the program fail. Rows are stored in both orientations: up to 1 GiB.
import Foundation
import Halfspace
import _HalfspaceReport

let options = Options(
  CommandLine.arguments.dropFirst(), environment: ProcessInfo.processInfo.environment)
func complain(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

Runtime.setBLASThreads(1)
do {
  if let folder = options.exportFolder {
    try PeerInputs.write(to: folder)
    exit(0)
  }
  if options.measuresProducts {
    FileHandle.standardOutput.write(try JSONEncoder().encode(ProductRate.measured()))
    exit(0)
  }
  let start = MonotonicClock.now
  let run = try Run(options)
  let limits = MachineLimits.measured()
  func document(_ results: [Measurement]) -> ResultDocument {
    ResultDocument(
      results, limits: limits, seconds: run.earlierSeconds + MonotonicClock.now - start,
      isQuick: options.isQuick)
  }
  let results = try run.results(announce: { complain($0) }) {
    try document($0).write(to: options.folder)
  }
  print(document(results).text)
  let wrong = results.reduce(0) { $0 + ($1.mismatches ?? 0) }
  if wrong > 0 {
    complain("error: \(wrong) pairs differ from exhaustive computation")
    exit(1)
  }
} catch {
  complain("error: \(error)")
  exit(1)
}
