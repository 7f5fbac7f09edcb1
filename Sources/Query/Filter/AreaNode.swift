import Geo
import LayerStore

/// Whether a feature's geometry meets one of a few boxes, their borders included: decided in whole numbers, and for most features by the
/// envelope in the index alone.
final class AreaNode: TruthNode {
    private let context: FilterContext
    private let boxes: [Envelope]
    private let units: [UnitBox]
    /// For features without a geometry.
    private let nullTruth: UInt8
    private let isNegated: Bool

    /// - Parameter boxes: in degrees, on whole units of 1e-9.
    init(_ context: FilterContext, _ boxes: [Envelope], nullTruth: UInt8, negated: Bool = false) {
        (self.context, self.boxes, self.nullTruth, isNegated) = (context, boxes, nullTruth, negated)
        units = boxes.map { UnitBox($0) }
    }

    override var cost: Int { 300 }

    override var text: String {
        let words = boxes.map { "\($0.minX),\($0.minY),\($0.maxX),\($0.maxY)" }.joined(separator: " or ")
        return "geometry \(isNegated ? "does not meet" : "meets") the box \(words), exactly"
    }

    override var reach: Reach { isNegated || nullTruth == Truth.yes ? .everywhere : .boxes(boxes) }

    override func possible(_ block: Int) throws(QueryError) -> TruthSet {
        let rest = context.outside(block, nullTruth)
        let envelope = try reading(context.layer) { () throws(LayerFileError) in try context.source.file.envelope(ofBlock: block) }
        guard let envelope else { return .any }
        if boxes.contains(where: { $0.holds(envelope) }) { return rest.union(isNegated ? .no : .yes) }
        if !boxes.contains(where: { $0.intersects(envelope) }) { return rest.union(isNegated ? .yes : .no) }
        return .any
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        let file = context.source.file
        let layer = context.layer
        let yes = isNegated ? Truth.no : Truth.yes
        var vertices = 0
        for i in 0..<batch.count {
            let row = batch.row(i)
            guard row < file.geometryCount else {
                out[i] = nullTruth
                continue
            }
            let envelope = try reading(layer) { () throws(LayerFileError) in try file.indexedEnvelope(row) }
            var meets = false
            for box in boxes.indices {
                if boxes[box].holds(envelope) {
                    meets = true
                    break
                }
                guard boxes[box].intersects(envelope) else { continue }
                let shape = try reading(layer) { () throws(LayerFileError) in try file.shape(row) }
                vertices += shape.vertexCount
                if shape.meets(units[box]) {
                    meets = true
                    break
                }
            }
            out[i] = meets ? yes : 2 - yes
            // A feature may have millions of vertices.
            if vertices > 1 << 16 {
                vertices = 0
                try context.deadline.check()
            }
        }
    }
}

extension FilterContext {
    /// What a spatial condition says of the rows of a block that have no geometry.
    func outside(_ block: Int, _ nullTruth: UInt8) -> TruthSet {
        (block + 1) * Column.statisticRows > source.file.geometryCount ? TruthSet(nullTruth) : []
    }
}

extension Envelope {
    /// The other lies inside, borders included.
    @inline(__always)
    func holds(_ other: Envelope) -> Bool {
        minX <= other.minX && other.maxX <= maxX && minY <= other.minY && other.maxY <= maxY
    }
}
