import Geo
import GeoNative

/// A geometry written in a filter, ready to be asked about many features.
///
/// Relations are those of simple features (OGC 06-103r4, 6.1.15), which know no collection of several dimensions: such a one is taken apart
/// for *intersects*, where that is the same by definition, and refused otherwise. So is one of polygons that overlap too often to be made one.
final class SpatialLiteral {
    /// One, or the parts of a collection that is taken apart.
    private let parts: [PreparedPart]
    let geometry: Geometry
    let envelope: Envelope
    private let isArea: Bool
    private let grid: LiteralGrid?

    final class PreparedPart {
        let prepared: PreparedGeometry

        init(_ geometry: consuming NativeGeometry) throws(GEOSError) {
            prepared = try PreparedGeometry(geometry)
        }
    }

    /// Coordinates are rounded as those of layers are, so that what a client read from the source of a layer equals what is stored.
    ///
    /// - Parameter relation: the one that will be asked.
    /// - Throws: `invalidFilter` for rings that cross, coordinates that are none, what is empty, and what the relation cannot be asked of.
    init(_ given: Geometry, for relation: FeatureRelation, in context: FilterContext) throws(QueryError) {
        guard !given.isEmpty else {
            throw .invalidFilter(LocalizedText(ja: "フィルターの図形が空です。", en: "A geometry of the filter is empty."))
        }
        guard given.coordinates.allSatisfy({ $0.isFinite && abs($0) <= 1e6 }) else {
            throw .invalidFilter(LocalizedText(ja: "フィルターの座標が正しくありません。", en: "A coordinate of the filter is not a place."))
        }
        try context.deadline.check()
        let isApart = try SpatialLiteral.isApart(given, relation, context.deadline)
        var geometry = given
        geometry.roundToStorage()
        do throws(GEOSError) {
            do throws(GEOSError) {
                parts = try SpatialLiteral.prepare(geometry, apart: isApart, in: context.geos)
            } catch {
                // What rounding alone spoils, a sliver of a tenth of a millimetre, is asked as it is.
                parts = try SpatialLiteral.prepare(given, apart: isApart, in: context.geos)
                geometry = given
            }
        } catch {
            throw .invalidFilter(
                LocalizedText(
                    ja: "フィルターの図形が正しくありません（\(error.message)）。", en: "A geometry of the filter is not valid (\(error.message))."))
        }
        self.geometry = geometry
        envelope = geometry.envelope
        isArea = geometry.partEnds.indices.allSatisfy { geometry.kind(ofPart: $0) == .polygon }
        grid = isApart ? nil : LiteralGrid(envelope, hasInside: isArea, context.geos)
    }

    /// Whether a collection is asked part by part.
    private static func isApart(_ geometry: Geometry, _ relation: FeatureRelation, _ deadline: Deadline) throws(QueryError) -> Bool {
        if geometry.isMixed {
            guard relation == .intersects else {
                throw .invalidFilter(
                    LocalizedText(
                        ja: "種類の異なる図形の集まり（GEOMETRYCOLLECTION）は S_INTERSECTS と S_DISJOINT でだけ使えます。",
                        en: "A GEOMETRYCOLLECTION of several kinds can only stand in S_INTERSECTS and S_DISJOINT."))
            }
            return true
        }
        switch geometry.kind(ofPart: 0) {
        case .lineString where relation != .intersects: break
        case .polygon where geometry.kind == .geometryCollection && geometry.partEnds.count > 1: break
        // The edges of valid polygons meet nowhere.
        default: return false
        }
        guard try EdgeMeetings(geometry).areMore(than: EdgeMeetings.ofLiteral, deadline) else { return false }
        guard relation == .intersects else { throw tangled }
        // Only collections come here.
        return true
    }

    private static let tangled = QueryError.invalidFilter(
        LocalizedText(
            ja: "フィルターの図形の線分どうしが交わりすぎています（\(EdgeMeetings.ofLiteral) 回を超えます）。図形を分けるか、S_INTERSECTS を使ってください。",
            en:
                "The segments of a geometry of the filter meet each other more than \(EdgeMeetings.ofLiteral) times. Divide it, or use S_INTERSECTS."
        ))

    private static func prepare(_ geometry: Geometry, apart isApart: Bool, in context: GEOSContext) throws(GEOSError) -> [PreparedPart] {
        var parts: [PreparedPart] = []
        if geometry.kind == .geometryCollection {
            for part in geometry.partEnds.indices {
                let native = try NativeGeometry(geometry.part(part), in: context)
                if let problem = try native.validityProblem() { throw mark(problem) }
                if isApart { parts.append(try PreparedPart(native)) }
            }
        }
        if isApart { return parts }
        let native = try NativeGeometry.homogeneous(geometry, in: context)
        if let problem = try native.validityProblem() { throw mark(problem) }
        return [try PreparedPart(native)]
    }

