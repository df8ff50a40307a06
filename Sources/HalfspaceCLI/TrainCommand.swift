// SPDX-License-Identifier: Apache-2.0
internal import Halfspace

/// The command line that trains with settings found by `halfspace tune`.
enum TrainCommand {
  /// Options of `tune` that `train` has not, or means something else by.
  private static let ownOptions: Set = ["--budget", "--chart", "--report", "--save"]
  private static let ownFlags: Set = ["--quiet"]

  /// A line for a shell: what was given to `tune`, without what is its own, and the settings.
  ///
  /// - Parameter tuning: the arguments behind `tune`.
  static func words(tuning: [String], settings: TrialSettings) -> String {
    var words = ["halfspace", "train"]
    var isValue = false
    for argument in tuning {
      if isValue {
        isValue = false
        continue
      }
      if ownOptions.contains(argument) {
        isValue = true
        continue
      }
      let name = argument.split(separator: "=", maxSplits: 1).first.map(String.init) ?? argument
      // A metric or a linear part that was given is among the settings.
      if name == "--metric" || name == "--linear-part" {
        isValue = argument == name
        continue
      }
      if !ownOptions.contains(name), !ownFlags.contains(argument) { words.append(argument) }
    }
    return (words + settings.arguments).map(ShellWord.quoted).joined(separator: " ")
  }
}
