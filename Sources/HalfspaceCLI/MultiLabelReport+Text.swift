// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension MultiLabelReport {
  /// What there is to say beside the micro F1 and the precision of the best label.
  var details: [String] {
    [
      "macro F1 \(Format.fixed(macro.f1, decimals: 4))",
      "all labels right \(Format.percent(exactMatch))",
      "log-loss \(Format.significant(logLoss, digits: 4))",
      auc.map { "ROC AUC \(Format.fixed($0, decimals: 4)) (mean of labels)" },
      "calibration error \(Format.percent(calibration.expectedError))",
    ].compactMap { $0 }
  }

  /// The best k labels, all labels, and whether probabilities mean what they say.
  var tables: [TextTable] {
    [rankingTable, labelTable, ReportText.reliabilityTable(calibration, "decisions")]
  }

  private var rankingTable: TextTable {
    var table = TextTable("best", "precision@k", "recall@k", "nDCG@k")
    for quality in ranking {
      table.append(
        Format.count(quality.k), Format.fixed(quality.precision, decimals: 4),
        Format.fixed(quality.recall, decimals: 4), Format.fixed(quality.ndcg, decimals: 4))
    }
    return table
  }

  private var labelTable: TextTable {
    var table = ReportText.foundTable("label", labels, perLabel, aucs)
    ReportText.append("mean of labels (macro)", macro, auc, to: &table)
    ReportText.append("all decisions (micro)", micro, nil, to: &table)
    return table
  }

  /// Adds all of it to a report for programs.
  func add(to object: inout JSONObject) {
    for quality in ranking {
      object["test.precisionAt\(quality.k)"] = .number(quality.precision)
      object["test.recallAt\(quality.k)"] = .number(quality.recall)
      object["test.ndcgAt\(quality.k)"] = .number(quality.ndcg)
    }
    object["test.macroF1"] = .number(macro.f1)
    object["test.exactMatch"] = .number(exactMatch)
    object["test.logLoss"] = .number(logLoss)
    object["test.rocAUC"] = auc.map { .number($0) }
    object["test.calibrationError"] = .number(calibration.expectedError)
    object["micro"] = .object(ReportText.json(micro))
    object["macro"] = .object(ReportText.json(macro))
    object["labels"] = ReportText.json(labels, perLabel, aucs)
    object["reliability"] = ReportText.json(calibration)
  }
}
