// SPDX-License-Identifier: Apache-2.0
import Foundation
import _HalfspaceReport

/// How good a model is after how many seconds of training, and what it costs to use.
///
/// The score is accuracy for classes and R² for numbers, on the test rows. Methods that know no
/// epochs have one point.
struct Curve: Codable {
  struct Point: Codable {
    var seconds: Double
    var score: Double
  }

  var problem: String
  var method: String
  var seed: Int
  /// What the model was made with, in words.
  var settings: String
  var points: [Point]
  /// Of the seconds of every point, those before the first step.
  var preparationSeconds: Double
  /// Seconds to predict one row, asked for alone and among all test rows.
  var predictionSeconds: Double
  var batchPredictionSeconds: Double
  var modelBytes: Int?

  var final: Point { points[points.count - 1] }

  /// When the score first reaches `goal`.
  func seconds(to goal: Double) -> Double? { points.first { $0.score >= goal }?.seconds }

  var json: JSONValue {
    [
      "problem": .string(problem), "method": .string(method), "seed": .integer(seed),
      "settings": .string(settings),
      "points": .array(
        points.map { ["seconds": .number($0.seconds), "score": .number($0.score)] }),
      "preparationSeconds": .number(preparationSeconds),
      "predictionSeconds": .number(predictionSeconds),
      "batchPredictionSeconds": .number(batchPredictionSeconds),
      "modelBytes": modelBytes.map { .integer($0) } ?? .null,
    ]
  }
}
