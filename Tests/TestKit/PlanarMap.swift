/// Seeded maps whose areas share their borders exactly: a lattice of crooked cells, of which neighbours are joined into areas. There are holes, islands,
/// areas that touch in one point, and places where nothing is.
public struct PlanarMap {
    public typealias Place = SIMD2<Int32>

    /// The rings of an area, those of each polygon one after another, shell first; shells run clockwise where y grows south, holes the other way; closed.
    public struct Area {
        public var polygons: [[[Place]]]
        /// 1 and more.
        public var rank: Int
    }

    public var areas: [Area]

    /// - Parameters:
    ///   - side: cells along the map's side.
    ///   - spacing: between cells, in whole units; crookedness is a quarter of it.
    ///   - kinds: how many areas at most; each has one to three of so many ranks.
    ///   - hasGaps: some of the map is nothing.
    public init(side: Int, spacing: Int32, origin: Place, kinds: Int, ranks: Int, hasGaps: Bool, using generator: inout SeededGenerator) {
        let lattice = (0...side).map { row in
            (0...side).map { column in
                Place(
                    origin.x + Int32(column) * spacing + Int32.random(in: -spacing / 4...spacing / 4, using: &generator),
                    origin.y + Int32(row) * spacing + Int32.random(in: -spacing / 4...spacing / 4, using: &generator))
            }
        }
        // The nearest of some centres, measured crookedly.
        let centres = (0..<kinds).map { _ in
            (
                x: Double.random(in: 0...Double(side), using: &generator), y: Double.random(in: 0...Double(side), using: &generator),
                weight: Double.random(in: 0.6...1.6, using: &generator)
            )
        }
        var kind = [[Int]](repeating: [Int](repeating: 0, count: side), count: side)
        for row in 0..<side {
            for column in 0..<side {
                let distances = centres.map { centre in
                    let (x, y) = (Double(column) - centre.x, Double(row) - centre.y)
                    return (x * x + y * y).squareRoot() * centre.weight + Double.random(in: 0...1.2, using: &generator)
                }
                kind[row][column] = distances.indices.min { distances[$0] < distances[$1] }!
                if hasGaps && (kind[row][column] == 0 || Int.random(in: 0..<25, using: &generator) == 0) { kind[row][column] = -1 }
            }
        }
        areas = []
        var done = [[Bool]](repeating: [Bool](repeating: false, count: side), count: side)
        var areaOfKind: [Int: Int] = [:]
        for row in 0..<side {
            for column in 0..<side where !done[row][column] && kind[row][column] >= 0 {
                let polygon = PlanarMap.polygon(row, column, kind, lattice, &done)
                if let area = areaOfKind[kind[row][column]] {
                    areas[area].polygons.append(polygon)
                } else {
                    areaOfKind[kind[row][column]] = areas.count
                    areas.append(Area(polygons: [polygon], rank: kind[row][column] % ranks + 1))
                }
            }
        }
    }

    /// The cells of one kind that hang together at a cell.
    private static func polygon(_ row: Int, _ column: Int, _ kind: [[Int]], _ lattice: [[Place]], _ done: inout [[Bool]]) -> [[Place]] {
        let side = kind.count
        var cells: Set<Place> = []
        var waiting = [(row, column)]
        done[row][column] = true
        while let (r, c) = waiting.popLast() {
            cells.insert(Place(Int32(c), Int32(r)))
            for (nextRow, nextColumn) in [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)] {
                guard (0..<side).contains(nextRow), (0..<side).contains(nextColumn) else { continue }
                guard !done[nextRow][nextColumn], kind[nextRow][nextColumn] == kind[row][column] else { continue }
                done[nextRow][nextColumn] = true
                waiting.append((nextRow, nextColumn))
            }
        }
        // Border edges with the inside on the right, by where they begin.
        var edges: [Place: [Place]] = [:]
        for cell in cells.sorted(by: { ($0.y, $0.x) < ($1.y, $1.x) }) {
            let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map { Place(cell.x + $0.0, cell.y + $0.1) }
            for (i, beyond) in [(0, -1), (1, 0), (0, 1), (-1, 0)].enumerated()
            where !cells.contains(Place(cell.x + Int32(beyond.0), cell.y + Int32(beyond.1))) {
                edges[corners[i], default: []].append(corners[(i + 1) % 4])
            }
        }
        var loops: [[Place]] = []
        while let start = edges.keys.min(by: { ($0.y, $0.x) < ($1.y, $1.x) }) {
            // Loops are cut off where a corner comes again.
            var path = [start]
            while let next = edges[path.last!]?.popLast() {
                if edges[path.last!]!.isEmpty { edges[path.last!] = nil }
                if let before = path.firstIndex(of: next) {
                    loops.append(Array(path[before...]))
                    path.removeSubrange((before + 1)...)
                } else {
                    path.append(next)
                }
            }
        }
        let rings = loops.map { loop in (loop + loop.prefix(1)).map { lattice[Int($0.y)][Int($0.x)] } }
        let shell = rings.indices.max { doubledArea(rings[$0]) < doubledArea(rings[$1]) }!
        return [rings[shell]] + rings.indices.filter { $0 != shell }.map { rings[$0] }
    }

    /// Of a closed ring; positive where it runs clockwise with y growing south.
    public static func doubledArea(_ ring: [Place]) -> Int64 {
        var sum: Int64 = 0
        for (a, b) in zip(ring, ring.dropFirst()) {
            sum += (Int64(a.x) - Int64(ring[0].x)) * (Int64(b.y) - Int64(ring[0].y))
            sum -= (Int64(b.x) - Int64(ring[0].x)) * (Int64(a.y) - Int64(ring[0].y))
        }
        return sum
    }

    /// The same map with its areas in another order, and every ring beginning elsewhere and running another way.
    public func shuffled(using generator: inout SeededGenerator) -> PlanarMap {
        var map = self
        map.areas.shuffle(using: &generator)
        for area in map.areas.indices {
            for polygon in map.areas[area].polygons.indices {
                map.areas[area].polygons[polygon] = map.areas[area].polygons[polygon].map { ring in
                    let start = Int.random(in: 0..<ring.count - 1, using: &generator)
                    let open = ring.dropLast()
                    var turned = Array(open[start...] + open[..<start])
                    if Bool.random(using: &generator) { turned.reverse() }
                    return turned + turned.prefix(1)
                }
            }
        }
        return map
    }
}
