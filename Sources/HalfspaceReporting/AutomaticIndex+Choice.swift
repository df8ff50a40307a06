// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension AutomaticIndex {
  /// What can answer. All give the same report.
  public enum Structure: Int, Sendable, CaseIterable, CustomStringConvertible {
    /// `BruteForceIndex`, every pair by the canonical kernel.
    case scan
    /// `BruteForceIndex`, matrix products as a filter.
    case product
    /// `CertifiedTileIndex`.
    case certifiedTiles
    /// `PartitionTreeIndex`.
    case partitionTree
    /// `CertifiedTileIndex`, rows in the order of a tree.
    case orderedTiles
    /// `CertifiedTileIndex`, codes for the subspace near which queries lie.
    case prefixTiles
    /// `NestedTileIndex`.
    case nestedTiles

    /// The name in a few words.
    public var description: String {
      switch self {
      case .scan: "scan"
      case .product: "product"
      case .certifiedTiles: "certified tiles"
      case .partitionTree: "partition tree"
      case .orderedTiles: "ordered tiles"
      case .prefixTiles: "prefix tiles"
      case .nestedTiles: "nested tiles"
      }
    }

    /// Whether the structure takes rows of this shape, and batches of this size are its business.
    func accepts(_ weights: Matrix, batch: Int) -> Bool {
      switch self {
      case .scan: true
      case .product: batch > 1
      case .certifiedTiles, .prefixTiles: weights.columns <= TileMargin.mostColumns
      case .partitionTree, .orderedTiles: weights.columns > 0 && weights.columns <= 256
      case .nestedTiles:
        BatchClass(of: batch) == .single && weights.columns <= NestedTileIndex.mostColumns
          && weights.rows * weights.columns >= Self.fewestNestedWeights
      }
    }

    /// Bytes of codes that are in a cache near enough for reading them to cost nothing.
    private static let fewestNestedWeights = 1 << 20

    /// Whether time is proportional to the number of rows; otherwise it grows like a power of it.
    var isLinear: Bool { self != .partitionTree && self != .orderedTiles }

    /// What it is made over and asked has come through the door.
    /// - Parameter basis: the subspace, for `prefixTiles`.
    func makeIndex(
      _ weights: Matrix, threads: Int, basis: TileBasis? = nil
    ) -> any ForkableIndex {
      switch self {
      case .scan: BruteForceIndex(weights, threads: threads, method: .scan, nonFinite: .admitted)
      case .product:
        BruteForceIndex(weights, threads: threads, method: .product, nonFinite: .admitted)
      case .certifiedTiles: CertifiedTileIndex(weights, threads: threads, nonFinite: .admitted)
      case .partitionTree: PartitionTreeIndex(weights, threads: threads, nonFinite: .admitted)
      case .orderedTiles:
        CertifiedTileIndex(
          weights, threads: threads, options: TileOptions(order: .spatial), nonFinite: .admitted)
      case .prefixTiles:
        CertifiedTileIndex(weights, threads: threads, basis: basis, nonFinite: .admitted)
      case .nestedTiles: NestedTileIndex(weights, threads: threads, nonFinite: .admitted)
      }
    }
  }

  /// Batch sizes between which winners differ.
  public enum BatchClass: Int, Sendable, CaseIterable {
    /// One or two queries.
    case single
    /// Up to sixteen.
    case few
    /// More.
    case many

    /// The class of a number of queries.
    public init(of queries: Int) {
      self = queries <= 2 ? .single : queries <= 16 ? .few : .many
    }
  }

  /// What was chosen, and what was expected of it.
  public struct Choice: Sendable {
    /// The structure.
    public let structure: Structure
    /// Batch sizes it answers.
    public let batchClass: BatchClass
    /// Seconds per query expected when it was chosen.
    public let secondsPerQuery: Double
    /// Share of all pairs that it had to decide or report for the queries it was chosen with.
    public let candidateRate: Double
    /// Share of all pairs that fired for them.
    public let firingRate: Double
    /// Rows that moved for each query when it was chosen.
    public let movedPerQuery: Double
  }

  /// Tells when a choice is to be made again.
  struct Watch {
    let choice: Choice
    /// Queries asked at once for which the choice was made.
    private let batch: Int
    /// The choice is made again when so many different queries have come.
    private let awaited: Int
    private let movesAtChoice: Int
    /// How much rarer than at first checks are.
    let patience: Int

    /// Since the last check of candidates: queries, pairs decided or reported, and pairs reported.
    private var queries = 0
    private var candidates = 0
    private var fired = 0
    /// Since the last check of moves: batches and queries, and the moves before.
    private var batches = 0
    private var queriesBetweenMoves = 0
    private var movesBefore: Int

    /// A choice made with fewer queries than this is made again when that many have come; then
    /// queries that seem to lie near a subspace are awaited that show it (`TileBasis`).
    static let enoughQueries = 16
    /// Queries whose candidates are compared with what was expected, at first.
    private static let queriesPerCheck = 64
    /// Batches after which it is known how many rows move between them, at first.
    private static let batchesPerCheck = 4
    private static let mostPatience = 1 << 14
    /// Differences that no clock would notice: in the rate, and in the share of rows that move.
    private static let negligibleRate = 1e-4
    private static let negligibleMoves = 1e-3
    /// Moves of every row, on average, after which rows may lie quite differently.
    private static let mostMoves = 64

    init(choice: Choice, batch: Int, awaited: Int, moves: Int, patience: Int) {
      self.choice = choice
      self.batch = batch
      self.awaited = awaited
      movesAtChoice = moves
      movesBefore = moves
      self.patience = patience
    }

    /// Counts an answer.
    mutating func note(queries count: Int, candidates found: Int, fired: Int, moves: Int) {
      if hasSeenCandidates { (queries, candidates, self.fired) = (0, 0, 0) }
      if hasSeenMoves { (batches, queriesBetweenMoves, movesBefore) = (0, 0, moves) }
      queries += count
      candidates += found
      self.fired += fired
      queriesBetweenMoves += count
      batches += 1
    }

    private var hasSeenCandidates: Bool { queries >= Self.queriesPerCheck * patience }
    private var hasSeenMoves: Bool { batches >= Self.batchesPerCheck * patience }

    /// Whether to choose again for a batch, having seen so many different queries. A choice serves
    /// smaller batches, too: those do not take the most time.
    func isDue(batch: Int, seen: Int, moves: Int, rows: Int) -> Bool {
      let asked = min(batch, IndexCalibration.mostQueries)
      if seen >= awaited || asked > 2 * self.batch { return true }
      if hasSeenCandidates {
        let pairs = Double(max(1, queries)) * Double(rows)
        if Self.differs(Double(candidates) / pairs, choice.candidateRate, Self.negligibleRate)
          || Self.differs(Double(fired) / pairs, choice.firingRate, Self.negligibleRate)
        {
          return true
        }
      }
      let negligible = Self.negligibleMoves * Double(rows)
      if hasSeenMoves
        && Self.differs(movedPerQuery(moves: moves), choice.movedPerQuery, negligible)
      {
        return true
      }
      return moves - movesAtChoice >= Self.mostMoves * patience * rows
    }

    /// Rows that have moved for each query since the last check.
    func movedPerQuery(moves: Int) -> Double {
      Double(moves - movesBefore) / Double(max(1, queriesBetweenMoves))
    }

    /// The patience after choosing again.
    func nextPatience(after winner: Structure) -> Int {
      winner == choice.structure ? min(2 * patience, Self.mostPatience) : 1
    }

    private static func differs(
      _ observed: Double, _ expected: Double, _ negligible: Double
    ) -> Bool {
      observed > 2 * expected + negligible || expected > 2 * observed + negligible
    }
  }

  /// Decides by expected costs.
  enum Preference {
    /// What a challenger may cost of what the incumbent costs, and a structure that is not linear,
    /// which takes longer to build and to move, of what a linear one costs.
    static let hysteresis = 0.94
    /// Costs within this factor of the least are close; forecasts by a power of the number of rows
    /// are less certain.
    static let closeness = 1.6
    static let closenessOfPowers = 4.0
    /// The cheapest linear structure is compared with those powers up to this factor: where powers of
    /// small samples promise most, they are least certain, and it is built in little time.
    static let closenessOfLinear = 16.0

    /// Structures worth comparing at full size: of those that are close the two cheapest, the
    /// cheapest that is linear, whatever grows like a power, and an incumbent.
    static func close(
      _ costs: [(structure: Structure, cost: Double)], incumbent: Structure?
    ) -> [Structure] {
      let sorted = costs.sorted { $0.cost < $1.cost }
      let first = sorted[0]
      let close = sorted.filter {
        let isCertain = $0.structure.isLinear && first.structure.isLinear
        return $0.cost <= (isCertain ? closeness : closenessOfPowers) * first.cost
      }.map(\.structure)
      let linear = sorted.first {
        $0.structure.isLinear && $0.cost <= closenessOfLinear * first.cost
      }?.structure
      let kept = close.enumerated().filter {
        $0.offset < 2 || !$0.element.isLinear || $0.element == linear || $0.element == incumbent
      }.map(\.element)
      guard let linear, !kept.contains(linear) else { return kept }
      return kept + [linear]
    }

    /// The cheapest, unless the incumbent, or a linear structure, is nearly as cheap.
    static func winner(
      _ costs: [(structure: Structure, cost: Double)], incumbent: Structure?
    ) -> Structure {
      let best = costs.min { $0.cost < $1.cost }!
      if let held = costs.first(where: { $0.structure == incumbent }),
        held.cost * hysteresis <= best.cost
      {
        return held.structure
      }
      let linear = costs.filter(\.structure.isLinear).min { $0.cost < $1.cost }
      if let linear, linear.cost * hysteresis <= best.cost { return linear.structure }
      return best.structure
    }
  }
}
