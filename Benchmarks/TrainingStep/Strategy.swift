// SPDX-License-Identifier: Apache-2.0
import Halfspace

/// How the trainer finds the neurons that fire.
struct Strategy {
  let name: String

  static let all = [Strategy(name: "dense")]

  func configuration(_ configuration: TrainingConfiguration) -> TrainingConfiguration {
    configuration
  }
}
