import Geo
import GeoNative
import LayerStore

/// The relation of each feature's geometry to a geometry of the filter: by the index, by the envelope, and by prepared GEOS for what is left.
///
/// Unknown for features without a geometry, and, but for *intersects*, for collections of several dimensions, of which the standard says
/// nothing.
final class SpatialNode: TruthNode {
    private let context: FilterContext
    private let relation: FeatureRelation
    private let literal: SpatialLiteral
    private let isNegated: Bool
    /// For features without a geometry.
    private let nullTruth: UInt8
    private var scratch = Geometry(kind: .point)
    /// Work since the deadline was looked at, in vertices.
    private var work = 0

    init(
        _ context: FilterContext, _ relation: FeatureRelation, _ literal: SpatialLiteral, negated: Bool,
        nullTruth: UInt8 = Truth.unknown
    ) {
        (self.context, self.relation, self.literal, isNegated, self.nullTruth) = (context, relation, literal, negated, nullTruth)
    }

    override var cost: Int { 1000 }

    override var text: String {
        let envelope = literal.envelope
        return
            "geometry \(isNegated ? "not " : "")\(relation.rawValue) \(literal.geometry.kind.name) of \(literal.vertexCount) vertices in "
            + "\(envelope.minX),\(envelope.minY),\(envelope.maxX),\(envelope.maxY), by envelope, then prepared GEOS"
    }

    override var reach: Reach { isNegated || nullTruth == Truth.yes ? .everywhere : .boxes([literal.envelope]) }

    override func possible(_ block: Int) throws(QueryError) -> TruthSet {
        let rest = context.outside(block, nullTruth)
        let envelope = try reading(context.layer) { () throws(LayerFileError) in try context.source.file.envelope(ofBlock: block) }
        guard let envelope else { return .any }
        let side: LiteralGrid.Side
        do throws(GEOSError) {
            side = try literal.side(of: envelope)
        } catch {
            throw .damaged(layer: context.layer, detail: "block \(block): \(error)")
        }
        // Of collections of several dimensions the other relations are unknown, wherever they lie.
        guard relation == .intersects || !context.source.file.geometryKinds.contains(.geometryCollection) else { return .any }
        switch side {
        case .open: return .any
        case .outside: return rest.union(isNegated ? .yes : .no)
        case .inside: return rest.union((relation == .intersects || relation == .within) != isNegated ? .yes : .no)
        }
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        // Taken out of the class once: its properties would be counted and checked at every use.
        let (file, layer, literal, geos) = (context.source.file, context.layer, literal, context.geos)
        var buffer = Geometry(kind: .point)
        swap(&buffer, &scratch)
        defer { swap(&buffer, &scratch) }
        for i in 0..<batch.count {
            let row = batch.row(i)
            guard row < file.geometryCount else {
                out[i] = nullTruth
                continue
            }
            let envelope = try reading(layer) { () throws(LayerFileError) in try file.indexedEnvelope(row) }
            let side = try asking(row) { () throws(GEOSError) in try literal.side(of: envelope) }
            let holds: Bool?
            if side != .open && relation == .intersects {
                holds = side == .inside
            } else {
                let shape = try reading(layer) { () throws(LayerFileError) in try file.shape(row) }
                holds = try self.holds(row, shape, side, literal, geos, &buffer)
            }
            out[i] = holds.map { $0 != isNegated ? Truth.yes : Truth.no } ?? Truth.unknown
            if work >= SpatialNode.stretch {
                work = 0
                try context.deadline.check()
            }
        }
    }

    private func holds(
        _ row: Int, _ shape: Shape, _ side: LiteralGrid.Side, _ literal: SpatialLiteral, _ geos: GEOSContext, _ buffer: inout Geometry
    ) throws(QueryError) -> Bool? {
        let isMixed = shape.kind == .geometryCollection && !shape.partKinds.allSatisfy { $0 == shape.partKinds[0] }
        if isMixed && relation != .intersects { return nil }
        switch side {
        case .outside: return false
        // All of the feature lies inside the polygon, off its border.
        case .inside: return relation == .within
        case .open: break
        }
        shape.read(into: &buffer)
        work += (buffer.vertexCount + 64) * literal.partCount
        if !literal.isPrepared(for: relation) {
            // However small the two look, such a question may take long: the deadline is looked at after each.
            work += SpatialNode.stretch
            try refuseTangle(buffer, literal)
        }
        do throws(GEOSError) {
            guard isMixed else { return try literal.holds(relation, try NativeGeometry.homogeneous(buffer, in: geos)) }
            for part in buffer.partEnds.indices {
                if try literal.holds(relation, try NativeGeometry(buffer.part(part), in: geos)) { return true }
            }
        } catch {
            throw damaged(row, error)
        }
        return false
    }

    /// A coast and a thousand lines across it may meet so often that GEOS takes gigabytes.
    private func refuseTangle(_ feature: borrowing Geometry, _ literal: SpatialLiteral) throws(QueryError) {
        // So few cannot meet so often.
        guard feature.vertexCount * literal.vertexCount > EdgeMeetings.withFeature else { return }
        var meetings = EdgeMeetings()
        meetings.add(literal.geometry, within: feature.envelope)
        meetings.add(feature, within: literal.envelope)
        guard try meetings.areMore(than: EdgeMeetings.withFeature, context.deadline) else { return }
        throw .limitExceeded(
            ja: "フィルターの図形の線分が地物の線分と交わりすぎています（\(EdgeMeetings.withFeature) 回を超えます）。図形を簡単にするか、S_INTERSECTS を使ってください。",
            en: "The segments of the filter’s geometry and of a feature meet more than \(EdgeMeetings.withFeature) times. "
                + "Make the geometry simpler, or use S_INTERSECTS.")
    }

    /// Work between two looks at the deadline.
    private static let stretch = 1 << 16

    private func damaged(_ row: Int, _ error: GEOSError) -> QueryError { .damaged(layer: context.layer, detail: "row \(row): \(error)") }

    @inline(__always)
    private func asking<R>(_ row: Int, _ body: () throws(GEOSError) -> R) throws(QueryError) -> R {
        do throws(GEOSError) { return try body() } catch { throw damaged(row, error) }
    }
}

/// The relation of each feature's geometry to itself.
final class SelfRelationNode: TruthNode {
    private let context: FilterContext
    private let relation: FeatureRelation
    private let isNegated: Bool

    init(_ context: FilterContext, _ relation: FeatureRelation, negated: Bool) {
        (self.context, self.relation, isNegated) = (context, relation, negated)
    }

    override var cost: Int { 500 }
    override var text: String { "geometry \(isNegated ? "not " : "")\(relation.rawValue) itself" }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        let file = context.source.file
        // What is not empty meets, equals, contains and is within itself, and has none of the other relations to itself.
        let holds = [.intersects, .equals, .contains, .within].contains(relation)
        for i in 0..<batch.count {
            let row = batch.row(i)
            guard row < file.geometryCount else {
                out[i] = Truth.unknown
                continue
            }
            let shape = try reading(context.layer) { () throws(LayerFileError) in try file.shape(row) }
            let isMixed = shape.kind == .geometryCollection && !shape.partKinds.allSatisfy { $0 == shape.partKinds[0] }
            out[i] = isMixed && relation != .intersects ? Truth.unknown : holds != isNegated ? Truth.yes : Truth.no
        }
    }
}
