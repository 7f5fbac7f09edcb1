import Foundation
import Geo
import TestKit
import Testing

@testable import LayerStore

/// Outlines in world units, and what the simplification makes of them.
private struct Drawing {
    typealias Place = SIMD2<Int32>

    struct Line {
        /// Closed where it is a ring.
        var places: [Place]
        var feature: Int
        var role: Outline.Role
        var rank: Int = 0
    }

    var lines: [Line] = []

    init(_ lines: [Line]) { self.lines = lines }

    init(_ map: PlanarMap) {
        for (feature, area) in map.areas.enumerated() {
            for polygon in area.polygons {
                for (i, ring) in polygon.enumerated() {
                    lines.append(Line(places: ring, feature: feature, role: i == 0 ? .shell : .hole, rank: area.rank))
                }
            }
        }
    }

    /// The level of each vertex of each line.
    func levels(hasRanks: Bool = false) throws -> [[VertexLevel]] {
        let folder = try TemporaryFolder()
        let memory = WorkingMemory(in: folder.url)
        let outlines = try memory.run(of: Outline.self, count: lines.count)
        var end = 0
        for (i, line) in lines.enumerated() {
            end += line.places.count
            outlines[i] = Outline(end: UInt32(end), feature: UInt32(line.feature), role: line.role, rank: UInt8(line.rank))
        }
        let numbers = lines.flatMap { $0.places.flatMap { [$0.x, $0.y] } }
        var levels: [VertexLevel] = []
        try numbers.withUnsafeBufferPointer { vertices in
            let graph = try BorderGraph(vertices, outlines, hasRanks: hasRanks, memory: memory) { WorkingMemory(in: folder.url) }
            let run = try memory.run(of: VertexLevel.self, count: vertices.count / 2)
            graph.markGrowing(vertices, run)
            var simplification = try Simplification(graph, hasRanks: hasRanks, memory: memory)
            simplification.run()
            graph.noteZooms(run)
            levels = (0..<run.count).map { run[$0] }
        }
        var start = 0
        return lines.map { line in
            defer { start += line.places.count }
            return Array(levels[start..<start + line.places.count])
        }
    }

    /// The lines as they are drawn at a zoom.
    func drawn(_ levels: [[VertexLevel]], zoom: Int) -> [[Place]] {
        zip(lines, levels).map { line, levels in
            if line.role == .line { return line.places.indices.filter { levels[$0].zoom <= zoom }.map { line.places[$0] } }
            let open = line.places.indices.dropLast().filter { levels[$0].zoom <= zoom }.map { line.places[$0] }
            return open + open.prefix(1)
        }
    }
}

private typealias Place = SIMD2<Int32>

private struct Edge: Hashable {
    var from: Place
    var to: Place
    var reversed: Edge { Edge(from: to, to: from) }
}

/// Whether two segments have a point in common besides an end that both have.
private func collide(_ a: Edge, _ b: Edge) -> Bool {
    if max(a.from.x, a.to.x) < min(b.from.x, b.to.x) || max(b.from.x, b.to.x) < min(a.from.x, a.to.x) { return false }
    if max(a.from.y, a.to.y) < min(b.from.y, b.to.y) || max(b.from.y, b.to.y) < min(a.from.y, a.to.y) { return false }
    func isWithin(_ p: Place, _ e: Edge) -> Bool {
        p != e.from && p != e.to && turn(e.from, e.to, p) == 0 && min(e.from.x, e.to.x) <= p.x && p.x <= max(e.from.x, e.to.x)
            && min(e.from.y, e.to.y) <= p.y && p.y <= max(e.from.y, e.to.y)
    }
    if isWithin(a.from, b) || isWithin(a.to, b) || isWithin(b.from, a) || isWithin(b.to, a) { return true }
    let (ofB, ofB2) = (turn(a.from, a.to, b.from).signum(), turn(a.from, a.to, b.to).signum())
    let (ofA, ofA2) = (turn(b.from, b.to, a.from).signum(), turn(b.from, b.to, a.to).signum())
    return ofB * ofB2 < 0 && ofA * ofA2 < 0
}

private func map(_ seed: UInt64, side: Int = 12, hasGaps: Bool? = nil) -> PlanarMap {
    var generator = SeededGenerator(seed: seed)
    let spacing = Int32(1) << Int32.random(in: 4...16, using: &generator)
    return PlanarMap(
        side: side, spacing: spacing, origin: [1_667_000_000, -430_000_000], kinds: Int.random(in: 2...9, using: &generator), ranks: 3,
        hasGaps: hasGaps ?? Bool.random(using: &generator), using: &generator)
}

