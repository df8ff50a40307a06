// SPDX-License-Identifier: Apache-2.0
import CHalfspaceModel
import Foundation
import Halfspace
import HalfspaceC
import Testing

/// The functions of `halfspace.h`, called as C calls them.
@Suite struct ModelTests {
  private static let csv =
    "a,b,kind\n" + (0..<60).map { "\($0 % 7),\($0 % 5),\($0 % 7 > 3 ? "big" : "small")\n" }.joined()

  /// A file with a model of two numbers, or of a number and a text.
  private func model(_ csv: String = csv) throws -> (path: String, model: TabularModel) {
    var options = TrainingOptions()
    options.width = 256
    options.epochs = 4
    options.threads = 1
    let model = try TabularModel.train(
      on: Table(csv: csv, name: "kinds"), target: "kind", options: options
    ).model
    let path = FileManager.default.temporaryDirectory.path + "/halfspace-c-\(UUID()).safetensors"
    try model.save(to: path)
    return (path, model)
  }

  private func taken(_ text: UnsafeMutablePointer<CChar>?) -> String? {
    guard let text = unsafe text else { return nil }
    defer { unsafe halfspace_free(text) }
    return unsafe String(cString: text)
  }

  @Test func `scores and answers are the model's`() throws {
    let (path, model) = try model()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let opened = unsafe try #require(halfspace_model_open(path, nil))
    defer { unsafe halfspace_model_close(opened) }
    unsafe #expect(halfspace_model_column_count(opened) == 2)
    let names = (0..<3).map { unsafe taken(halfspace_model_column_name(opened, $0)) }
    #expect(names == ["a", "b", nil])
    let labels = (-1..<3).map { unsafe taken(halfspace_model_label(opened, $0)) }
    #expect(labels == [nil] + model.target.labels + [nil])

    let outputs = Int(unsafe halfspace_model_output_count(opened))
    #expect(outputs == model.predictor.outputCount)
    let rows: [Double] = [0, 1, 6, 4, .nan, 2]
    var scores = [Float](repeating: .nan, count: 3 * outputs)
    unsafe #expect(halfspace_model_scores(opened, rows, 3, &scores, nil) == 0)
    let csv = "a,b\n0,1\n6,4\n,2\n"
    let table = try Table(csv: csv, name: "rows")
    let expected = try model.scores(for: table)
    #expect(scores == (0..<3).flatMap { expected.rowArray($0) })
    let answers = unsafe taken(halfspace_model_predict_csv(opened, csv, nil))
    #expect(answers == (try model.predict(table).texts).map { $0 + "\n" }.joined())
  }

  @Test func `what cannot be done is said`() throws {
    var error: UnsafeMutablePointer<CChar>?
    unsafe #expect(halfspace_model_open("/nowhere/model", &error) == nil)
    unsafe #expect(taken(error)?.contains("/nowhere/model") == true)

    let (path, _) = try model("a,b,kind\n1,x,p\n2,y,q\n3,x,p\n4,y,q\n5,x,p\n6,y,q\n7,x,p\n8,y,q\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let opened = unsafe try #require(halfspace_model_open(path, &error))
    defer { unsafe halfspace_model_close(opened) }
    #expect(unsafe error == nil)
    var scores: [Float] = [7, 7]
    unsafe #expect(halfspace_model_scores(opened, [1, 2], 1, &scores, &error) == 1)
    unsafe #expect(scores == [7, 7] && taken(error)?.contains("b") == true)
    unsafe #expect(halfspace_model_scores(opened, [.infinity, 2], 1, &scores, &error) == 1)
    unsafe #expect(taken(error)?.contains("infinite") == true)
    unsafe #expect(halfspace_model_predict_csv(opened, "a\n1\n", &error) == nil)
    unsafe #expect(taken(error)?.contains("\"b\"") == true)
    // Nobody who wants to know.
    unsafe #expect(halfspace_model_predict_csv(opened, "a\n1\n", nil) == nil)
  }
}
