import Geo
import SpatialIndex

/// Finds for each feature the lowest zoom at which it matters: where tiles cannot hold everything, the greater goes before the smaller.
///
/// The Hilbert curve divides the world into four cells, each into four again. A cell of a depth is about half a tile of that zoom, whatever tiles are asked
/// for, so that what is left out is the same in every tile and every run. Of the features whose middle lies in a cell, as many as a budget of bytes allows
/// are taken, in the order of their rank: the value of the attribute declared for it; then the area of polygons, then the length of lines, then points by
/// a hash of their number. Whoever is among the first of a cell is among the first of the smaller cell inside it: what a map shows it goes on showing when
/// one zooms in.
struct LevelOfDetail: @unchecked Sendable {  // the levels it points to stay as they are
    /// One feature.
    struct Entry: BitwiseCopyable {
        /// Hilbert key.
        var key: UInt64
        /// Greater goes first: 32 bits of importance or size, then 32 of what decides between equals.
        var rank: UInt64
        /// World units along all its rings and lines.
        var length: Float
        var vertices: UInt32
        /// Square world units of its polygons, by which it is shown where it is left out; 0 for none.
        var area: Float
        /// The layer's vertices before it.
        var firstVertex: UInt32 = 0
    }

    /// The greatest zoom that anything waits for; whoever finds no place there is shown by its share of area only.
    static let lastZoom = TileCoordinate.zoomLimit

    /// Bytes of a cell that is shown whole. A tile is about one and a half cells, must stay below 500 KB, and should be quick to fetch: compressed, which
    /// takes three fifths off, up to 50 KB. From zoom 15 on, where single houses can be told apart, there may be more of them.
    static func budget(zoom: Int) -> Double { zoom < 14 ? 40_000 : zoom == 14 ? 70_000 : zoom == 15 ? 110_000 : 220_000 }

    /// Bytes of what is chosen of a cell that is not shown whole. Some are kept for the rectangles that stand for the rest (`Dust`), fewer where there are
    /// few polygons: so a cell that is just too large shows nearly all, and beside one that is just small enough no edge is seen.
    /// - Parameter areas: how many polygons are in the cell.
    static func budget(zoom: Int, areas: Int) -> Double {
        max(leastBudget, budget(zoom: zoom) - rectangleBytes * Double(min(areas, mostRectangles)))
    }

    private static let leastBudget = 12_000.0
    /// Of a rectangle, in a tile.
    private static let rectangleBytes = 20.0
    /// Of a cell: a tile has 64 × 64 places for them.
    private static let mostRectangles = 2_500

    private var entries: [Entry] = []
    /// For each vertex of the layer, in layers that are simplified.
    private var levels: UnsafeBufferPointer<VertexLevel>?

    /// Bytes of a feature in a tile besides its geometry.
    private let attributeBytes: Double

    init(capacity: Int, attributeBytes: Double) {
        entries.reserveCapacity(capacity)
        self.attributeBytes = attributeBytes
    }

    mutating func add(_ entry: Entry) { entries.append(entry) }

    /// Far out only so many vertices count as are drawn there. The levels must stay where they are.
    mutating func useLevels(_ levels: UnsafeBufferPointer<VertexLevel>) { self.levels = levels }

    /// For each entry the lowest zoom at which all its vertices are drawn.
    func forEachFarthestWhole(_ body: (_ row: Int, _ zoom: Int) -> Void) {
        guard let levels else { return }
        for (row, entry) in entries.enumerated() {
            let first = Int(entry.firstVertex)
            body(row, levels[first..<first + Int(entry.vertices)].reduce(0) { max($0, $1.zoom) })
        }
    }

    /// About how many bytes a feature takes in a tile of a zoom.
    private func bytes(_ row: Int, zoom: Int) -> Double {
        var entry = entries[row]
        if let levels, zoom < VertexLevel.wholeZoom {
            let first = Int(entry.firstVertex)
            var drawn: UInt32 = 0
            for vertex in first..<first + Int(entry.vertices) where levels[vertex].zoom <= zoom { drawn += 1 }
            entry.vertices = drawn
        }
        return entry.bytes(zoom: zoom, attributeBytes: attributeBytes)
    }

