import Geo
import GeoNative
import LayerStore
import TestKit

@testable import Query

/// Geometry on a coarse lattice, so that borders touch, coincide and cross in every way, with some of many vertices.
func latticeGeometry(_ generator: inout SeededGenerator) -> Geometry {
    let step = 0.0005
    func place() -> Point {
        Point(
            x: 139.5 + step * Double(Int.random(in: 0..<24, using: &generator)),
            y: 35.5 + step * Double(Int.random(in: 0..<24, using: &generator)))
    }
    func rectangle(_ low: Point, _ width: Double, _ height: Double) -> [Point] {
        [
            low, Point(x: low.x + width, y: low.y), Point(x: low.x + width, y: low.y + height), Point(x: low.x, y: low.y + height), low,
        ]
    }
    let low = place()
    let (width, height) = (
        step * Double(Int.random(in: 1...6, using: &generator)), step * Double(Int.random(in: 1...6, using: &generator))
    )
    var result: Geometry
    switch Int.random(in: 0..<12, using: &generator) {
    case 0: result = .point(low.x, low.y)
    case 1: result = .lineString([low, place()])
    case 2: result = .lineString([low, place(), place()])
    case 3: result = .polygon([[low, Point(x: low.x + width, y: low.y), Point(x: low.x, y: low.y + height), low]])
    case 4:
        // A frame: its hole touches nothing, or holds others.
        let inner = Point(x: low.x + step, y: low.y + step)
        result = .polygon([
            rectangle(low, width + 2 * step, height + 2 * step), rectangle(inner, width, height).reversed(),
        ])
    case 5, 6:
        result = .polygon([RandomGeometry().ring(centre: low, radius: 6 * step, vertices: 90, using: &generator)])
    case 7:
        let ring = RandomGeometry().ring(centre: low, radius: 8 * step, vertices: 60, using: &generator)
        let hole = RandomGeometry().ring(centre: low, radius: 2.5 * step, vertices: 40, using: &generator)
        result = .polygon([ring, hole.reversed()])
    case 8:
        result = .multiPolygon([[rectangle(low, step, step)], [rectangle(Point(x: low.x + 3 * step, y: low.y), width, height)]])
    case 9:
        let other = place()
        result = Geometry(kind: .multiPoint, coordinates: [low.x, low.y, other.x, other.y], ringEnds: [1, 2], partEnds: [1, 2])
    default: result = .polygon([rectangle(low, width, height)])
    }
    if result.kind == .lineString, result.envelope.minX == result.envelope.maxX, result.envelope.minY == result.envelope.maxY {
        result = .point(low.x, low.y)
    }
    result.roundToStorage()
    return result
}

/// The same off the lattice: nothing coincides but by chance.
func looseGeometry(_ generator: inout SeededGenerator) -> Geometry {
    var result = latticeGeometry(&generator)
    let (x, y) = (Double.random(in: 0..<0.0005, using: &generator), Double.random(in: 0..<0.0005, using: &generator))
    for i in 0..<result.vertexCount {
        result.coordinates[2 * i] += x
        result.coordinates[2 * i + 1] += y
    }
    result.roundToStorage()
    return result
}

/// The slow obvious way: every target against every overlay with plain GEOS, figures from lists of pairs.
struct OverlayWitness {
    let target: SampleLayer
    let overlay: SampleLayer
    private let context = GEOSContext()

    init(_ target: SampleLayer, _ overlay: SampleLayer) {
        (self.target, self.overlay) = (target, overlay)
    }

    func pairs(_ relation: OverlayRequest.Relation) throws -> [(target: Int, overlay: Int)] {
        var result: [(target: Int, overlay: Int)] = []
        let overlays = try overlay.geometries.map { geometry in try geometry.map { Native(try NativeGeometry($0, in: context)) } }
        for (t, geometry) in target.geometries.enumerated() {
            guard let geometry else { continue }
            let native = try NativeGeometry(geometry, in: context)
            for (o, other) in overlays.enumerated() {
                guard let other else { continue }
                let belongs =
                    switch relation {
                    case .intersects: try native.intersects(other.geometry)
                    case .within: try native.within(other.geometry)
                    case .contains: try native.contains(other.geometry)
                    default: false
                    }
                if belongs { result.append((t, o)) }
            }
        }
        return result
    }

    final class Native {
        let geometry: NativeGeometry
        init(_ geometry: consuming NativeGeometry) { self.geometry = geometry }
    }

