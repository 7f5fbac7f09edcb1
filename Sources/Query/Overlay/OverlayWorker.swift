import Geo
import GeoNative
import LayerStore
import SpatialIndex

/// Puts target features to the overlay's, one run of rows after another, on one thread.
///
/// Rows come in Hilbert order, so a block of them lies close together: the table is searched once for the block, and an overlay polygon that the whole
/// block lies inside is decided once. What the boxes and grids leave open is decided exactly, by `Outline` or, for `within` and `contains`, by GEOS.
final class OverlayWorker {
    let plan: OverlayPlan
    let natives: OverlayNatives
    private let table: OverlayTable
    private let meeting = MeetScratch()
    private let measuring = DistanceScratch()
    private let spare = Outline()
    private var near: [Int32] = []
    private var boxes: [IndexBox] = []
    private var candidates: [Candidate] = []
    private var order: [(squareMetres: Double, place: Int)] = []
    private var hits: [Hit] = []
    /// Metres within which the last nearest features were found.
    private var reach = 100.0
    private var tested = 0
    /// For each overlay key the serial number of the last target feature that had it.
    private var keysHit: [Int]
    private var serial = 0

    struct Candidate {
        var place: Int
        var box: IndexBox
        /// Of the block's box.
        var side: Outline.Side
        /// Degrees to add to its longitudes.
        var shift: Double
    }

    /// An overlay feature that belongs to the target at hand.
    struct Hit {
        var key: Int
        var place: Int
        var lies: Lies
    }

    /// How the two lie, as far as it came out.
    enum Lies {
        case somehow
        case targetInside
        case overlayInside
    }

    /// The target feature at hand, loaded when it is first looked at.
    private let outline = Outline()
    private var isLoaded = false
    private var row = 0

    /// Metres; nothing is farther from anything.
    private static let everywhere = 2.1e7
    /// Metres to the last of the nearest features of the target at hand.
    private var farthest = 0.0

    static let blockRows = 64
    /// With more candidates than this, a block's rows lie too far apart to be searched together.
    private static let blockCandidates = 256

    init(_ plan: OverlayPlan) {
        (self.plan, table) = (plan, plan.table)
        keysHit = [Int](repeating: 0, count: plan.overlayKeys.count)
        natives = OverlayNatives(plan)
    }

    /// - Parameter places: of `plan.targetRows`.
    func run(_ places: Range<Int>) throws(QueryError) -> OverlayPartial {
        var partial = OverlayPartial(plan)
        var start = places.lowerBound
        while start < places.upperBound {
            let end = min(places.upperBound, start + OverlayWorker.blockRows)
            try plan.deadline.check()
            try block(start..<end, &partial)
            start = end
        }
        try partial.check(plan.limits)
        return partial
    }

    private func block(_ places: Range<Int>, _ partial: inout OverlayPartial) throws(QueryError) {
        boxes.removeAll(keepingCapacity: true)
        var all = IndexBox(minX: .max, minY: .max, maxX: .min, maxY: .min)
        for place in places {
            let row = Int(plan.targetRows[place])
            let box = try reading(plan.target.layer) { () throws(LayerFileError) in try plan.target.file.indexBox(row) }
            boxes.append(box)
            all.extend(box)
        }
        var isTogether = true
        switch plan.request.relation {
        case .nearest: isTogether = false
        case .distance(let metres): isTogether = search(Box(all).grown(byMetres: metres), limit: OverlayWorker.blockCandidates)
        default: isTogether = search(all, limit: OverlayWorker.blockCandidates)
        }
        if isTogether, places.count > 1 {
            let box = Box(all)
            for i in candidates.indices {
                if let outline = table.outlines[candidates[i].place] { candidates[i].side = outline.side(of: box) }
            }
        }
        for (i, place) in places.enumerated() {
            row = Int(plan.targetRows[place])
            isLoaded = false
            serial += 1
            hits.removeAll(keepingCapacity: true)
            let box = boxes[i]
            if case .nearest(let count, let within) = plan.request.relation {
                try nearest(count, within: within ?? OverlayWorker.everywhere, box)
            } else {
                if !isTogether {
                    if case .distance(let metres) = plan.request.relation {
                        _ = search(Box(box).grown(byMetres: metres), limit: .max)
                    } else {
                        _ = search(box, limit: .max)
                    }
                }
                try test(box)
            }
            try settle(place, box, &partial)
        }
    }