/// A border between two nodes, or round from one.
private struct SlowArc {
    var ends: Set<Place>
    var members: Set<Place>
    var count: Int
    var isLoop: Bool { ends.count == 1 }
    /// Twice, at the beginning.
    var area: Int64 = 0
    /// Twice their areas, and how much of that may change hands along here.
    var rings: [(area: Double, limit: Double)] = []

    init(ends: Set<Place>, members: Set<Place>, count: Int) { (self.ends, self.members, self.count) = (ends, members, count) }

    /// Twice the area between it and the straight line from its lesser end to its greater one; of a loop, what it encloses.
    func area(_ neighbours: [Place: Set<Place>]) -> Int64 {
        let start = ends.min { ($0.x, $0.y) < ($1.x, $1.y) }!
        var chain = [start]
        while let next = neighbours[chain.last!]!.first(where: { members.contains($0) && !chain.contains($0) }) { chain.append(next) }
        chain.append(ends.count == 1 ? start : ends.first { $0 != start }!)
        var area: Int64 = 0
        for (a, b) in zip(chain, chain.dropFirst()) { area += turn(start, a, b) }
        return ends.count == 1 ? abs(area) : area
    }

    /// Rings of less than four square units of the grid are not drawn by themselves; of hazards, one.
    func limit(zoom: Int, _ hasRanks: Bool) -> Double {
        let unit = exp2(Double(20 - zoom))
        let drawn = rings.filter { $0.area / 2 >= (hasRanks ? 1 : 4) * unit * unit }
        return drawn.min { $0.area < $1.area }?.limit ?? .infinity
    }
}

/// The same, done the slow and obvious way, with sets and dictionaries.
private struct SlowSimplification {
    var level: [Place: Int] = [:]

