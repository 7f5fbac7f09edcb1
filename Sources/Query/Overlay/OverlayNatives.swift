import Geo
import GeoNative
import LayerStore

/// What needs GEOS: containment where borders are near, and the figures of intersections. For one thread; what was made for one feature is kept for the next.
final class OverlayNatives {
    let context = GEOSContext()
    private let plan: OverlayPlan
    /// Overlay features by their place in the table.
    private var overlays: [Int: Feature] = [:]
    private var keptVertices = 0
    private var target: Feature?
    private var targetRow = -1
    private var targetArea: Double?

    /// Vertices of overlay features that are kept; then all are forgotten.
    private static let vertexLimit = 1 << 21

    init(_ plan: OverlayPlan) {
        self.plan = plan
    }

    // MARK: Containment

    func contains(overlay place: Int, targetRow row: Int) throws(QueryError) -> Bool {
        let (outer, inner) = (try overlay(place), try target(row))
        return try computing(plan.table.source.layer) { () throws(GEOSError) in try outer.contains(inner) }
    }

    func contains(targetRow row: Int, overlay place: Int) throws(QueryError) -> Bool {
        let (outer, inner) = (try target(row), try overlay(place))
        return try computing(plan.target.layer) { () throws(GEOSError) in try outer.contains(inner) }
    }

    // MARK: Intersections

    /// Square metres of the target's polygons in the union of the hits' polygons.
    func area(targetRow row: Int, _ hits: ArraySlice<OverlayWorker.Hit>) throws(QueryError) -> Double {
        let target = try target(row)
        guard let polygons = target.geometry.parts(of: .polygon) else { return 0 }
        if hits.contains(where: { $0.lies == .targetInside && !isLine($0.place) }) {
            if let targetArea { return targetArea }
            let area = Ellipsoid.area(polygons)
            targetArea = area
            return area
        }
        return try common(polygons, hits, .polygon, wanted: .polygon).reduce(0) { $0 + Ellipsoid.area($1) }
    }

    /// Metres of the target's lines in the union of the hits' polygons and lines, and of the hits' lines in the target's polygons.
    func length(targetRow row: Int, _ hits: ArraySlice<OverlayWorker.Hit>) throws(QueryError) -> Double {
        let target = try target(row)
        var total = 0.0
        if let polygons = target.geometry.parts(of: .polygon) {
            for line in try common(polygons, hits, .lineString, wanted: .lineString) { total += Ellipsoid.length(line) }
        }
        guard let lines = target.geometry.parts(of: .lineString) else { return total }
        if hits.contains(where: { $0.lies == .targetInside && !isLine($0.place) }) { return total + Ellipsoid.length(lines) }
        let inPolygons = try common(lines, hits, .polygon, wanted: .lineString)
        for line in inPolygons { total += Ellipsoid.length(line) }
        let outside = inPolygons.isEmpty ? lines : try difference(lines, hits)
        guard let outside else { return total }
        for line in try common(outside, hits, .lineString, wanted: .lineString) { total += Ellipsoid.length(line) }
        return total
    }

    private func isLine(_ place: Int) -> Bool {
        guard let outline = plan.table.outlines[place] else { return true }
        return !outline.hasPolygons
    }

    /// Degrees. A feature of a smaller envelope is held only against what of large ones lies around it. For a larger one the overlay's features are taken whole,
    /// so that no cut leaves a vertex on a long edge: as a geodesic it would be another edge.
    private static let smallTarget = 0.003

    /// What parts of the target have in common with the union of the hits' parts of one kind.
    private func common(
        _ mine: Geometry, _ hits: ArraySlice<OverlayWorker.Hit>, _ overlayKind: GeometryKind, wanted: GeometryKind
    ) throws(QueryError) -> [Geometry] {
        var result: [Geometry] = []
        for united in try united(around: mine, hits, overlayKind) {
            if united.isInside && mine.kind.partKind == .polygon {
                result.append(united.geometry)
                continue
            }
            let common = try computing(plan.target.layer) { () throws(GEOSError) in
                try NativeGeometry(mine, in: context).intersection(NativeGeometry(united.geometry, in: context)).geometry()
            }
            if let found = common.parts(of: wanted) { result.append(found) }
        }
        return result
    }

    /// What of the target's lines lies outside of the hits' polygons; nil when nothing does.
    private func difference(_ mine: Geometry, _ hits: ArraySlice<OverlayWorker.Hit>) throws(QueryError) -> Geometry? {
        var rest = mine
        for united in try united(around: mine, hits, .polygon) {
            let left = try computing(plan.target.layer) { () throws(GEOSError) in
                try NativeGeometry(rest, in: context).difference(NativeGeometry(united.geometry, in: context)).geometry()
            }
            guard let lines = left.parts(of: .lineString) else { return nil }
            rest = lines
        }
        return rest
    }

