import Foundation
import Geo
import TestKit

/// Seeded shapes in a tile's grid units around and across it.
struct RandomShapes {
    typealias Place = (x: Double, y: Double)
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func number(_ range: ClosedRange<Double>) -> Double { Double.random(in: range, using: &generator) }

    mutating func whole(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    /// A ring that any ray from its centre meets once: simple, however spiky.
    mutating func star(centre: Place, radius: ClosedRange<Double>, vertices: Int) -> [Place] {
        let turn = number(0...6.28)
        return (0..<vertices).map { i in
            let angle = turn + (Double(i) + number(-0.3...0.3)) / Double(vertices) * 2 * .pi
            let r = number(radius)
            return (centre.x + r * cos(angle), centre.y + r * sin(angle))
        }
    }

    /// A polygon with holes in it, each in a circle of its own that the shell does not reach.
    mutating func polygon(centre: Place, size: Double) -> [[Place]] {
        var rings = [star(centre: centre, radius: size * 0.7...size * number(0.75...1.5), vertices: whole(3...60))]
        if whole(0...2) == 0 { return [star(centre: centre, radius: size * 0.02...size, vertices: whole(3...60))] }
        rings[0] = star(centre: centre, radius: size * 0.7...size * 1.2, vertices: whole(20...60))
        for i in 0..<whole(0...5) {
            let angle = Double(i) / 5 * 2 * .pi
            let middle = (x: centre.x + 0.3 * size * cos(angle), y: centre.y + 0.3 * size * sin(angle))
            rings.append(star(centre: middle, radius: size * 0.01...size * 0.15, vertices: whole(3...20)))
        }
        return rings
    }

    /// A long strip only `width` wide along a curve.
    mutating func sliver(from start: Place, width: Double, steps: Int, stride: Double) -> [Place] {
        var angle = number(0...6.28)
        var at = start
        var left: [Place] = []
        var right: [Place] = []
        for _ in 0...steps {
            left.append((at.x - width / 2 * sin(angle), at.y + width / 2 * cos(angle)))
            right.append((at.x + width / 2 * sin(angle), at.y - width / 2 * cos(angle)))
            at = (at.x + stride * cos(angle), at.y + stride * sin(angle))
            angle += number(-0.02...0.02)
        }
        return left + right.reversed()
    }

    /// A comb whose teeth cross the tile's edge.
    mutating func comb(teeth: Int, from x: Double, y: ClosedRange<Double>, pitch: Double, fill: Double) -> [Place] {
        var ring: [Place] = [(x, y.lowerBound)]
        for tooth in 0..<teeth {
            let west = x + Double(tooth) * pitch
            ring += [(west, y.upperBound), (west + pitch * fill, y.upperBound), (west + pitch * fill, y.lowerBound + 10)]
            if tooth + 1 < teeth { ring.append((west + pitch, y.lowerBound + 10)) }
        }
        ring.append((x + Double(teeth - 1) * pitch + pitch * fill, y.lowerBound))
        return ring
    }

    /// Some tile of a zoom.
    mutating func tile(zoom: Int) -> TileCoordinate {
        let last = (1 << zoom) - 1
        return TileCoordinate(zoom: zoom, column: whole(0...last), row: whole(0...last))!
    }
}
