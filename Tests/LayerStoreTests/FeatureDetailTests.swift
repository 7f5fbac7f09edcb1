import Foundation
import Geo
import TestKit
import Testing

@testable import LayerStore

@Suite struct FeatureDetailTests {
    typealias Place = SIMD2<Int64>

    /// A ring that any ray from its centre meets once, in world units, closed; some of its vertices lie near its other edges.
    private func ring(_ size: Double, using generator: inout SeededGenerator) -> [Int32] {
        let count = Int.random(in: 3...20, using: &generator)
        let (x, y) = (Double.random(in: -1e9...1e9, using: &generator), Double.random(in: -1e9...1e9, using: &generator))
        let turn = Double.random(in: 0...6.28, using: &generator)
        let isClockwise = Bool.random(using: &generator)
        var places: [Int32] = []
        for i in 0..<count {
            let angle = turn + (Double(i) + Double.random(in: -0.3...0.3, using: &generator)) / Double(count) * 2 * .pi
            let radius = size * Double.random(in: 0.3...1, using: &generator)
            places += [Int32(x + radius * cos(angle)), Int32(y + (isClockwise ? 1 : -1) * radius * sin(angle))]
        }
        return places + places.prefix(2)
    }

    /// By every pair of edges, in whole numbers: nothing but neighbours touch, and these only at the vertex they share.
    private func isSimple(_ ring: [Place]) -> Bool {
        func turn(_ a: Place, _ b: Place, _ c: Place) -> Int64 { ((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)).signum() }
        func isOn(_ p: Place, _ a: Place, _ b: Place) -> Bool {
            turn(a, b, p) == 0 && min(a.x, b.x) <= p.x && p.x <= max(a.x, b.x) && min(a.y, b.y) <= p.y && p.y <= max(a.y, b.y)
        }
        let count = ring.count
        for i in 0..<count {
            let (a, b) = (ring[i], ring[(i + 1) % count])
            if a == b { return false }
            for j in 0..<count where j != i {
                let (c, d) = (ring[j], ring[(j + 1) % count])
                if j == (i + 1) % count {
                    if isOn(d, a, b) || isOn(a, c, d) { return false }
                } else if i == (j + 1) % count {
                    continue
                } else if isOn(a, c, d) || isOn(b, c, d) || isOn(c, a, b) || isOn(d, a, b)
                    || (turn(a, b, c) != turn(a, b, d) && turn(c, d, a) != turn(c, d, b))
                {
                    return false
                }
            }
        }
        return true
    }

    /// The ring on the grid of a zoom, repeated vertices left out.
    private func rounded(_ ring: [Int32], zoom: Int) -> [Place] {
        let unit = Int64(1) << (20 - Int64(zoom))
        func snap(_ value: Int32) -> Int64 { Int64(((Double(value) + Double(unit) / 2) / Double(unit)).rounded(.down)) }
        var places = stride(from: 0, to: ring.count - 2, by: 2).map { Place(snap(ring[$0]), snap(ring[$0 + 1])) }
        places = places.enumerated().filter { $0.element != places[($0.offset + 1) % places.count] }.map(\.element)
        return places
    }

