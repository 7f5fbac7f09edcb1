import CGEOS
import Geo

/// GEOS, asked what a tile should look like.
final class Witness {
    private let context: GEOSContextHandle_t

    init() { context = GEOS_init_r() }
    deinit { GEOS_finish_r(context) }

    /// A geometry of the witness; freed with this.
    final class Figure {
        let pointer: OpaquePointer
        private let context: GEOSContextHandle_t
        // Keeps the context alive as long as any figure.
        private let owner: Witness

        fileprivate init(_ pointer: OpaquePointer?, _ owner: Witness) {
            self.pointer = pointer!
            self.owner = owner
            context = owner.context
        }

        deinit { GEOSGeom_destroy_r(context, pointer) }

        var area: Double {
            var result = 0.0
            precondition(GEOSArea_r(context, pointer, &result) == 1)
            return result
        }

        /// The length of a line, the perimeter of a polygon.
        var length: Double {
            var result = 0.0
            precondition(GEOSLength_r(context, pointer, &result) == 1)
            return result
        }

        /// Nil when the geometry is valid.
        var invalidity: String? {
            if GEOSisValid_r(context, pointer) == 1 { return nil }
            let reason = GEOSisValidReason_r(context, pointer)!
            defer { GEOSFree_r(context, reason) }
            return String(cString: reason)
        }

        func intersection(_ other: Figure) -> Figure { Figure(GEOSIntersection_r(context, pointer, other.pointer), owner) }

        func union(_ other: Figure) -> Figure { Figure(GEOSUnion_r(context, pointer, other.pointer), owner) }

        /// Of all its polygons.
        var holeCount: Int {
            (0..<GEOSGetNumGeometries_r(context, pointer)).reduce(0) { count, i in
                let part = GEOSGetGeometryN_r(context, pointer, i)
                return count
                    + (GEOSGeomTypeId_r(context, part) == Int32(GEOS_POLYGON.rawValue) ? Int(GEOSGetNumInteriorRings_r(context, part)) : 0)
            }
        }

        /// How far a place is from it.
        func distance(x: Double, y: Double) -> Double {
            let place = GEOSGeom_createPointFromXY_r(context, x, y)
            defer { GEOSGeom_destroy_r(context, place) }
            var result = 0.0
            precondition(GEOSDistance_r(context, pointer, place, &result) == 1)
            return result
        }

        func repaired() -> Figure { Figure(GEOSMakeValid_r(context, pointer), owner) }
    }

    /// Polygons from rings without their closing vertex.
    func polygons(_ polygons: [[[(x: Double, y: Double)]]]) -> Figure {
        var members: [OpaquePointer?] = polygons.map { rings in
            var holes = rings.dropFirst().map { line($0, isRing: true) as OpaquePointer? }
            return GEOSGeom_createPolygon_r(context, line(rings[0], isRing: true), &holes, UInt32(holes.count))
        }
        return Figure(GEOSGeom_createCollection_r(context, Int32(GEOS_MULTIPOLYGON.rawValue), &members, UInt32(members.count)), self)
    }

    func lines(_ lines: [[(x: Double, y: Double)]]) -> Figure {
        var members: [OpaquePointer?] = lines.map { line($0, isRing: false) }
        return Figure(GEOSGeom_createCollection_r(context, Int32(GEOS_MULTILINESTRING.rawValue), &members, UInt32(members.count)), self)
    }

    /// The tile with its buffer, in grid units.
    var bufferedTile: Figure { polygons([[[(-64, -64), (4160, -64), (4160, 4160), (-64, 4160)]]]) }

    private func line(_ vertices: [(x: Double, y: Double)], isRing: Bool) -> OpaquePointer {
        let all = isRing ? vertices + vertices.prefix(1) : vertices
        let numbers = all.flatMap { [$0.x, $0.y] }
        let sequence = GEOSCoordSeq_copyFromBuffer_r(context, numbers, UInt32(all.count), 0, 0)
        return isRing ? GEOSGeom_createLinearRing_r(context, sequence) : GEOSGeom_createLineString_r(context, sequence)
    }
}