    /// The hits' parts of one kind near a part of the target, made one where they may lie one over another.
    private func united(
        around mine: Geometry, _ hits: ArraySlice<OverlayWorker.Hit>, _ kind: GeometryKind
    ) throws(QueryError) -> [(geometry: Geometry, isInside: Bool)] {
        var box = mine.envelope
        let isSmall = max(box.maxX - box.minX, box.maxY - box.minY) < OverlayNatives.smallTarget
        // Cuts lie off the target, by a metre.
        box = Box(minX: box.minX - 1e-5, minY: box.minY - 1e-5, maxX: box.maxX + 1e-5, maxY: box.maxY + 1e-5)
        var pieces = IntersectionPieces(kind: kind)
        func add(_ geometry: Geometry, clipping: Bool, isInside: Bool = false) throws(QueryError) {
            guard geometry.envelope.intersects(box) else { return }
            guard clipping else { return pieces.add(geometry, isInside: isInside) }
            let part = try computing(plan.table.source.layer) { () throws(GEOSError) in
                try NativeGeometry(geometry, in: context).intersection(NativeGeometry(box, in: context)).geometry()
            }
            if let near = part.parts(of: kind) { pieces.add(near, isInside: false) }
        }
        for (number, hit) in hits.enumerated() {
            if number & 127 == 127 { try plan.deadline.check() }
            if isSmall, kind == .polygon, let cutting = plan.table.cuttings[hit.place] {
                for piece in cutting.pieces where piece.box.intersects(box) { try add(piece.polygons, clipping: true) }
            } else if let theirs = try overlay(hit.place).geometry.parts(of: kind) {
                // One alone is clipped by the intersection itself.
                let isLarge = isSmall && hits.count > 1 && theirs.vertexCount > 64
                try add(theirs, clipping: isLarge, isInside: hit.lies == .overlayInside)
            }
        }
        return try computing(plan.table.source.layer) { () throws(GEOSError) in try pieces.united(context) }
    }

    // MARK: Features

    private func target(_ row: Int) throws(QueryError) -> Feature {
        if row == targetRow, let target { return target }
        let made = try feature(plan.target, row)
        (target, targetRow, targetArea) = (made, row, nil)
        return made
    }

    private func overlay(_ place: Int) throws(QueryError) -> Feature {
        if let known = overlays[place] { return known }
        let made = try feature(plan.table.source, Int(plan.table.rows[place]))
        keptVertices += made.geometry.vertexCount
        if keptVertices > OverlayNatives.vertexLimit {
            overlays.removeAll()
            keptVertices = made.geometry.vertexCount
        }
        overlays[place] = made
        return made
    }

    private func feature(_ source: RowSource, _ row: Int) throws(QueryError) -> Feature {
        let shape = try reading(source.layer) { () throws(LayerFileError) in try source.file.shape(row) }
        return Feature(try computing(source.layer) { () throws(GEOSError) in try shape.geometry.withPolygonsDissolved(context) }, context)
    }

    /// A geometry and what GEOS made of it when it was first asked.
    private final class Feature {
        let geometry: Geometry
        private let context: GEOSContext
        private var natives: [Native]?

        private final class Native {
            let kind: GeometryKind
            let prepared: PreparedGeometry

            init(_ geometry: Geometry, _ kind: GeometryKind, _ context: GEOSContext) throws(GEOSError) {
                self.kind = kind
                prepared = try PreparedGeometry(NativeGeometry(geometry, in: context))
            }
        }

        init(_ geometry: Geometry, _ context: GEOSContext) {
            (self.geometry, self.context) = (geometry, context)
        }

        /// One for each kind of part: GEOS does not relate collections.
        private func parts() throws(GEOSError) -> [Native] {
            if let natives { return natives }
            var made: [Native] = []
            for kind in [GeometryKind.polygon, .lineString, .point] {
                if let parts = geometry.parts(of: kind) { made.append(try Native(parts, kind, context)) }
            }
            natives = made
            return made
        }

        /// The simple features standard's `contains`. Of a collection every kind of part must be covered by one kind of the other's parts, and
        /// one at least contained.
        func contains(_ inner: Feature) throws(GEOSError) -> Bool {
            var isContained = false
            for part in try inner.parts() {
                var isCovered = false
                for outer in try parts() where !isCovered || !isContained {
                    if !isContained { isContained = try outer.prepared.contains(part.prepared.geometry) }
                    if !isCovered { isCovered = try outer.prepared.covers(part.prepared.geometry) }
                }
                if !isCovered { return false }
            }
            return isContained
        }
    }
}
