public import Geo
public import GeoNative

/// Looks at one geometry after another: is it valid, and if not, what did it mean?
///
/// Geometries come in longitude and latitude, finite, within ±180 and ±90 and rounded (`Geometry.roundToStorage`); they leave valid and rounded,
/// with shells counter-clockwise and holes clockwise (RFC 7946, 3.1.6), or are rejected. Nothing is moved: vertices are dropped when
/// they repeat, and added only where lines cross.
///
/// One a thread; memory is used again, and a geometry with nothing wrong costs no allocation.
public final class GeometryChecker {
    /// What was done to a geometry, or why it cannot be used.
    public struct Verdict: Sendable, Equatable {
        /// Why it is rejected; nil when it can be loaded.
        public var rejection: FindingCode?
        /// What was changed, each once.
        public var changes: [FindingCode] = []
        /// Where the problem can be seen.
        public var near: Point?
        /// Square metres before and after a repair that may change the area (see `GeometryChecker.squareMetres`).
        public var areaBefore: Double?
        public var areaAfter: Double?

        public init() {}

        static func rejected(_ code: FindingCode, near: Point?) -> Verdict {
            var result = Verdict()
            result.rejection = code
            result.near = near
            return result
        }
    }

    /// Two readings of the same rings may differ by this share of their area before the geometry counts as unclear.
    public static let unclearShare = 0.01
    /// Repair of more vertices than this is not tried: one call to GEOS cannot be interrupted.
    public static let repairVertexLimit = 1 << 20

    private let context: GEOSContext
    /// What a repair was given, to find the source's vertices again.
    private var before = Geometry(kind: .point)

    /// Fills in source coordinates of vertices that the source did not have, from longitude and latitude, x and y in turn in place; false when it cannot.
    public var sourceCoordinates: ((inout [Double]) -> Bool)?

    public init(context: GEOSContext) {
        self.context = context
    }

    /// Checks `geometry` and repairs it in place.
    ///
    /// - Parameter source: the same vertices in the source's own system, kept in step; empty when they are not wanted.
    /// - Complexity: O(vertices · log) where nothing is wrong; a repair can take the square
    public func check(_ geometry: inout Geometry, source: inout [Double]) -> Verdict {
        precondition(source.isEmpty || source.count == geometry.coordinates.count)
        var verdict = Verdict()
        let first = geometry.isEmpty ? nil : geometry.vertex(0)
        tidy(&geometry, &source, &verdict)
        guard !geometry.isEmpty else { return .rejected(.tooFewPoints, near: first) }
        guard hasPolygons(geometry) else { return verdict }
        if SimpleRings.areCertainlyValid(geometry) { return verdict }
        do {
            guard let problem = try NativeGeometry(geometry, in: context).validityProblem() else { return verdict }
            verdict.near = problem.near ?? first
            return try repair(&geometry, &source, problem, verdict)
        } catch {
            // GEOS could not even build or compare it.
            return .rejected(.unrepairable, near: verdict.near ?? first)
        }
    }

    private func hasPolygons(_ geometry: borrowing Geometry) -> Bool {
        switch geometry.kind {
        case .polygon, .multiPolygon: true
        case .geometryCollection: geometry.partKinds.contains(.polygon)
        default: false
        }
    }

    // MARK: Repair