    /// The slow and obvious way: the first zoom that has room for the feature and shows it four square grid units large.
    private func ownZoom(_ detail: FeatureDetail) -> UInt8 {
        for zoom in 0...TileCoordinate.zoomLimit {
            let unit = pow(2, 20 - Double(zoom))
            if Int(detail.leastZoom) <= zoom && (detail.area == 0 || Double(detail.area) >= 4 * unit * unit) { return UInt8(zoom) }
        }
        return FeatureDetail.never
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `from its own zoom on a feature matters and is large enough`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let exact = exp2(Float(Int.random(in: -6...50, using: &generator)))
            var detail = FeatureDetail(
                x: 0, y: 0,
                area: [0, exact, exact.nextUp, exact.nextDown, .random(in: 0...exact, using: &generator)].randomElement(using: &generator)!)
            detail.leastZoom = [0, .random(in: 0...22, using: &generator), FeatureDetail.never].randomElement(using: &generator)!
            #expect(detail.ownZoom == ownZoom(detail), "seed \(seed): \(detail)")
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a file says for each zoom how many features are drawn by themselves from it on`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: [Attribute(name: "text", type: .text)]), scratch: scratch.url)
        for i in 0..<3000 {
            let (x, y) = (139 + Double.random(in: 0...0.05, using: &generator), 35 + Double.random(in: 0...0.05, using: &generator))
            let side = exp2(Double.random(in: -22 ... -8, using: &generator))
            var geometry: Geometry =
                switch i % 5 {
                case 0: .point(x, y)
                case 1: .lineString([Point(x: x, y: y), Point(x: x + side, y: y)])
                default: .polygon([[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)].map { Point(x: x + side * $0.0, y: y + side * $0.1) }])
                }
            geometry.roundToStorage()
            try builder.set(0, text: "\(i)" + String(repeating: "x", count: 90))
            try builder.endFeature(geometry: geometry, sourceRow: UInt64(i))
        }
        _ = try builder.seal(as: folder.path("a.layer"), identity: Identity(), facts: LayerFacts())
        let file = try LayerFile.open(folder.path("a.layer"))
        let details = try #require(try file.details())
        try details.touch(0..<file.geometryCount)
        var counts = [Int](repeating: 0, count: TileCoordinate.zoomLimit + 2)
        for row in 0..<file.geometryCount { counts[min(Int(ownZoom(details[row])), counts.count - 1)] += 1 }
        #expect(file.ownZoomCounts == counts, "seed \(seed)")
        #expect(file.ownZoomCounts != file.leastZoomCounts)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `a ring that is called safe at a zoom is simple on the grid of its tiles`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var (safe, simple) = (0, 0)
        for _ in 0..<100 {
            let ring = ring(exp2(Double.random(in: 3...20, using: &generator)), using: &generator)
            let zooms = ring.withUnsafeBufferPointer { RingSafety.zooms($0) }
            for zoom in 5...20 {
                let rounded = rounded(ring, zoom: zoom)
                let isSimple = rounded.count >= 3 && isSimple(rounded)
                if isSimple && zoom >= 12 { simple += 1 }
                if zooms & (1 << UInt16(zoom - 5)) == 0 { continue }
                if zoom >= 12 { safe += 1 }
                #expect(isSimple, "seed \(seed), zoom \(zoom)")
            }
        }
        // Nearly all that could be called safe are.
        #expect(Double(safe) > 0.9 * Double(simple))
    }

    @Test func `a ring that crosses or touches itself is never safe`() {
        let bow: [Int32] = [0, 0, 1000, 1000, 1000, 0, 0, 1000, 0, 0]
        let touching: [Int32] = [0, 0, 2000, 0, 2000, 2000, 1000, 0, 0, 2000, 0, 0]
        let twice: [Int32] = [0, 0, 2000, 0, 2000, 0, 0, 2000, 0, 0]
        let flat: [Int32] = [0, 0, 1000, 0, 2000, 0, 0, 0]
        for ring in [bow, touching, twice, flat] {
            #expect(ring.withUnsafeBufferPointer { RingSafety.zooms($0) } == 0)
        }
        let square: [Int32] = [0, 0, 64, 0, 64, 64, 0, 64, 0, 0]
        // A grid unit is 64 world units at zoom 14, where the square is still one, and 128 at zoom 13, where half of one rounds up: with four times its area.
        #expect(square.withUnsafeBufferPointer { RingSafety.zooms($0) } == ~0 << (14 - 5))
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `details say where a feature is and how large`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let models = randomModels(300, using: &generator)
        let folder = try TemporaryFolder()
        let file = try build(models, as: folder.url.appending(path: "a.layer")).file
        let details = try #require(try file.details())
        try details.touch(0..<file.geometryCount)
        for row in 0..<file.geometryCount {
            let shape = try file.shape(row)
            let detail = details[row]
            let xs = stride(from: 0, to: shape.mercator.count, by: 2).map { Double(shape.mercator[$0]) }
            let ys = stride(from: 1, to: shape.mercator.count, by: 2).map { Double(shape.mercator[$0]) }
            #expect(abs(Double(detail.x) - (xs.min()! + xs.max()!) / 2) <= 1 && abs(Double(detail.y) - (ys.min()! + ys.max()!) / 2) <= 1)
            var area = 0.0
            for part in 0..<shape.partEnds.count where shape.kind(ofPart: part) == .polygon {
                for (number, ring) in shape.rings(ofPart: part).enumerated() {
                    let vertices = shape.vertices(ofRing: ring)
                    var sum = 0.0
                    for i in vertices.dropLast() { sum += (xs[i] - xs[0]) * (ys[i + 1] - ys[0]) - (xs[i + 1] - xs[0]) * (ys[i] - ys[0]) }
                    area += (number == 0 ? 0.5 : -0.5) * abs(sum)
                }
            }
            #expect(abs(Double(detail.area) - max(0, area)) <= 1e-5 * abs(area) + 1)
        }
    }
}