    /// Collects the candidates whose boxes meet `box`; false when there are more than `limit`.
    private func search(_ box: IndexBox, limit: Int) -> Bool {
        candidates.removeAll(keepingCapacity: true)
        var isOver = false
        table.search(box) { place in
            if candidates.count < limit {
                candidates.append(Candidate(place: place, box: table.boxes[place], side: .border, shift: 0))
            } else {
                isOver = true
            }
        }
        return !isOver
    }

    /// The same for a box of degrees, which may reach over the antimeridian.
    private func search(_ box: Box, limit: Int) -> Bool {
        candidates.removeAll(keepingCapacity: true)
        var isOver = false
        for shift in [0.0, -360, 360] {
            var other = box
            (other.minX, other.maxX) = (max(-180, box.minX - shift), min(180, box.maxX - shift))
            guard other.minX <= other.maxX else { continue }
            table.search(IndexBox(around: other)) { place in
                if candidates.count < limit {
                    candidates.append(Candidate(place: place, box: table.boxes[place], side: .border, shift: shift))
                } else {
                    isOver = true
                }
            }
        }
        return !isOver
    }

    // MARK: One target feature

    /// Puts the feature at hand to every candidate.
    private func test(_ box: IndexBox) throws(QueryError) {
        let degrees = Box(box)
        for candidate in candidates {
            tested &+= 1
            if tested & 4095 == 0 { try plan.deadline.check() }
            if candidate.side == .outside, case .intersects = plan.request.relation { continue }
            let key = plan.overlayKeys[candidate.place]
            // One feature of the group is enough when only target features count.
            if !plan.needsEveryPair && keysHit[key] == serial { continue }
            let lies: Lies?
            switch plan.request.relation {
            case .intersects: lies = try intersection(candidate, box, degrees)
            case .within: lies = try containment(candidate, box, degrees)
            case .contains: lies = try inverseContainment(candidate, box, degrees)
            case .distance(let metres): lies = try distance(candidate, degrees, atMost: metres) == nil ? nil : .somehow
            case .nearest: lies = nil
            }
            if let lies {
                hits.append(Hit(key: key, place: candidate.place, lies: lies))
                keysHit[key] = serial
            }
        }
    }

    private func intersection(_ candidate: Candidate, _ box: IndexBox, _ degrees: Box) throws(QueryError) -> Lies? {
        if candidate.side == .inside { return .targetInside }
        guard box.intersects(candidate.box) else { return nil }
        if let other = table.outlines[candidate.place] {
            switch other.side(of: degrees) {
            case .inside: return .targetInside
            case .outside: return nil
            case .border: break
            }
            let target = try loaded()
            switch target.side(of: Box(candidate.box)) {
            case .inside: return .overlayInside
            case .outside: return nil
            case .border: return other.meets(target, meeting) ? .somehow : nil
            }
        }
        let target = try loaded()
        switch target.side(of: Box(candidate.box)) {
        case .inside: return .overlayInside
        case .outside: return nil
        case .border: return target.meets(try small(candidate.place), meeting) ? .somehow : nil
        }
    }

    /// Whether the target lies in the overlay feature.
    private func containment(_ candidate: Candidate, _ box: IndexBox, _ degrees: Box) throws(QueryError) -> Lies? {
        if candidate.side == .inside { return .targetInside }
        guard candidate.side == .border, candidate.box.contains(box) else { return nil }
        let other: Outline
        if let large = table.outlines[candidate.place] {
            switch large.side(of: degrees) {
            case .inside: return .targetInside
            case .outside: return nil
            case .border: other = large
            }
        } else {
            other = try small(candidate.place)
        }
        let target = try loaded()
        switch lies(target, in: other) {
        case .some(let answer): return answer ? .targetInside : nil
        case .none: return try natives.contains(overlay: candidate.place, targetRow: row) ? .targetInside : nil
        }
    }

    /// Whether the overlay feature lies in the target.
    private func inverseContainment(_ candidate: Candidate, _ box: IndexBox, _ degrees: Box) throws(QueryError) -> Lies? {
        guard candidate.side == .border, box.contains(candidate.box) else { return nil }
        let target = try loaded()
        switch target.side(of: Box(candidate.box)) {
        case .inside: return .overlayInside
        case .outside: return nil
        case .border: break
        }
        let other: Outline
        if let large = table.outlines[candidate.place] { other = large } else { other = try small(candidate.place) }
        switch lies(other, in: target) {
        case .some(let answer): return answer ? .overlayInside : nil
        case .none: return try natives.contains(targetRow: row, overlay: candidate.place) ? .overlayInside : nil
        }
    }