    /// The table that `request` asks for, from the pairs.
    func table(_ request: OverlayRequest, _ pairs: [(target: Int, overlay: Int)]) throws -> [[AttributeValue]] {
        func value(_ property: OverlayRequest.Property, _ pair: (target: Int, overlay: Int)) -> AttributeValue {
            let column = SampleLayer.attributes.firstIndex { $0.name == property.name }!
            return property.side == .target ? target.values[pair.target][column] : overlay.values[pair.overlay][column]
        }
        var groups: [(key: [AttributeValue], pairs: [(target: Int, overlay: Int)])] = []
        if request.groupBy.isEmpty { groups.append(([], [])) }
        for pair in pairs {
            let key = request.groupBy.map { value($0, pair) }
            if let place = groups.firstIndex(where: { $0.key == key }) {
                groups[place].pairs.append(pair)
            } else {
                groups.append((key, [pair]))
            }
        }
        groups.sort { a, b in
            for (left, right) in zip(a.key, b.key) where left != right { return left.precedes(right) }
            return false
        }
        return try groups.map { group in
            let targets = Array(Set(group.pairs.map(\.target))).sorted()
            let overlays = Array(Set(group.pairs.map(\.overlay))).sorted()
            return try group.key
                + request.aggregates.map { aggregate in
                    var values: [AttributeValue] = []
                    if let property = aggregate.property {
                        let column = SampleLayer.attributes.firstIndex { $0.name == property.name }!
                        values =
                            property.side == .target
                            ? targets.map { target.values[$0][column] } : overlays.map { overlay.values[$0][column] }
                        values.removeAll { $0 == .null }
                    }
                    let numbers = values.map { value -> Double in
                        switch value {
                        case .integer(let number): Double(number)
                        case .real(let number): number
                        default: 0
                        }
                    }
                    let isInteger = values.allSatisfy { if case .integer = $0 { true } else { false } }
                    let sum = numbers.reduce(0, +)
                    switch aggregate {
                    case .count: return .integer(Int64(targets.count))
                    case .distinct:
                        var different: [AttributeValue] = []
                        for value in values where !different.contains(value) { different.append(value) }
                        return .integer(Int64(different.count))
                    case .sum: return values.isEmpty ? .null : isInteger ? .integer(Int64(sum)) : .real(sum)
                    case .mean: return values.isEmpty ? .null : .real(sum / Double(values.count))
                    case .min: return values.min { $0.precedes($1) } ?? .null
                    case .max: return values.max { $0.precedes($1) } ?? .null
                    case .area, .length: return .real(try intersection(aggregate, group.pairs))
                    }
                }
        }
    }

    /// Each target feature against the union of its overlay features.
    private func intersection(_ aggregate: OverlayRequest.Aggregate, _ pairs: [(target: Int, overlay: Int)]) throws -> Double {
        var total = 0.0
        for (t, group) in Dictionary(grouping: pairs, by: \.target) {
            let target = self.target.geometries[t]!
            let polygons = try union(group, .polygon)
            let lines = try union(group, .lineString)
            func common(_ kind: GeometryKind, _ other: borrowing NativeGeometry) throws -> Geometry? {
                guard let mine = target.parts(of: kind) else { return nil }
                return try NativeGeometry(mine, in: context).intersection(other).geometry()
            }
            if aggregate == .area {
                total += try common(.polygon, polygons).map { Ellipsoid.area($0) } ?? 0
            } else {
                total += try common(.polygon, lines).map { Ellipsoid.length($0) } ?? 0
                total += try common(.lineString, polygons).map { Ellipsoid.length($0) } ?? 0
                if let mine = target.parts(of: .lineString) {
                    let rest = try NativeGeometry(mine, in: context).difference(polygons)
                    total += Ellipsoid.length(try rest.intersection(lines).geometry())
                }
            }
        }
        return total
    }

    private func union(_ pairs: [(target: Int, overlay: Int)], _ kind: GeometryKind) throws -> NativeGeometry {
        var united = try NativeGeometry(Geometry(kind: kind == .polygon ? .multiPolygon : .multiLineString), in: context)
        for pair in pairs {
            guard let parts = overlay.geometries[pair.overlay]!.parts(of: kind) else { continue }
            let next = try united.union(NativeGeometry(parts, in: context))
            united = next
        }
        return united
    }

    /// Whether two tables are the same, real numbers but for rounding.
    static func agree(_ a: [[AttributeValue]], _ b: [[AttributeValue]]) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).allSatisfy { left, right in
            left.count == right.count
                && zip(left, right).allSatisfy { one, other in
                    if case .real(let x) = one, case .real(let y) = other { return abs(x - y) <= 1e-6 * max(abs(x), abs(y)) + 1e-6 }
                    return one == other
                }
        }
    }
}
