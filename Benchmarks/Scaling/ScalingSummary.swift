// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

/// What the measurements show.
struct ScalingSummary {
  let results: [ScalingMeasurement]
  let cores: Int

  private func alone(_ result: ScalingMeasurement) -> ScalingMeasurement? {
    results.first {
      $0.case.ranks == 1 && $0.case.kind == result.case.kind
        && $0.case.lookup == result.case.lookup
    }
  }

  private func name(_ result: ScalingMeasurement) -> String {
    "\(result.case.kind.rawValue), \(result.case.lookup.rawValue)"
  }

  /// Networks that are not the one a single process trains.
  var differences: [(name: String, text: String)] {
    results.compactMap { result in
      guard result.case.kind == .strong, let alone = alone(result),
        alone.checksum != result.checksum
      else { return nil }
      return (name(result), "\(result.case.ranks) ranks give other weights than one")
    }
  }

  /// The steps of one rank that ranks in the case's place do in the time: weak scaling compares the
  /// rows of weights that a second is enough for.
  private func speedup(_ result: ScalingMeasurement) -> Double? {
    alone(result).map { alone in
      alone.stepSeconds / result.stepSeconds * Double(result.stored) / Double(alone.stored)
    }
  }

  /// The model's step, from the measured single rank and the measured collective operations.
  private func predicted(_ result: ScalingMeasurement) -> Double? {
    guard let alone = alone(result) else { return nil }
    let ranks = result.case.ranks
    let share = Double(result.mostHeld) / Double(alone.stored)
    // Ranks that share a processor take turns.
    let turns = Double((ranks + cores - 1) / cores)
    let model = ExchangeCost(
      latency: result.latency / max(1, log2(Double(ranks)).rounded(.up)),
      secondsPerByte: result.secondsPerByte)
    return turns * (alone.divided * share + alone.replicated)
      + model.sums(bytes: 4 * scores(result), shards: result.shards, ranks: ranks)
  }

  private func scores(_ result: ScalingMeasurement) -> Double {
    Double(result.case.batch * Matrix.paddedStride(result.case.classes))
  }

  var text: String {
    "\(measured)\n\n\(collectives)\n\(Goal.section(goals))\n\(ScalingForecast(results).text)"
  }

  private var measured: String {
    var table = TextTable(
      "scaling", "lookup", "ranks", "stored", "fullest rank", "static report", "step", "divided",
      "replicated", "exchange", "bytes", "speedup", "model's step", "error")
    for result in results {
      let predicted = predicted(result)
      table.append(
        result.case.kind.rawValue, result.case.lookup.rawValue, "\(result.case.ranks)",
        Format.count(result.stored), Format.count(result.mostHeld),
        Format.duration(result.reportSeconds), Format.duration(result.stepSeconds),
        Format.duration(result.divided), Format.duration(result.replicated),
        Format.duration(result.exchange), Format.count(Int(result.bytesReceived)),
        speedup(result).map { Format.significant($0) } ?? "–",
        predicted.map { Format.duration($0) } ?? "–",
        predicted.map { Format.percent($0 / result.stepSeconds - 1, decimals: 0) } ?? "–")
    }
    return "\(table)"
  }

  private var collectives: String {
    var table = TextTable("ranks", "small operation", "bytes per second")
    for ranks in [2, 4] {
      guard let result = results.first(where: { $0.case.ranks == ranks }) else { continue }
      table.append(
        "\(ranks)", Format.duration(result.latency),
        result.secondsPerByte > 0 ? Format.bytes(Int(1 / result.secondsPerByte)) : "–")
    }
    return "Collective operations on this machine:\n\n\(table)"
  }

  private var goals: [Goal] {
    results.filter { $0.case.kind == .strong && $0.case.ranks == 2 && cores >= 2 }
      .compactMap { result in
        guard let speedup = speedup(result), let alone = alone(result),
          alone.stepSeconds >= 0.01
        else { return nil }
        return Goal("two ranks against one, \(result.case.lookup.rawValue)", speedup, atLeast: 1.7)
      }
  }

  var chart: LineChart {
    let kinds: [(ScalingCase.Kind, LookupStrategy)] = [
      (.strong, .dense), (.strong, .tiles), (.strong, .candidateLists), (.weak, .dense),
    ]
    let ranks = Set(results.map(\.case.ranks)).sorted()
    return LineChart(
      title: "Speedup over one process", subtitle: "one thread for each rank, \(cores) processors",
      x: ChartAxis("ranks", scale: .powersOfTwo), y: ChartAxis("times as fast"),
      series: kinds.map { kind, lookup in
        .init(
          "\(kind.rawValue), \(lookup.rawValue)",
          results.filter { $0.case.kind == kind && $0.case.lookup == lookup }
            .compactMap { result in
              speedup(result).map { .init(Double(result.case.ranks), $0) }
            })
      } + [
        .init(
          "processors", ranks.map { .init(Double($0), Double(min($0, cores))) },
          isReference: true)
      ])
  }

  func json(_ result: ScalingMeasurement) -> JSONObject {
    var json = JSONObject()
    json["kind"] = .string(result.case.kind.rawValue)
    json["lookup"] = .string(result.case.lookup.rawValue)
    json["ranks"] = .integer(result.case.ranks)
    json["batch"] = .integer(result.case.batch)
    json["width"] = .integer(result.case.width)
    json["stored"] = .integer(result.stored)
    json["mostHeld"] = .integer(result.mostHeld)
    json["shards"] = .integer(result.shards)
    json["firingsPerRow"] = .number(result.firingsPerRow)
    json["touchedRows"] = .number(result.touchedRows)
    json["seconds.report"] = .number(result.reportSeconds)
    json["seconds.step"] = .number(result.stepSeconds)
    json["seconds.divided"] = .number(result.divided)
    json["seconds.replicated"] = .number(result.replicated)
    json["seconds.exchange"] = .number(result.exchange)
    json["bytes.sent"] = .number(result.bytesSent)
    json["bytes.received"] = .number(result.bytesReceived)
    json["operations"] = .number(result.operations)
    json["collective.latency"] = .number(result.latency)
    json["collective.secondsPerByte"] = .number(result.secondsPerByte)
    json["speedup"] = speedup(result).map { .number($0) }
    json["predicted"] = predicted(result).map { .number($0) }
    json["checksum"] = .string(String(result.checksum, radix: 16))
    return json
  }
}