    init(_ drawing: Drawing, hasRanks: Bool) {
        var neighbours: [Place: Set<Place>] = [:]
        var features: [Edge: [Int]] = [:]
        var inside: [Edge: Int] = [:]  // the gravest to the right
        var nodes: Set<Place> = []
        for line in drawing.lines {
            let isClockwise = PlanarMap.doubledArea(line.places) > 0
            for (a, b) in zip(line.places, line.places.dropFirst()) where a != b {
                neighbours[a, default: []].insert(b)
                neighbours[b, default: []].insert(a)
                features[Edge(from: a, to: b), default: []].append(line.feature)
                let edge = isClockwise == (line.role == .shell) ? Edge(from: a, to: b) : Edge(from: b, to: a)
                if line.role != .line { inside[edge] = max(inside[edge] ?? 0, line.rank) }
            }
            if line.role == .line { nodes.formUnion([line.places.first!, line.places.last!]) }
        }
        for (place, around) in neighbours {
            guard around.count == 2 else {
                nodes.insert(place)
                continue
            }
            let (a, b) = (around.min { ($0.x, $0.y) < ($1.x, $1.y) }!, around.max { ($0.x, $0.y) < ($1.x, $1.y) }!)
            func along(_ from: Place, _ to: Place) -> [Int] { (features[Edge(from: from, to: to)] ?? []).sorted() }
            if along(a, place) != along(place, b) || along(b, place) != along(place, a) { nodes.insert(place) }
        }
        for line in drawing.lines where line.role != .line && !line.places.contains(where: { nodes.contains($0) }) {
            nodes.insert(line.places.min { ($0.x, $0.y) < ($1.x, $1.y) }!)
        }
        var bound: [Edge: UInt32] = [:]
        var arcOf: [Place: Int] = [:]
        var arcs: [SlowArc] = []
        for place in neighbours.keys where !nodes.contains(place) && arcOf[place] == nil {
            var (members, ends) = ([place], [Place]())
            arcOf[place] = arcs.count
            var at = 0
            while at < members.count {
                for next in neighbours[members[at]]! {
                    if nodes.contains(next) {
                        ends.append(next)
                    } else if arcOf[next] == nil {
                        arcOf[next] = arcs.count
                        members.append(next)
                    }
                }
                at += 1
            }
            var arc = SlowArc(ends: Set(ends), members: Set(members), count: members.count)
            arc.area = arc.area(neighbours)
            for line in drawing.lines where line.role != .line && line.places.contains(place) {
                let edges = zip(line.places, line.places.dropFirst()).count { $0 != $1 }
                let area = abs(Double(PlanarMap.doubledArea(line.places)))
                arc.rings.append((area, area / 32 * Double(members.count + 1) / Double(edges)))
            }
            arcs.append(arc)
        }
        var alive = Set(neighbours.keys)
        // Which class lies where along a border does not change, so the first edge of each place will do; only its direction must be followed.
        var original: [Place: Place] = [:]
        for place in alive where !nodes.contains(place) { original[place] = neighbours[place]!.first! }
        var slot: [Place: Place] = original
        for zoom in (0..<16).reversed() {
            let tolerance = Simplification.tolerance(zoom: zoom, hasRanks: hasRanks)
            for _ in 0..<8 {
                var blocked: Set<Place> = []
                var (gone, everBlocked) = (false, false)
                while true {
                    var best: (key: UInt32, place: Place)?
                    for v in alive where !nodes.contains(v) && !blocked.contains(v) {
                        let around = Array(neighbours[v]!)
                        let (p, n) = (around[0], around[1])
                        let key =
                            max(bound[Edge(from: p, to: v)] ?? 0, bound[Edge(from: v, to: n)] ?? 0)
                            + Simplification.distance(v, from: p, to: n)!
                        if key > tolerance { continue }
                        if best == nil || (key, v.x, v.y) < (best!.key, best!.place.x, best!.place.y) { best = (key, v) }
                    }
                    guard let (key, v) = best else { break }
                    let p = slot[v]!
                    let n = neighbours[v]!.first { $0 != p }!
                    let arc = arcs[arcOf[v]!]
                    var may = !(arc.isLoop && arc.count <= 2)
                    if hasRanks {
                        // Turned to the direction in which the original first edge runs.
                        let q = original[v]!
                        let (right, left) = (inside[Edge(from: q, to: v)] ?? 0, inside[Edge(from: v, to: q)] ?? 0)
                        let turned = turn(p, v, n)
                        if turned > 0 && left < right || turned < 0 && right < left { may = false }
                    }
                    let triangle = [p, v, n]
                    for w in alive where !triangle.contains(w) {
                        let turns = [turn(p, v, w), turn(v, n, w), turn(n, p, w)]
                        let inBox =
                            w.x >= triangle.map(\.x).min()! && w.x <= triangle.map(\.x).max()! && w.y >= triangle.map(\.y).min()!
                            && w.y <= triangle.map(\.y).max()!
                        if inBox && !(turns.contains { $0 < 0 } && turns.contains { $0 > 0 }) { may = false }
                    }
                    if neighbours[p]!.contains(n) { may = false }
                    if may {
                        var after = neighbours
                        after[p]!.remove(v)
                        after[n]!.remove(v)
                        after[p]!.insert(n)
                        after[n]!.insert(p)
                        var without = arc
                        without.members.remove(v)
                        if Double(abs(without.area(after) - arc.area)) >= arc.limit(zoom: zoom, hasRanks).rounded(.down) + 1 { may = false }
                    }
                    guard may else {
                        blocked.insert(v)
                        everBlocked = true
                        continue
                    }
                    gone = true
                    level[v] = zoom + 1
                    alive.remove(v)
                    arcs[arcOf[v]!].count -= 1
                    arcs[arcOf[v]!].members.remove(v)
                    for (a, b) in [(p, n), (n, p)] {
                        neighbours[a]!.remove(v)
                        neighbours[a]!.insert(b)
                        if slot[a] == v { slot[a] = b }
                        bound[Edge(from: a, to: b)] = key
                        if !nodes.contains(a) { blocked.remove(a) }
                    }
                }
                if !(gone && everBlocked) { break }
            }
        }
    }
}

