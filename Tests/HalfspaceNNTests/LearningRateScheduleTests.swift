// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import HalfspaceNN

@Suite struct LearningRateScheduleTests {
  private func factors(_ schedule: LearningRateSchedule, steps: Int, perEpoch: Int) -> [Double] {
    (0..<steps).map { schedule.factor(step: $0, steps: steps, stepsPerEpoch: perEpoch) }
  }

  @Test func `constant stays`() {
    #expect(factors(.constant, steps: 5, perEpoch: 2) == [1, 1, 1, 1, 1])
  }

  @Test func `linear falls in equal steps and would be zero after the last`() {
    #expect(factors(.linear, steps: 4, perEpoch: 2) == [1, 0.75, 0.5, 0.25])
    #expect(LearningRateSchedule.linear.factor(step: 4, steps: 4, stepsPerEpoch: 2) == 0)
  }

  @Test func `cosine is one, a half and zero at the start, the middle and the end`() {
    let schedule = LearningRateSchedule.cosine
    #expect(schedule.factor(step: 0, steps: 10, stepsPerEpoch: 5) == 1)
    #expect(abs(schedule.factor(step: 5, steps: 10, stepsPerEpoch: 5) - 0.5) < 1e-15)
    #expect(abs(schedule.factor(step: 10, steps: 10, stepsPerEpoch: 5)) < 1e-15)
    let quarter = 0.5 + 0.5 * 0.5.squareRoot()
    #expect(abs(schedule.factor(step: 2, steps: 8, stepsPerEpoch: 5) - quarter) < 1e-15)
  }

  @Test func `step multiplies after every so many epochs`() {
    let schedule = LearningRateSchedule.step(epochs: 2, factor: 0.5)
    #expect(
      factors(schedule, steps: 10, perEpoch: 2)
        == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25])
  }

  @Test(arguments: [
    LearningRateSchedule.constant, .linear, .cosine, .step(epochs: 1, factor: 0.1),
  ])
  func `no factor is negative or rises, however long a stream goes on`(
    _ schedule: LearningRateSchedule
  ) {
    let factors = (0..<50).map { schedule.factor(step: $0, steps: 10, stepsPerEpoch: 5) }
    #expect(factors[0] == 1)
    #expect(factors.allSatisfy { $0 >= 0 })
    #expect(zip(factors, factors.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test func `a run without steps has a factor`() {
    #expect(LearningRateSchedule.linear.factor(step: 0, steps: 0, stepsPerEpoch: 0) == 1)
    let step = LearningRateSchedule.step(epochs: 0, factor: 0.5)
    #expect(step.factor(step: 0, steps: 0, stepsPerEpoch: 0) == 1)
  }

  @Test(arguments: [
    LearningRateSchedule.constant, .linear, .cosine, .step(epochs: 3, factor: 0.25),
  ])
  func `a schedule survives encoding`(_ schedule: LearningRateSchedule) throws {
    let data = try JSONEncoder().encode(schedule)
    #expect(try JSONDecoder().decode(LearningRateSchedule.self, from: data) == schedule)
  }
}