    private static func mark(_ problem: ValidityProblem) -> GEOSError {
        let place = problem.near.map { ", \($0.x) \($0.y)" } ?? ""
        return GEOSError(operation: "is valid", message: problem.rule.rawValue + place)
    }

    var vertexCount: Int { geometry.vertexCount }
    var partCount: Int { parts.count }

    /// The relation is answered by what GEOS prepared. Otherwise it cuts both geometries where their edges meet, for each feature anew.
    func isPrepared(for relation: FeatureRelation) -> Bool { relation == .intersects || (relation == .within && isArea) }

    /// Where a feature lies, by its envelope alone.
    func side(of envelope: Envelope) throws(GEOSError) -> LiteralGrid.Side {
        guard self.envelope.intersects(envelope) else { return .outside }
        return try grid?.side(of: envelope, parts[0].prepared) ?? .open
    }

    /// The relation of a feature to this, the feature first; the one that this was made for. The feature is no collection of several dimensions,
    /// unless the relation is *intersects*.
    func holds(_ relation: FeatureRelation, _ feature: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        if relation == .intersects {
            for part in parts where try part.prepared.intersects(feature) { return true }
            return false
        }
        precondition(parts.count == 1, "a relation that collections do not have")
        let literal = parts[0]
        switch relation {
        // What is within the feature is contained by it, and the other way round.
        case .within: return try literal.prepared.contains(feature)
        case .contains: return try literal.prepared.within(feature)
        default: break
        }
        // These are not made faster by preparing, so that most are ruled out before.
        guard try literal.prepared.intersects(feature) else { return false }
        switch relation {
        case .touches: return try literal.prepared.touches(feature)
        case .crosses: return try literal.prepared.crosses(feature)
        case .overlaps: return try literal.prepared.overlaps(feature)
        case .equals: return try literal.prepared.geometry.equals(feature)
        case .intersects, .within, .contains: return true
        }
    }

    /// The relation of another literal to this, both made for it.
    func holds(_ relation: FeatureRelation, _ other: SpatialLiteral, _ deadline: Deadline) throws(QueryError) -> Bool {
        guard envelope.intersects(other.envelope) else { return false }
        if relation != .intersects {
            var meetings = EdgeMeetings(geometry)
            meetings.add(other.geometry, within: envelope)
            if try meetings.areMore(than: EdgeMeetings.ofLiteral, deadline) { throw SpatialLiteral.tangled }
        }
        for part in other.parts {
            try deadline.check()
            do throws(GEOSError) {
                if try holds(relation, part.prepared.geometry) { return true }
            } catch {
                throw .invalidFilter(
                    LocalizedText(
                        ja: "図形を比べられません（\(error.message)）。", en: "The geometries cannot be compared (\(error.message))."))
            }
        }
        return false
    }
}

/// The relations that are asked; *disjoint* is not to intersect.
enum FeatureRelation: String {
    case intersects
    case equals
    case touches
    case within
    case overlaps
    case crosses
    case contains
}

/// The envelope of a geometry cut into squares; of each, once it is asked for, whether it lies inside, outside or on the border. A square on
/// the border is cut once more. Most features are decided by the squares that their envelopes touch.
final class LiteralGrid {
    enum Side {
        /// The envelope lies inside, off the border.
        case inside
        case outside
        /// The geometry must be looked at.
        case open
    }

    /// Squares either way, and in each of those.
    private static let coarse = 32
    private static let fine = 4
    /// An envelope over more squares than this, either way, is looked at: it is large, and there are few such.
    private static let reach = 5

    private static let inside: UInt8 = 1
    private static let outside: UInt8 = 2
    private static let border: UInt8 = 3

    private let context: GEOSContext
    private let envelope: Envelope
    /// Something can lie inside it.
    private let hasInside: Bool
    private let first: Level
    private let second: Level

    private struct Level {
        let size: Int
        let width: Double
        let height: Double
        /// 0 where nobody asked yet. The grid's.
        let cells: UnsafeMutablePointer<UInt8>

        init(_ envelope: Envelope, _ size: Int) {
            self.size = size
            width = (envelope.maxX - envelope.minX) / Double(size)
            height = (envelope.maxY - envelope.minY) / Double(size)
            cells = .allocate(capacity: size * size)
            cells.initialize(repeating: 0, count: size * size)
        }

        @inline(__always)
        func place(_ distance: Double, _ side: Double) -> Int { max(0, min(size - 1, Int(distance / side))) }
    }

    /// Nil for an envelope without an area.
    init?(_ envelope: Envelope, hasInside: Bool, _ context: GEOSContext) {
        guard envelope.maxX - envelope.minX > 1e-7, envelope.maxY - envelope.minY > 1e-7 else { return nil }
        (self.envelope, self.hasInside, self.context) = (envelope, hasInside, context)
        first = Level(envelope, LiteralGrid.coarse)
        second = Level(envelope, LiteralGrid.coarse * LiteralGrid.fine)
    }

    deinit {
        first.cells.deallocate()
        second.cells.deallocate()
    }