@Suite struct SimplificationTests {
    @Test(arguments: 0..<12 as Range<UInt64>)
    func `levels are those of the slow and obvious way`(seed: UInt64) throws {
        for hasRanks in [false, true] {
            let drawing = Drawing(map(seed, side: 8))
            let slow = SlowSimplification(drawing, hasRanks: hasRanks)
            let levels = try drawing.levels(hasRanks: hasRanks)
            var simplified = 0
            for (line, levels) in zip(drawing.lines, levels) {
                for (place, level) in zip(line.places, levels) {
                    #expect(level.zoom == slow.level[place] ?? 0, "seed \(seed), \(place)")
                    if level.zoom > 0 { simplified += 1 }
                }
            }
            #expect(simplified > 10)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `at every zoom rings are simple, and neighbours share their borders without gap or overlap`(seed: UInt64) throws {
        let drawing = Drawing(map(seed))
        let levels = try drawing.levels(hasRanks: seed % 2 == 0)
        var counts: [Int] = []
        for zoom in 0...16 {
            let rings = drawing.drawn(levels, zoom: zoom)
            // A map whose edges meet only at ends they share, each border twice, once each way: every place of it has one area or none.
            var edges: Set<Edge> = []
            for (line, ring) in zip(drawing.lines, rings) {
                #expect(ring.count >= 4, "seed \(seed), zoom \(zoom)")
                #expect(PlanarMap.doubledArea(ring).signum() == PlanarMap.doubledArea(line.places).signum())
                for (a, b) in zip(ring, ring.dropFirst()) {
                    #expect(a != b && edges.insert(Edge(from: a, to: b)).inserted, "seed \(seed), zoom \(zoom)")
                }
            }
            let once = edges.filter { !edges.contains($0.reversed) || ($0.from.x, $0.from.y) < ($0.to.x, $0.to.y) }
            if counts.last != once.count {
                let sorted = once.sorted { min($0.from.x, $0.to.x) < min($1.from.x, $1.to.x) }
                for i in sorted.indices {
                    let east = max(sorted[i].from.x, sorted[i].to.x)
                    var j = i + 1
                    while j < sorted.count && min(sorted[j].from.x, sorted[j].to.x) <= east {
                        #expect(!collide(sorted[i], sorted[j]), "seed \(seed), zoom \(zoom)")
                        j += 1
                    }
                }
            }
            counts.append(once.count)
        }
        // A hazard's convex corners stay.
        #expect(counts == counts.sorted() && counts.first! < counts.last! / (seed % 2 == 0 ? 1 : 2))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `the order of features, where rings begin and which way they run change nothing`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let map = map(seed, side: 20)
        func byPlace(_ map: PlanarMap, _ hasRanks: Bool) throws -> [Place: Int] {
            let drawing = Drawing(map)
            var result: [Place: Int] = [:]
            for (line, levels) in zip(drawing.lines, try drawing.levels(hasRanks: hasRanks)) {
                for (place, level) in zip(line.places, levels) {
                    #expect(result[place] == nil || result[place] == level.zoom)
                    result[place] = level.zoom
                }
            }
            return result
        }
        for hasRanks in [false, true] {
            #expect(try byPlace(map, hasRanks) == byPlace(map.shuffled(using: &generator), hasRanks))
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `no vertex that is left out is farther from its line than the tolerance`(seed: UInt64) throws {
        let drawing = Drawing(map(seed, side: 20))
        for hasRanks in [false, true] {
            let levels = try drawing.levels(hasRanks: hasRanks)
            for zoom in 0..<16 {
                let tolerance = Double(Simplification.tolerance(zoom: zoom, hasRanks: hasRanks))
                for (line, levels) in zip(drawing.lines, levels) {
                    let kept = line.places.indices.dropLast().filter { levels[$0].zoom <= zoom }
                    for (i, start) in kept.enumerated() {
                        let end = i + 1 == kept.count ? kept[0] + line.places.count - 1 : kept[i + 1]
                        let (a, b) = (line.places[start], line.places[end % (line.places.count - 1)])
                        for between in start..<end {
                            let p = line.places[between % (line.places.count - 1)]
                            #expect(Double(Simplification.distance(p, from: a, to: b)!) <= tolerance + 1)
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a hazard's areas lose nothing to less grave ones, and to nothing at all`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let drawing = Drawing(map(seed, hasGaps: true))
        let levels = try drawing.levels(hasRanks: true)
        /// Whether an area of at least this rank is at a place that lies on no edge.
        func holds(_ rings: [[Place]], _ x: Double, _ y: Double, rank: Int) -> Bool {
            var winding: [Int: Int] = [:]
            for (line, ring) in zip(drawing.lines, rings) where line.rank >= rank {
                for (a, b) in zip(ring, ring.dropFirst()) {
                    let (ax, ay, bx, by) = (Double(a.x), Double(a.y), Double(b.x), Double(b.y))
                    guard (ay <= y) != (by <= y) else { continue }
                    if ax + (y - ay) / (by - ay) * (bx - ax) < x { winding[line.feature, default: 0] += 1 }
                }
            }
            return winding.values.contains { $0 % 2 == 1 }
        }
        let places = drawing.lines.flatMap(\.places)
        let spread = Double(abs(Int64(places[1].x) - Int64(places[0].x)) + abs(Int64(places[1].y) - Int64(places[0].y)))
        for zoom in stride(from: 0, to: 16, by: 3) {
            let rings = drawing.drawn(levels, zoom: zoom)
            var held = 0
            for _ in 0..<60 {
                // Near the borders, where it matters.
                let place = places.randomElement(using: &generator)!
                let x = Double(place.x) + Double.random(in: -spread...spread, using: &generator)
                let y = Double(place.y) + Double.random(in: -spread...spread, using: &generator)
                for rank in 1...3 where holds(drawing.lines.map(\.places), x, y, rank: rank) {
                    held += 1
                    #expect(holds(rings, x, y, rank: rank), "seed \(seed), zoom \(zoom), rank \(rank)")
                }
            }
            #expect(held > 0)
        }
    }

    @Test func `every border of a hazard grows to one side, that of the graver class`() throws {
        func square(_ x: Int32, _ y: Int32) -> [Place] {
            [[x, y], [x + 1000, y], [x + 1000, y + 1000], [x, y + 1000], [x, y]]
        }
        // Two neighbours of rank 1 and 2, and one of rank 2 beside the second.
        let drawing = Drawing([
            .init(places: square(0, 0), feature: 0, role: .shell, rank: 1),
            .init(places: square(1000, 0), feature: 1, role: .shell, rank: 2),
            .init(places: square(2000, 0).reversed(), feature: 2, role: .shell, rank: 2),
        ])
        let levels = try drawing.levels(hasRanks: true)
        var growing: [Edge: Int] = [:]
        for (line, levels) in zip(drawing.lines, levels) {
            for (i, level) in levels.enumerated() where level.grows {
                let edge = Edge(from: line.places[i], to: line.places[i + 1])
                growing[(edge.from.x, edge.from.y) < (edge.to.x, edge.to.y) ? edge : edge.reversed, default: 0] += line.feature + 1
            }
        }
        #expect(growing.count == 10)
        #expect(growing[Edge(from: [1000, 0], to: [1000, 1000])] == 2)
        let between = growing[Edge(from: [2000, 0], to: [2000, 1000])]
        #expect(between == 2 || between == 3)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `at every zoom each border of a hazard grows to just one side`(seed: UInt64) throws {
        let drawing = Drawing(map(seed))
        let levels = try drawing.levels(hasRanks: true)
        for zoom in [0, 8, 12, 14, 16] {
            var rank: [Edge: Int] = [:]
            var grows: [Edge: Bool] = [:]
            for (line, levels) in zip(drawing.lines, levels) {
                let kept = line.places.indices.dropLast().filter { levels[$0].zoom <= zoom }
                for (i, start) in kept.enumerated() {
                    let edge = Edge(from: line.places[start], to: line.places[kept[(i + 1) % kept.count]])
                    (rank[edge], grows[edge]) = (line.rank, levels[start].grows)
                }
            }
            for (edge, grown) in grows {
                // On the other side is nothing, or one that grows where this does not.
                #expect(grown == !(grows[edge.reversed] ?? false), "seed \(seed), zoom \(zoom)")
                if let other = rank[edge.reversed], let own = rank[edge], other != own { #expect(grown == (own > other)) }
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `no area that is drawn by itself gains or loses more than a thirty-second`(seed: UInt64) throws {
        let drawing = Drawing(map(seed))
        let hasRanks = seed % 2 == 0
        let levels = try drawing.levels(hasRanks: hasRanks)
        var changed = 0
        for zoom in 0...16 {
            let unit = exp2(Double(20 - zoom))
            for (line, ring) in zip(drawing.lines, drawing.drawn(levels, zoom: zoom)) {
                let (before, after) = (Double(PlanarMap.doubledArea(line.places)), Double(PlanarMap.doubledArea(ring)))
                if abs(before) / 2 < (hasRanks ? 1 : 4) * unit * unit { continue }
                #expect(abs(after - before) <= abs(before) / 32, "seed \(seed), zoom \(zoom)")
                if after != before { changed += 1 }
            }
        }
        // A hazard's convex corners stay.
        #expect(changed > 0 || hasRanks)
    }

    @Test func `lines keep their ends and junctions`() throws {
        var generator = SeededGenerator(seed: 4)
        func wobbly(_ from: Place, _ to: Place) -> [Place] {
            (0...100).map { i in
                let x = Int32(Double(from.x) + (Double(to.x) - Double(from.x)) * Double(i) / 100)
                let y = Int32(Double(from.y) + (Double(to.y) - Double(from.y)) * Double(i) / 100)
                if i == 0 || i == 100 { return Place(x, y) }
                let off = Place(.random(in: -300...300, using: &generator), .random(in: -300...300, using: &generator))
                return Place(x, y) &+ off
            }
        }
        let crossing: Place = [100_000, 0]
        let drawing = Drawing([
            .init(places: wobbly([0, 0], crossing) + wobbly(crossing, [200_000, 0]).dropFirst(), feature: 0, role: .line),
            .init(places: wobbly([100_000, 90_000], crossing), feature: 1, role: .line),
        ])
        let levels = try drawing.levels()
        #expect(levels[0][0].zoom == 0 && levels[0][100].zoom == 0 && levels[0][200].zoom == 0)
        #expect(levels[1][0].zoom == 0 && levels[1][100].zoom == 0)
        #expect(drawing.drawn(levels, zoom: 0).map(\.count) == [3, 2])
        #expect(levels.allSatisfy { $0.allSatisfy { !$0.grows } })
    }

    @Test func `torture: spikes, slivers, touching rings and repeated vertices`() throws {
        let o: Int32 = 1_000_000
        let drawing = Drawing([
            // A spike that goes out and back, a bow, all in one place, a sliver one unit wide, a ring that touches itself.
            .init(places: [[0, 0], [o, 0], [2 * o, 0], [o, 0], [o, o], [0, o], [0, 0]], feature: 0, role: .shell),
            .init(places: [[0, 0], [o, o], [o, 0], [0, o], [0, 0]], feature: 1, role: .shell),
            .init(places: [[7, 7], [7, 7], [7, 7], [7, 7]], feature: 2, role: .shell),
            .init(places: [[0, -o], [o, -o], [o, 1 - o], [0, 1 - o], [0, -o]], feature: 3, role: .shell),
            .init(
                places: [[0, 3 * o], [o, 3 * o], [2 * o, 4 * o], [2 * o, 2 * o], [o, 3 * o], [0, 4 * o], [0, 3 * o]], feature: 4,
                role: .shell),
            .init(places: [[5, 5], [5, 5]], feature: 5, role: .line),
            .init(places: [[.min, .min], [.max, .max], [.min, .max], [.max, .min], [.min, .min]], feature: 6, role: .shell),
        ])
        for hasRanks in [false, true] {
            let levels = try drawing.levels(hasRanks: hasRanks)
            #expect(levels.map(\.count) == drawing.lines.map(\.places.count))
            for (line, levels) in zip(drawing.lines, levels) { #expect(levels.first!.zoom == levels.last!.zoom || line.role == .line) }
        }
    }

    @Test func `a coast of a hundred thousand vertices keeps its shape within the tolerance, and few vertices`() throws {
        var generator = SeededGenerator(seed: 11)
        // A walk around a circle.
        var places: [Place] = []
        let count = 100_000
        var radius = 0.0
        for i in 0..<count {
            radius += Double.random(in: -40...40, using: &generator) - radius * 0.001
            let share = Double(i) / Double(count)
            // A square's border, so that no sine is needed.
            let side = Int(share * 4)
            let along = (share * 4 - Double(side)) * 2_000_000
            let x = [along, 2_000_000 + radius, 2_000_000 - along, -radius][side]
            let y = [-radius, along, 2_000_000 + radius, 2_000_000 - along][side]
            places.append([Int32(x), Int32(y)])
        }
        let drawing = Drawing([.init(places: places + places.prefix(1), feature: 0, role: .shell)])
        let levels = try drawing.levels()
        let drawn = (0...16).map { zoom in levels[0].dropLast().count { $0.zoom <= zoom } }
        #expect(drawn[16] == count && drawn[12] < count / 10 && drawn[6] < 100 && drawn[0] >= 3)
    }
}
