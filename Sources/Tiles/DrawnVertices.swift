import Geo
import Glibc

/// The vertices of a shape that a tile draws, in the tile's world units: those that its zoom leaves out are left out, and for WorldCRS84Quad degrees take
/// the place of Web Mercator.
struct DrawnVertices: ~Copyable {
    private var units = Scratch<Int32>(capacity: 1024)
    private var ends = Scratch<UInt32>()
    private var levels = Scratch<VertexLevel>()

    /// A shape and the levels of its vertices, where there are any.
    struct Drawn {
        var shape: Shape
        var levels: UnsafePointer<VertexLevel>?
    }

    /// Valid until this is called again.
    /// - Parameter zoom: vertices of greater levels are left out; nil to keep all.
    mutating func take(_ stored: Shape, _ levels: UnsafePointer<VertexLevel>?, zoom: Int?, isGeographic: Bool) -> Drawn {
        if let levels, let zoom, zoom < VertexLevel.wholeZoom { return simplify(stored, levels, zoom, isGeographic) }
        if !isGeographic { return Drawn(shape: stored, levels: levels) }
        units.fill(count: stored.mercator.count) { PlateCarree.unit(stored.degrees, $0) }
        return Drawn(shape: shape(stored, ringEnds: stored.ringEnds), levels: levels)
    }

    private func shape(_ stored: Shape, ringEnds: UnsafeBufferPointer<UInt32>) -> Shape {
        Shape(
            kind: stored.kind, partEnds: stored.partEnds, ringEnds: ringEnds, partKinds: stored.partKinds, mercator: units.view,
            degrees: stored.degrees)
    }

    private mutating func simplify(_ stored: Shape, _ levels: UnsafePointer<VertexLevel>, _ zoom: Int, _ isGeographic: Bool) -> Drawn {
        units.removeAll()
        ends.removeAll()
        self.levels.removeAll()
        var start = 0
        for part in 0..<stored.partEnds.count {
            let isPolygon = stored.kind(ofPart: part) == .polygon
            for ring in stored.rings(ofPart: part) {
                let end = Int(stored.ringEnds[ring])
                var first: Int?
                // A ring's last vertex is its first once more, and so is that of the simplified one.
                for vertex in start..<(isPolygon ? end - 1 : end) where levels[vertex].zoom <= zoom {
                    first = first ?? vertex
                    add(stored, levels, vertex, isGeographic)
                }
                if isPolygon, let first { add(stored, levels, first, isGeographic) }
                ends.append(UInt32(units.count / 2))
                start = end
            }
        }
        return Drawn(shape: shape(stored, ringEnds: ends.view), levels: self.levels.view.baseAddress)
    }

    @inline(__always)
    private mutating func add(_ stored: Shape, _ levels: UnsafePointer<VertexLevel>, _ vertex: Int, _ isGeographic: Bool) {
        if isGeographic {
            units.append(PlateCarree.unit(stored.degrees, 2 * vertex))
            units.append(PlateCarree.unit(stored.degrees, 2 * vertex + 1))
        } else {
            units.append(stored.mercator[2 * vertex])
            units.append(stored.mercator[2 * vertex + 1])
        }
        self.levels.append(levels[vertex])
    }
}

/// World units of WorldCRS84Quad for geometries that are stored in those of Web Mercator and in degrees.
enum PlateCarree {
    /// One of a shape's numbers: longitudes have even places, latitudes odd ones.
    @inline(__always)
    static func unit(_ degrees: Shape.Degrees, _ place: Int) -> Int32 {
        let value: Double
        switch degrees {
        case .narrow(let numbers): value = Double(numbers[place]) * (WebMercator.worldSize / 360e7)
        case .wide(let numbers, let decimals): value = Double(numbers[place]) * (WebMercator.worldSize / (decimals == 8 ? 360e8 : 360e9))
        }
        return rounded(place & 1 != 0 ? -value : value)
    }

    @inline(__always)
    private static func rounded(_ value: Double) -> Int32 { Int32(max(-2_147_483_648, min(2_147_483_647, value.rounded()))) }

    /// A place and an area in Web Mercator, in the units of WorldCRS84Quad.
    static func project(x: Int32, y: Int32, area: Float) -> (x: Int32, y: Int32, area: Float) {
        let latitude = WebMercator.unproject(x: 0, y: Double(y)).y
        // Web Mercator stretches both axes by 1 ÷ cos φ, this only that of x.
        let cosine = cos(latitude * .pi / 180)
        return (x, rounded(-latitude * (WebMercator.worldSize / 360)), area * Float(cosine))
    }
}
