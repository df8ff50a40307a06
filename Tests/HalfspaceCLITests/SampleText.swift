// SPDX-License-Identifier: Apache-2.0
import Halfspace

/// Small made-up tables as people have them; the same on every machine.
enum SampleText {
  static let rowCount = 90

  /// Numbers and texts, some cells missing, quoted fields with commas and quotes; "kind" is one
  /// of three texts.
  static let kinds: String = {
    var generator = SeededGenerator(seed: 1)
    var text = "\"size, cm\",color,\"a \"\"shape\"\"\",kind\n"
    for _ in 0..<rowCount {
      let kind = generator.below(3)
      let size = Double(10 * kind + generator.below(8)) / 4
      let color = ["red", "dark, green", "blue"][generator.below(6) == 0 ? 0 : kind]
      let shape = ["round", "say \"\"oh\"\""][generator.below(2)]
      text += generator.below(10) == 0 ? "," : "\(size),"
      text += generator.below(10) == 0 ? "NA," : "\"\(color)\","
      text += "\"\(shape)\",\"\(["apple, sour", "pear", "plum"][kind])\"\n"
    }
    return text
  }()

  /// Two numbers and a third, "y", that depends smoothly on them.
  static let numbers: String = {
    var generator = SeededGenerator(seed: 2)
    var text = "a,b,y\n"
    for _ in 0..<rowCount {
      let a = Double(generator.below(2001)) / 1000 - 1
      let b = Double(generator.below(2001)) / 1000 - 1
      text += "\(a),\(100 * b),\(1000 + 20 * a + 30 * a * b)\n"
    }
    return text
  }()

  /// Arguments that make a run short.
  static let short = ["--width", "128", "--epochs", "3", "--threads", "1"]
}