    /// What can be said of “inner lies in outer” by looking at edges and one vertex: nil when borders are near.
    private func lies(_ inner: Outline, in outer: Outline) -> Bool? {
        guard outer.hasPolygons, outer.kind != .geometryCollection else { return nil }
        if !outer.covers(inner.x(0), inner.y(0)) { return false }
        near.removeAll(keepingCapacity: true)
        outer.edges(meeting: inner.box, into: &near)
        return near.isEmpty ? true : nil
    }

    private func distance(_ candidate: Candidate, _ degrees: Box, atMost limit: Double) throws(QueryError) -> Double? {
        if candidate.shift == 0, candidate.side == .inside { return 0 }
        if let other = table.outlines[candidate.place] {
            if candidate.shift == 0, other.side(of: degrees) == .inside { return 0 }
            return other.distance(to: try loaded(), atMost: limit, shift: -candidate.shift, measuring)
        }
        let other = try small(candidate.place)
        return try loaded().distance(to: other, atMost: limit, shift: candidate.shift, measuring)
    }

    /// The nearest features, sought in boxes that grow until enough are found within them.
    private func nearest(_ count: Int, within limit: Double, _ box: IndexBox) throws(QueryError) {
        let count = min(count, table.rows.count)
        guard count > 0 else { return }
        let degrees = Box(box)
        var radius = min(limit, reach)
        var found: [(distance: Double, number: UInt64, place: Int)] = []
        while true {
            try plan.deadline.check()
            found.removeAll(keepingCapacity: true)
            _ = search(degrees.grown(byMetres: radius), limit: .max)
            // The nearer boxes first, so that the bound soon leaves out the others.
            sortCandidates(around: degrees)
            var bound = radius
            var area = degrees.grown(byMetres: bound)
            for candidate in candidates {
                tested &+= 1
                if tested & 1023 == 0 { try plan.deadline.check() }
                guard area.intersects(Box(candidate.box).moved(byDegrees: candidate.shift)) else { continue }
                guard let distance = try distance(candidate, degrees, atMost: bound) else { continue }
                // Seen from both sides of the antimeridian, or again: the nearer counts.
                if let known = found.firstIndex(where: { $0.place == candidate.place }) {
                    if found[known].distance <= distance { continue }
                    found.remove(at: known)
                }
                let number = try reading(table.source.layer) { () throws(LayerFileError) in
                    try table.source.file.number(Int(table.rows[candidate.place]))
                }
                let end = found.firstIndex { distance < $0.distance || (distance == $0.distance && number < $0.number) } ?? found.count
                found.insert((distance, number, candidate.place), at: end)
                if found.count > count { found.removeLast() }
                if found.count == count, found[count - 1].distance < bound {
                    bound = found[count - 1].distance
                    area = degrees.grown(byMetres: bound)
                }
            }
            if found.count == count || radius >= limit || candidates.count == table.rows.count { break }
            radius = min(limit, radius * 4)
        }
        // Where all is near enough to be seen at once but lies beyond the radius, the rest is still to be measured.
        if found.count < count && radius < limit {
            reach = limit
            try nearest(count, within: limit, box)
            return
        }
        farthest = found.last?.distance ?? 0
        if let last = found.last { reach = max(1, last.distance * 1.5) }
        for item in found { hits.append(Hit(key: plan.overlayKeys[item.place], place: item.place, lies: .somehow)) }
    }

    /// Orders the candidates by how far their boxes are from this one, roughly.
    private func sortCandidates(around box: Box) {
        let scale = Ellipsoid.metresPerDegree(latitude: box.centre.y)
        order.removeAll(keepingCapacity: true)
        for (i, candidate) in candidates.enumerated() {
            let other = Box(candidate.box).moved(byDegrees: candidate.shift)
            let x = max(0, other.minX - box.maxX, box.minX - other.maxX) * scale.x
            let y = max(0, other.minY - box.maxY, box.minY - other.maxY) * scale.y
            order.append((x * x + y * y, i))
        }
        order.sort { $0 < $1 }
        candidates = order.map { candidates[$0.place] }
    }

