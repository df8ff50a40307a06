// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceReporting

extension IndexStatistics {
  /// Adds the work that another index has done; memory stays that of this one.
  mutating func add(workOf other: IndexStatistics) {
    queries += other.queries
    reported += other.reported
    innerProducts += other.innerProducts
    rechecked += other.rechecked
    bytesScanned += other.bytesScanned
    nodesVisited += other.nodesVisited
    nodesPruned += other.nodesPruned
  }
}