    /// - Returns: for each entry, in the order they were added, which is that of their keys, its least zoom; `FeatureDetail.never` for none.
    /// - Complexity: O(n × zooms at which not everything fits)
    consuming func leastZooms() -> [UInt8] {
        var zooms = [UInt8](repeating: FeatureDetail.never, count: entries.count)
        var candidates: [Candidate] = []
        // Cells to be looked at, with their depth; at most three wait at each depth.
        var waiting = [(rows: 0..<entries.count, zoom: 0)]
        while let (rows, zoom) = waiting.popLast() {
            if rows.isEmpty { continue }
            var total = 0.0
            var areas = 0
            for row in rows {
                total += bytes(row, zoom: zoom)
                if entries[row].area > 0 { areas += 1 }
            }
            if total <= LevelOfDetail.budget(zoom: zoom) {
                for row in rows where zooms[row] == FeatureDetail.never { zooms[row] = UInt8(zoom) }
                continue
            }
            candidates.removeAll(keepingCapacity: true)
            for row in rows { candidates.append(Candidate(rank: entries[row].rank, bytes: Float(bytes(row, zoom: zoom)))) }
            let least = LevelOfDetail.leastRank(&candidates, budget: LevelOfDetail.budget(zoom: zoom, areas: areas))
            let leastArea = leastLargeArea(rows, zoom: zoom)
            for row in rows where zooms[row] == FeatureDetail.never && (entries[row].rank >= least || entries[row].area >= leastArea) {
                zooms[row] = UInt8(zoom)
            }
            if zoom == LevelOfDetail.lastZoom { continue }
            var start = rows.lowerBound
            let shift = UInt64(62 - 2 * zoom)
            while start < rows.upperBound {
                let cell = entries[start].key >> shift
                let end = firstBeyond(cell, shift, start..<rows.upperBound)
                waiting.append((start..<end, zoom + 1))
                start = end
            }
        }
        return zooms
    }

    /// Polygons from this area on are shown whatever else is, in square world units: those that fill one of the places where rectangles may stand for what is
    /// left out (`Dust`), 64 grid units wide, unless they would make a tile too large.
    private func leastLargeArea(_ rows: Range<Int>, zoom: Int) -> Float {
        let leastArea = 1024 * FeatureDetail.leastArea(zoom: zoom)
        var total = 0.0
        for row in rows where entries[row].area >= leastArea { total += bytes(row, zoom: zoom) }
        return total <= LevelOfDetail.largeBudget ? leastArea : .infinity
    }

    /// Bytes of a cell, of which a tile is about one and a half.
    private static let largeBudget = 200_000.0

    private func firstBeyond(_ cell: UInt64, _ shift: UInt64, _ rows: Range<Int>) -> Int {
        var (low, high) = (rows.lowerBound, rows.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key >> shift <= cell { low = middle + 1 } else { high = middle }
        }
        return low
    }

    struct Candidate: BitwiseCopyable {
        var rank: UInt64
        var bytes: Float
    }

    /// The rank of the last that has a place when the greatest go first; one that goes over the budget still has it.
    ///
    /// Rule: Hoare's “Find”, 1961, weighing instead of counting.
    /// - Complexity: O(n) on average
    static func leastRank(_ candidates: inout [Candidate], budget: Double) -> UInt64 {
        var left = budget
        var (low, high) = (0, candidates.count)
        var least = UInt64.max
        while low < high {
            let middle = candidates[low + (high - low) / 2].rank
            let (a, b) = (candidates[low].rank, candidates[high - 1].rank)
            let pivot = max(min(a, b), min(max(a, b), middle))
            // Greater ones to the front, then the equal ones.
            var (greater, i, smaller) = (low, low, high)
            var (greaterBytes, equalBytes) = (0.0, 0.0)
            while i < smaller {
                let candidate = candidates[i]
                if candidate.rank > pivot {
                    greaterBytes += Double(candidate.bytes)
                    candidates.swapAt(i, greater)
                    greater += 1
                    i += 1
                } else if candidate.rank < pivot {
                    smaller -= 1
                    candidates.swapAt(i, smaller)
                } else {
                    equalBytes += Double(candidate.bytes)
                    i += 1
                }
            }
            if greaterBytes >= left && greater > low {
                high = greater
                continue
            }
            least = pivot
            left -= greaterBytes + equalBytes
            if left <= 0 { break }
            low = smaller
        }
        return least
    }

    /// Of equal importance the greater goes first, to some 20 bits: of roads of one width the long ones.
    /// - Parameter value: of the attribute declared as importance.
    static func rank(importance value: Float, area: Float, length: Float, isPoint: Bool, number: UInt64) -> UInt64 {
        let bits = value.bitPattern
        // Ascending as numbers: negative ones turned round.
        let ordered = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
        let size = rank(area: area, length: length, isPoint: isPoint, number: number) >> 32 & ~0xFFF
        return UInt64(ordered) << 32 | size | hash(number) & 0xFFF
    }

    static func rank(area: Float, length: Float, isPoint: Bool, number: UInt64) -> UInt64 {
        let hash = hash(number)
        if area > 0 { return 1 << 63 | UInt64(area.bitPattern) << 32 | hash >> 32 }
        if !isPoint { return 1 << 62 | UInt64(length.bitPattern >> 2) << 32 | hash >> 32 }
        return hash >> 2
    }

    /// A mix of 64 bits (the finalizer of SplitMix64, S. Vigna, public domain).
    static func hash(_ number: UInt64) -> UInt64 {
        var z = number &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension LevelOfDetail.Entry {
    /// About how many bytes the feature takes in a tile that holds it whole. Far out, vertices fall together: a line passes no more cells of the grid
    /// than it is long.
    func bytes(zoom: Int, attributeBytes: Double) -> Double {
        let units = zoom <= 20 ? Double(length) / Double(1 << (20 - zoom)) : 4 * Double(length)
        return 16 + attributeBytes + 2.4 * min(Double(vertices), units + 4)
    }
}