    private func loaded() throws(QueryError) -> Outline {
        if isLoaded { return outline }
        let row = row
        let shape = try reading(plan.target.layer) { () throws(LayerFileError) in try plan.target.file.shape(row) }
        try outline.load(exact: shape, natives.context, layer: plan.target.layer)
        outline.prepare()
        isLoaded = true
        return outline
    }

    private func small(_ place: Int) throws(QueryError) -> Outline {
        try spare.load(exact: table.shape(place), natives.context, layer: table.source.layer)
        return spare
    }

    /// Whether the target lies in one of its hits: then it is known, whatever was surveyed besides.
    private func liesInHit() throws(QueryError) -> Bool {
        if hits.contains(where: { $0.lies == .targetInside }) { return true }
        guard metresLookedFor == 0 else { return false }
        for hit in hits {
            let other: Outline
            if let large = table.outlines[hit.place] { other = large } else { other = try small(hit.place) }
            if try lies(try loaded(), in: other) == true { return true }
        }
        return false
    }

    /// Within which an overlay feature would have belonged to the target at hand.
    private var metresLookedFor: Double {
        switch plan.request.relation {
        case .intersects, .within, .contains: 0
        case .distance(let metres): metres
        case .nearest(let count, let within): hits.count < count ? within ?? OverlayWorker.everywhere : farthest
        }
    }

    // MARK: Figures

    /// Enters the hits of a target feature into its groups.
    private func settle(_ place: Int, _ box: IndexBox, _ partial: inout OverlayPartial) throws(QueryError) {
        // What may be missing around the feature counts as far as was looked for.
        let metres = metresLookedFor
        let around = metres > 0 ? Box(box).grown(byMetres: metres) : Box(box)
        if plan.survey.isIncomplete(around) { partial.incomplete += 1 }
        if plan.survey.isNeeded, try !liesInHit(),
            try !plan.survey.covers(around, isGrown: metres > 0, { () throws(QueryError) in try loaded() }, &near)
        {
            if hits.isEmpty { partial.notSurveyed += 1 } else { partial.partlySurveyed += 1 }
        }
        guard !hits.isEmpty else {
            partial.unmatched += 1
            return
        }
        if hits.count > 1 && plan.overlayKeys.count > 1 {
            hits.sort { $0.key != $1.key ? $0.key < $1.key : $0.place < $1.place }
        }
        let targetKey = plan.targetKeys[place]
        var start = 0
        while start < hits.count {
            var end = start + 1
            while end < hits.count && hits[end].key == hits[start].key { end += 1 }
            let slot = partial.slot(target: targetKey, overlay: hits[start].key)
            for (number, figure) in plan.figures.enumerated() {
                switch figure.aggregate {
                case .count: partial.count(slot, number)
                case .area: partial.add(slot, number, real: try natives.area(targetRow: row, hits[start..<end]))
                case .length: partial.add(slot, number, real: try natives.length(targetRow: row, hits[start..<end]))
                default:
                    guard figure.side == .target, let column = figure.column else { continue }
                    if let values = figure.values {
                        partial.addDistinct(slot, number, value: values[place])
                    } else {
                        let row = row
                        try reading(plan.target.layer) { () throws(LayerFileError) in try column.touch(row..<row + 1) }
                        partial.add(slot, number, column.value(row), figure.aggregate)
                    }
                }
            }
            if plan.needsOverlayPairs {
                for hit in hits[start..<end] { partial.addOverlay(slot, hit.place) }
            }
            start = end
        }
    }
}

extension IndexBox {
    mutating func extend(_ other: IndexBox) {
        (minX, minY) = (min(minX, other.minX), min(minY, other.minY))
        (maxX, maxY) = (max(maxX, other.maxX), max(maxY, other.maxY))
    }

    func contains(_ other: IndexBox) -> Bool {
        minX <= other.minX && other.maxX <= maxX && minY <= other.minY && other.maxY <= maxY
    }
}

extension Envelope {
    /// An index's box in degrees, the doubles that stored coordinates have.
    @inline(__always)
    init(_ box: IndexBox) {
        self.init(minX: Double(box.minX) / 1e7, minY: Double(box.minY) / 1e7, maxX: Double(box.maxX) / 1e7, maxY: Double(box.maxY) / 1e7)
    }

    /// The same box further east; it may reach over the antimeridian.
    func moved(byDegrees degrees: Double) -> Envelope {
        Envelope(minX: minX + degrees, minY: minY, maxX: maxX + degrees, maxY: maxY)
    }
}