    private func repair(
        _ geometry: inout Geometry, _ source: inout [Double], _ problem: ValidityProblem, _ sofar: Verdict
    ) throws(GEOSError) -> Verdict {
        var verdict = sofar
        guard geometry.vertexCount <= Self.repairVertexLimit else { return .rejected(.unrepairable, near: verdict.near) }
        let scale = Self.squareMetres(near: geometry.envelope.centre)
        let kind = geometry.kind
        let given = try NativeGeometry(geometry, in: context)
        // A surface cut into pieces that touch along edges, such as a triangle mesh: valid each, together not.
        let isMesh = kind == .multiPolygon ? try partsAreValid(geometry) : false
        let repaired: Geometry
        if isMesh {
            let merged = try given.dissolved()
            verdict.areaBefore = try given.area() * scale
            verdict.areaAfter = try merged.area() * scale
            verdict.changes.append(.partsMerged)
            repaired = try merged.geometry()
        } else {
            let structured = try given.repaired()
            let (asMeant, asDrawn) = (try structured.area(), try given.evenOddRepaired().area())
            guard abs(asMeant - asDrawn) <= Self.unclearShare * max(asMeant, asDrawn) else {
                return .rejected(.unclearGeometry, near: verdict.near)
            }
            verdict.areaBefore = asDrawn * scale
            verdict.areaAfter = asMeant * scale
            verdict.changes.append(.repaired(problem.rule.rawValue))
            repaired = try structured.geometry()
        }
        guard !repaired.isEmpty, repaired.kind == .polygon || repaired.kind == .multiPolygon || kind == .geometryCollection else {
            return .rejected(.unrepairable, near: verdict.near)
        }
        guard let settled = try settle(repaired) else { return .rejected(.unrepairable, near: verdict.near) }
        swap(&before, &geometry)
        geometry = settled
        if kind == .multiPolygon && geometry.kind == .polygon { geometry.kind = .multiPolygon }
        if !source.isEmpty { guard followSource(geometry, &source) else { return .rejected(.unrepairable, near: verdict.near) } }
        return verdict
    }

    /// Each part by itself breaks no rule.
    private func partsAreValid(_ geometry: borrowing Geometry) throws(GEOSError) -> Bool {
        guard geometry.partEnds.count > 1 else { return false }
        for i in geometry.partEnds.indices {
            let rings = geometry.rings(ofPart: i)
            let start = rings.lowerBound == 0 ? 0 : geometry.ringEnds[rings.lowerBound - 1]
            let part = Geometry(
                kind: .polygon, coordinates: Array(geometry.coordinates[(2 * start)..<(2 * geometry.ringEnds[rings.upperBound - 1])]),
                ringEnds: geometry.ringEnds[rings].map { $0 - start }, partEnds: [rings.count])
            if SimpleRings.areCertainlyValid(part) { continue }
            guard try NativeGeometry(part, in: context).isValid() else { return false }
        }
        return true
    }

    /// New vertices of a repair lie between the places that can be stored. Rounded there, lines may cross anew; then GEOS draws them on the grid itself.
    private func settle(_ repaired: Geometry) throws(GEOSError) -> Geometry? {
        var candidate = repaired
        for attempt in 0..<3 {
            candidate.roundToStorage()
            var unused: [Double] = []
            var changes = Verdict()
            tidy(&candidate, &unused, &changes)
            guard !candidate.isEmpty else { return nil }
            if try NativeGeometry(candidate, in: context).isValid() { return candidate }
            candidate =
                attempt == 0
                ? try NativeGeometry(repaired, in: context).snapped(toGrid: 1e-9).geometry()
                : try NativeGeometry(candidate, in: context).repaired().geometry()
        }
        return nil
    }

    /// Source coordinates for repaired vertices: the source's own where a vertex is one of its, else computed.
    private func followSource(_ geometry: borrowing Geometry, _ source: inout [Double]) -> Bool {
        var known: [Point: Int] = [:]
        for i in 0..<before.vertexCount { known[before.vertex(i)] = i }
        var computed = geometry.coordinates
        guard let sourceCoordinates, sourceCoordinates(&computed) else { return false }
        for i in 0..<geometry.vertexCount {
            guard let index = known[geometry.vertex(i)] else { continue }
            computed[2 * i] = source[2 * index]
            computed[2 * i + 1] = source[2 * index + 1]
        }
        source = computed
        return true
    }

    /// Square metres in a square degree at a place, on a sphere of the earth's equator: for comparing before and after, within half a per cent.
    public static func squareMetres(near place: Point) -> Double {
        let metres = 6_378_137 * Double.pi / 180
        return metres * metres * cosine(degrees: place.y)
    }
}
