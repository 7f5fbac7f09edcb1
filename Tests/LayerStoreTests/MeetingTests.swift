import Geo
import TestKit
import Testing

@testable import LayerStore

@Suite struct MeetingTests {
    typealias Place = SIMD2<Int32>

    /// Rings, points and lines of a layer, one after another.
    private struct Layer {
        var numbers: [Int32] = []
        var outlines: [Outline] = []
        var rows = 0

        mutating func add(_ places: [Place], _ role: Outline.Role, row: Int) {
            numbers += places.flatMap { [$0.x, $0.y] }
            outlines.append(Outline(end: UInt32(numbers.count / 2), feature: UInt32(row), role: role, rank: 0))
            rows = max(rows, row + 1)
        }

        /// The places of polygons' rings, and who has them: the slow and obvious way.
        var owners: [Place: Set<Int>] {
            var owners: [Place: Set<Int>] = [:]
            var start = 0
            for outline in outlines {
                for i in start..<Int(outline.end) where outline.role == .shell || outline.role == .hole {
                    owners[Place(numbers[2 * i], numbers[2 * i + 1]), default: []].insert(Int(outline.feature))
                }
                start = Int(outline.end)
            }
            return owners
        }

        /// The groups that the search finds, by their lowest rows.
        func groups() throws -> [Int: Set<Int>] {
            let folder = try TemporaryFolder()
            let memory = WorkingMemory(in: folder.url)
            let run = try memory.run(of: Outline.self, count: outlines.count)
            for (i, outline) in outlines.enumerated() { run[i] = outline }
            let groups = try RowGroups(count: rows, in: memory)
            try numbers.withUnsafeBufferPointer { vertices throws in
                try Meetings(vertices, run, in: memory).forEach { groups.join($0, $1) }
            }
            var found: [Int: Set<Int>] = [:]
            for row in 0..<rows where !groups.isAlone(row) { found[groups.lead(of: row), default: []].insert(row) }
            for (lead, members) in found {
                var round: [Int] = []
                groups.forEachMember(of: lead) { round.append($0) }
                #expect(lead == members.min() && Set(round) == members && round.count == members.count)
            }
            withExtendedLifetime(memory) {}
            return found
        }
    }

    /// Those that hang together by places that both have, found by asking again and again.
    private func witness(_ layer: Layer) -> [Int: Set<Int>] {
        var lead = Array(0..<layer.rows)
        let shared = layer.owners.values.filter { $0.count > 1 }
        var isDone = false
        while !isDone {
            isDone = true
            for owners in shared {
                let least = owners.map { lead[$0] }.min()!
                for owner in owners where lead[owner] != least {
                    lead[owner] = least
                    isDone = false
                }
            }
        }
        return Dictionary(grouping: 0..<layer.rows, by: { lead[$0] }).filter { $0.value.count > 1 }.mapValues { Set($0) }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `features that have a vertex in common are found, and no others`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        // From places so few that all meet to so many that none do, near the ends of the numbers too, and now and then all in one line of the marks.
        let reach = Int32(1) << Int32.random(in: 1...30, using: &generator)
        let origin = Place(
            [0, .max - reach, .min, 1_666_000_000].randomElement(using: &generator)!,
            [0, .max - reach, .min, -430_000_000].randomElement(using: &generator)!)
        var layer = Layer()
        for row in 0..<Int.random(in: 1...400, using: &generator) {
            for ring in 0..<Int.random(in: 1...2, using: &generator) {
                let places = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                    Place(origin.x &+ .random(in: 0..<reach, using: &generator), origin.y &+ .random(in: 0..<reach, using: &generator))
                }
                let role: Outline.Role =
                    switch Int.random(in: 0..<8, using: &generator) {
                    case 0: .point
                    case 1: .line
                    default: ring == 0 ? .shell : .hole
                    }
                // A ring is closed by its first place.
                layer.add(role == .shell || role == .hole ? places + places.prefix(1) : places, role, row: row)
            }
        }
        #expect(try layer.groups() == witness(layer), "seed \(seed), reach \(reach)")
    }

    @Test func `a hundred thousand squares in a row hang together, and so do as many around one place`() throws {
        for isStar in [false, true] {
            var layer = Layer()
            for row in 0..<100_000 {
                let x = Int32(row)
                layer.add(
                    isStar ? [[0, 0], [x + 1, 5], [x + 1, 9], [0, 0]] : [[x, 0], [x + 1, 0], [x + 1, 1], [x, 1], [x, 0]], .shell, row: row)
            }
            #expect(try layer.groups() == [0: Set(0..<100_000)])
        }
    }

    @Test func `a layer without vertices has no groups`() throws {
        var layer = Layer()
        #expect(try layer.groups() == [:])
        layer.add([], .shell, row: 0)
        layer.add([[3, 4]], .shell, row: 1)
        #expect(try layer.groups() == [:])
    }
}
