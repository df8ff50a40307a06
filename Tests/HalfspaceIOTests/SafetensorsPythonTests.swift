// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import HalfspaceLinalg
import Testing

@Suite struct SafetensorsPythonTests {
  @Test(
    .enabled(
      if: Python.has("numpy, safetensors.numpy"),
      "needs python3 with numpy and safetensors (pip install safetensors)"))
  func `Python reads what is written here, and the other way round`() throws {
    let folder = TemporaryFolder()
    let (ours, theirs) = (folder.file("ours.safetensors"), folder.file("theirs.safetensors"))
    var file = Safetensors(
      metadata: ["format": "pt", "quote \" \\ \n": "größe 名 \u{1F600} \u{1}"])
    let weights = Matrix(rows: 7, columns: 3)
    for index in 0..<21 { weights[index / 3, index % 3] = Float(index) * 0.1 }
    file.set(weights, for: "fc1.weight")
    file.set([1.5, -0.0, Float.leastNonzeroMagnitude], shape: [3, 1], for: "fc2.weight")
    file.set([1 / 3, -1e300] as [Double], shape: [2], for: "mean")
    file.set([2, 0, 1] as [Int32], shape: [3], for: "permutation")
    file.set([Int64(1) << 62 + 1], shape: [], for: "seed")
    file.set([] as [Float], shape: [0, 4], for: "nothing")
    try file.write(to: ours)

    let result = Python.run([Python.script("safetensors_interop.py"), ours, theirs])
    try #require(result.status == 0, "\(result.output)")

    let read = try Safetensors(contentsOf: theirs)
    #expect(read.tensors.count == 4)
    let a = try read.matrix("a", rows: 2, columns: 5)
    #expect(a[0, 0] == -1 && a[1, 4] == 1)
    #expect(try read.int64s("b", shape: [1, 2]) == [7, -8])
    #expect(try read.doubles("c", shape: []) == [0.1])
    #expect(try read.int32s("d") == [Int32.min])
    #expect(try read.metadata("key") == "größe 名 \u{1F600} \u{1} \" \\ \n")
  }
}
