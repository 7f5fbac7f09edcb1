public import CQL2
public import Geo
import GeoNative

/// Where a `bbox` in some system lies, in degrees.
public enum SystemArea: Sendable, Equatable {
    /// Its sides are meridians and parallels there too.
    case box(BoxArea)
    /// A polygon, or the line or point that a box without a width is.
    case outline(Geometry)
}

extension QueryEngine {
    /// A box whose numbers are those of a system, in the order of its axes: the first and second of one corner, then of the other.
    ///
    /// In degrees on today's datums, and in Web Mercator, the box is exactly a box in longitude and latitude, and may cross the antimeridian there. In every other
    /// system it becomes a polygon: each side is cut into steps of at most 250 m (up to 1,024 steps), whose ends are moved exactly and joined by straight lines in
    /// degrees. Off the ends, line and side are 1 mm apart at most for boxes of up to 256 km, and 2 cm for those of 1,000 km.
    ///
    /// - Throws: `noPlace` when a part of the box lies where the system has no places; `nil` is answered when the numbers are no box.
    public func area(first: (Double, Double), second: (Double, Double), in system: MapSystem) throws(QueryError) -> SystemArea? {
        let (west, south, east, north) =
            system.isNorthFirst ? (first.1, first.0, second.1, second.0) : (first.0, first.1, second.0, second.1)
        guard [west, south, east, north].allSatisfy(\.isFinite), south <= north else { return nil }
        if system.isStored { return BoxArea(west: west, south: south, east: east, north: north).map { .box($0) } }
        guard west <= east else { return nil }
        if system.code == 3857 {
            guard let box = try WebMercatorPlane.box(west, south, east, north, system) else { return nil }
            return .box(box)
        }
        return .outline(try outline(Envelope(minX: west, minY: south, maxX: east, maxY: north), system))
    }

    /// A filter whose places are those of a system, in the order of its axes, with its places in longitude and latitude.
    public func filter(_ filter: Expression, in system: MapSystem) throws(QueryError) -> Expression {
        if system == .crs84 { return filter }
        return try filter.transformingGeometries { expression throws(QueryError) in
            switch expression {
            case .bbox(let west, let south, let east, let north):
                guard let area = try area(first: (west, south), second: (east, north), in: system) else { throw .noPlace(system.uri) }
                switch area {
                case .outline(let geometry): return .geometry(geometry)
                case .box(let box):
                    let (west, east) = (box.boxes.last!.minX, box.boxes.first!.maxX)
                    return .bbox(west: west, south: box.boxes[0].minY, east: east, north: box.boxes[0].maxY)
                }
            case .geometry(let geometry): return .geometry(try degrees(geometry, system))
            default: return expression
            }
        }
    }

    private func degrees(_ geometry: Geometry, _ system: MapSystem) throws(QueryError) -> Geometry {
        var result = geometry
        if system.isNorthFirst {
            for i in 0..<result.vertexCount { result.coordinates.swapAt(2 * i, 2 * i + 1) }
        }
        guard !system.isStored else { return result }
        try transforms.with(system) { transform throws(QueryError) in
            try QueryEngine.place(&result.coordinates, transform, system)
        }
        return result
    }

    private func outline(_ box: Envelope, _ system: MapSystem) throws(QueryError) -> Geometry {
        // Degrees are taken as if they were 111 km.
        let metres = system.isProjected ? 1.0 : 111_000.0
        func steps(_ length: Double) -> Int { max(1, min(1024, Int(min(1e9, length * metres / 250).rounded(.up)))) }
        let (across, up) = (steps(box.maxX - box.minX), steps(box.maxY - box.minY))
        var numbers: [Double] = []
        func side(_ from: (Double, Double), _ to: (Double, Double), _ count: Int) {
            for i in 0..<count {
                let share = Double(i) / Double(count)
                numbers += [from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share]
            }
        }
        let corners = [(box.minX, box.minY), (box.maxX, box.minY), (box.maxX, box.maxY), (box.minX, box.maxY)]
        var kind = GeometryKind.polygon
        if box.minX == box.maxX && box.minY == box.maxY {
            kind = .point
            numbers = [box.minX, box.minY]
        } else if box.minX == box.maxX || box.minY == box.maxY {
            kind = .lineString
            side(corners[0], corners[2], max(across, up))
            numbers += [box.maxX, box.maxY]
        } else {
            side(corners[0], corners[1], across)
            side(corners[1], corners[2], up)
            side(corners[2], corners[3], across)
            side(corners[3], corners[0], up)
            numbers += [box.minX, box.minY]
        }
        try transforms.with(system) { transform throws(QueryError) in try QueryEngine.place(&numbers, transform, system) }
        return Geometry(kind: kind, coordinates: numbers, ringEnds: [numbers.count / 2], partEnds: [1])
    }

    /// Moves places to degrees, and back again to see whether the system has them: far outside its area a projection answers with some place or other.
    private static func place(_ numbers: inout [Double], _ transform: CoordinateTransform, _ system: MapSystem) throws(QueryError) {
        let given = numbers
        guard transform.transform(&numbers) == 0 else { throw .noPlace(system.uri) }
        for i in stride(from: 0, to: numbers.count - 1, by: 2) where abs(numbers[i]) > 180 || abs(numbers[i + 1]) > 90 {
            throw .noPlace(system.uri)
        }
        var back = numbers
        guard transform.inverse(&back) == 0 else { throw .noPlace(system.uri) }
        // A centimetre; the steps of a datum's grid come back to a tenth of that.
        let tolerance = system.isProjected ? 0.01 : 1e-7
        for (i, number) in given.enumerated() where abs(back[i] - number) > tolerance { throw .noPlace(system.uri) }
    }
}

/// Boxes in Web Mercator (EPSG:3857), whose sides are meridians and parallels.
private enum WebMercatorPlane {
    /// Half the world's width: π × 6,378,137 m.
    private static let half = 20_037_508.342789244

    /// Clients ask for what their map shows, which may reach over the world's edge: there is nothing there.
    static func box(_ west: Double, _ south: Double, _ east: Double, _ north: Double, _ system: MapSystem) throws(QueryError) -> BoxArea? {
        guard west <= half, east >= -half else { throw .noPlace(system.uri) }
        func latitude(_ y: Double) -> Double {
            max(-90, min(90, WebMercator.unproject(x: 0, y: -y / (2 * half) * WebMercator.worldSize).y))
        }
        return BoxArea(
            west: max(-180, west / half * 180), south: latitude(south), east: min(180, east / half * 180), north: latitude(north))
    }
}
