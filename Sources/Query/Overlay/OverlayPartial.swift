import Geo
import LayerStore

/// What a run of target rows gave: groups that occurred, and in each the tallies so far.
struct OverlayPartial: Sendable {
    private let overlayKeyCount: Int
    private let figureCount: Int
    private var slots: [Int: Int] = [:]
    /// For each slot its keys.
    private(set) var keys: [(target: Int, overlay: Int)] = []
    /// Slot by slot, one for each figure.
    private(set) var tallies: [Tally] = []
    /// For each figure that is a `distinct` of target values: pairs of slot and value.
    private(set) var distinct: [PairSet]
    /// Pairs of slot and overlay feature.
    private(set) var overlays = PairSet()
    var unmatched = 0
    var notSurveyed = 0
    /// Target features with hits that lie partly where nobody surveyed.
    var partlySurveyed = 0
    /// Target features that lie where overlay features are missing.
    var incomplete = 0
    private var last = (key: -1, slot: 0)

    init(_ plan: OverlayPlan) {
        overlayKeyCount = plan.overlayKeys.count
        figureCount = plan.figures.count
        distinct = plan.figures.map { _ in PairSet() }
    }

    @inline(__always)
    mutating func slot(target: Int, overlay: Int) -> Int {
        let key = target * overlayKeyCount + overlay
        if key == last.key { return last.slot }
        let slot = find(key, target, overlay)
        last = (key, slot)
        return slot
    }

    private mutating func find(_ key: Int, _ target: Int, _ overlay: Int) -> Int {
        if let known = slots[key] { return known }
        let slot = keys.count
        slots[key] = slot
        keys.append((target, overlay))
        for _ in 0..<figureCount { tallies.append(Tally()) }
        return slot
    }

    /// A target feature that belongs to the group.
    @inline(__always)
    mutating func count(_ slot: Int, _ figure: Int) {
        tallies[slot * figureCount + figure].count += 1
    }

    mutating func add(_ slot: Int, _ figure: Int, real: Double) {
        tallies[slot * figureCount + figure].add(real: real)
    }

    mutating func add(_ slot: Int, _ figure: Int, _ value: Column.Value, _ aggregate: OverlayRequest.Aggregate) {
        if case .null = value { return }
        tallies[slot * figureCount + figure].add(value, aggregate)
    }

    mutating func addDistinct(_ slot: Int, _ figure: Int, value: Int) { _ = distinct[figure].insert(slot, value) }

    mutating func addOverlay(_ slot: Int, _ place: Int) { _ = overlays.insert(slot, place) }

    /// Adds what the next rows gave.
    /// - Throws: `limitExceeded`.
    mutating func merge(_ other: OverlayPartial, limits: OverlayLimits) throws(QueryError) {
        var mine: [Int] = []
        mine.reserveCapacity(other.keys.count)
        for (theirs, key) in other.keys.enumerated() {
            let slot = slot(target: key.target, overlay: key.overlay)
            mine.append(slot)
            for figure in 0..<figureCount {
                tallies[slot * figureCount + figure].merge(other.tallies[theirs * figureCount + figure])
            }
        }
        for figure in distinct.indices {
            for pair in other.distinct[figure].sorted { _ = distinct[figure].insert(mine[pair.first], pair.second) }
        }
        for pair in other.overlays.sorted { _ = overlays.insert(mine[pair.first], pair.second) }
        unmatched += other.unmatched
        notSurveyed += other.notSurveyed
        partlySurveyed += other.partlySurveyed
        incomplete += other.incomplete
        try check(limits)
    }

    func check(_ limits: OverlayLimits) throws(QueryError) {
        let most = min(limits.groups, limits.values / max(1, figureCount))
        guard keys.count <= most else { throw .tooManyGroups(most) }
        guard overlays.count + distinct.reduce(0, { $0 + $1.count }) <= limits.remembered else {
            throw .limitExceeded(
                ja: "覚えておく値が\(limits.remembered)を超えます。条件を絞ってください。",
                en: "More than \(limits.remembered) values would have to be remembered. Narrow the question.")
        }
    }

    /// Works out what is known only when all rows are in: distinct values, and figures of overlay attributes.
    mutating func finish(_ plan: OverlayPlan) throws(QueryError) {
        for (figure, values) in distinct.enumerated() {
            for pair in values.sorted where !isNull(plan.figures[figure], pair.second) { count(pair.first, figure) }
        }
        guard plan.needsOverlayPairs else { return }
        var seen = plan.figures.map { _ in PairSet() }
        for (slot, place) in overlays.sorted {
            for (number, figure) in plan.figures.enumerated() where figure.side == .overlay {
                guard let column = figure.column else { continue }
                if let values = figure.values {
                    if seen[number].insert(slot, values[place]), !isNull(figure, values[place]) { count(slot, number) }
                } else {
                    let row = Int(plan.table.rows[place])
                    try reading(plan.table.source.layer) { () throws(LayerFileError) in try column.touch(row..<row + 1) }
                    add(slot, number, column.value(row), figure.aggregate)
                }
            }
        }
    }

    private func isNull(_ figure: OverlayPlan.Figure, _ value: Int) -> Bool {
        figure.values?.values[value].first == .some(.null)
    }
}