    func side(of box: Envelope, _ geometry: borrowing PreparedGeometry) throws(GEOSError) -> Side {
        let known = try verdict(first, box, geometry)
        return known != .open ? known : try verdict(second, box, geometry)
    }

    private func verdict(_ level: Level, _ box: Envelope, _ geometry: borrowing PreparedGeometry) throws(GEOSError) -> Side {
        let left = level.place(box.minX - envelope.minX, level.width)
        let right = level.place(box.maxX - envelope.minX, level.width)
        let bottom = level.place(box.minY - envelope.minY, level.height)
        let top = level.place(box.maxY - envelope.minY, level.height)
        guard right - left < LiteralGrid.reach, top - bottom < LiteralGrid.reach else { return .open }
        let all = try cell(left, bottom, level, geometry)
        if all == LiteralGrid.border { return .open }
        for y in bottom...top {
            for x in left...right where try cell(x, y, level, geometry) != all { return .open }
        }
        // What reaches over the envelope cannot lie inside; beyond it there is nothing, so it may lie outside.
        return all == LiteralGrid.outside ? .outside : envelope.holds(box) ? .inside : .open
    }

    @inline(__always)
    private func cell(_ x: Int, _ y: Int, _ level: Level, _ geometry: borrowing PreparedGeometry) throws(GEOSError) -> UInt8 {
        let known = level.cells[y * level.size + x]
        return known != 0 ? known : try ask(x, y, level, geometry)
    }

    private func ask(_ x: Int, _ y: Int, _ level: Level, _ geometry: borrowing PreparedGeometry) throws(GEOSError) -> UInt8 {
        var side: UInt8 = 0
        if level.size > LiteralGrid.coarse {
            let above = first.cells[y / LiteralGrid.fine * LiteralGrid.coarse + x / LiteralGrid.fine]
            if above == LiteralGrid.inside || above == LiteralGrid.outside { side = above }
        }
        if side == 0 {
            // A little larger than the square, so that rounding in `place` changes nothing.
            let (marginX, marginY) = (level.width * 1e-6, level.height * 1e-6)
            let box = Envelope(
                minX: envelope.minX + Double(x) * level.width - marginX, minY: envelope.minY + Double(y) * level.height - marginY,
                maxX: envelope.minX + Double(x + 1) * level.width + marginX,
                maxY: envelope.minY + Double(y + 1) * level.height + marginY)
            let square = try NativeGeometry(box, in: context)
            if try !geometry.intersects(square) {
                side = LiteralGrid.outside
            } else if hasInside, try geometry.containsProperly(square) {
                side = LiteralGrid.inside
            } else {
                side = LiteralGrid.border
            }
        }
        level.cells[y * level.size + x] = side
        return side
    }
}

extension NativeGeometry {
    /// A geometry that simple features know relations of: a collection of one kind becomes the multi-geometry of its parts.
    static func homogeneous(_ geometry: borrowing Geometry, in context: GEOSContext) throws(GEOSError) -> NativeGeometry {
        guard geometry.kind == .geometryCollection, let kind = geometry.partKinds.first else {
            return try NativeGeometry(geometry, in: context)
        }
        if kind == .polygon {
            // Parts of a collection may overlap; those of a multipolygon may not.
            return try NativeGeometry(geometry, in: context).dissolved()
        }
        var multiple = copy geometry
        multiple.kind = kind == .point ? .multiPoint : .multiLineString
        multiple.partKinds = []
        return try NativeGeometry(multiple, in: context)
    }
}

extension Geometry {
    /// A collection of several dimensions.
    var isMixed: Bool { kind == .geometryCollection && !partKinds.allSatisfy { $0 == partKinds[0] } }

    /// One part as a geometry of its own.
    func part(_ number: Int) -> Geometry {
        var result = Geometry(kind: kind(ofPart: number))
        for ring in rings(ofPart: number) {
            let vertices = vertices(ofRing: ring)
            result.coordinates += coordinates[2 * vertices.lowerBound..<2 * vertices.upperBound]
            result.ringEnds.append(result.vertexCount)
        }
        result.partEnds = [result.ringEnds.count]
        return result
    }
}

extension Shape {
    /// `geometry` into memory that is used again.
    func read(into target: inout Geometry) {
        target.removeAll(kind: kind)
        switch degrees {
        case .narrow(let numbers):
            for i in 0..<2 * vertexCount { target.coordinates.append(Double(numbers[i]) / 1e7) }
        case .wide(let numbers, let decimals):
            let scale = decimals == 8 ? 1e8 : 1e9
            for i in 0..<2 * vertexCount { target.coordinates.append(Double(numbers[i]) / scale) }
        }
        for end in ringEnds { target.ringEnds.append(Int(end)) }
        for end in partEnds { target.partEnds.append(Int(end)) }
        for kind in partKinds { target.partKinds.append(GeometryKind(rawValue: kind) ?? .point) }
    }
}
