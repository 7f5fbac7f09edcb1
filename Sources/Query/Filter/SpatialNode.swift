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
        return "geometry \(isNegated ? "not " : "")\(relation.rawValue) \(literal.kind.name) of \(literal.vertexCount) vertices in "
            + "\(envelope.minX),\(envelope.minY),\(envelope.maxX),\(envelope.maxY), by envelope, then prepared GEOS"
    }

    override var reach: Reach { isNegated || nullTruth == Truth.yes ? .everywhere : .boxes([literal.envelope]) }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        let geometryCount = context.source.file.geometryCount
        for i in 0..<batch.count {
            let row = batch.row(i)
            guard row < geometryCount else {
                out[i] = nullTruth
                continue
            }
            guard let holds = try holds(row) else {
                out[i] = Truth.unknown
                continue
            }
            out[i] = holds != isNegated ? Truth.yes : Truth.no
            if work > 1 << 16 {
                work = 0
                try context.deadline.check()
            }
        }
    }

    private func holds(_ row: Int) throws(QueryError) -> Bool? {
        let file = context.source.file
        let envelope = try reading(context.layer) { () throws(LayerFileError) in try file.indexedEnvelope(row) }
        do throws(GEOSError) {
            let side = try literal.side(of: envelope)
            if side == .inside && relation == .intersects { return true }
            if side == .outside && relation == .intersects { return false }
            let shape = try shape(row)
            let isMixed = shape.kind == .geometryCollection && !shape.partKinds.allSatisfy { $0 == shape.partKinds[0] }
            if isMixed && relation != .intersects { return nil }
            if side == .outside { return false }
            // All of the feature lies inside the polygon, off its border.
            if side == .inside { return relation == .within }
            shape.read(into: &scratch)
            work += scratch.vertexCount + 64
            if relation != .intersects && relation != .within { work += literal.vertexCount }
            guard isMixed else { return try literal.holds(relation, try NativeGeometry.homogeneous(scratch, in: context.geos)) }
            for part in scratch.partEnds.indices {
                if try literal.holds(relation, try NativeGeometry(scratch.part(part), in: context.geos)) { return true }
            }
            return false
        } catch {
            throw .damaged(layer: context.layer, detail: "row \(row): \(error)")
        }
    }

    private func shape(_ row: Int) throws(GEOSError) -> Shape {
        do throws(LayerFileError) {
            return try context.source.file.shape(row)
        } catch {
            throw GEOSError(operation: "read", message: "\(error)")
        }
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
