import Geo
import GeoNative
import LayerStore

/// The area or the length of each feature's geometry on the ellipsoid, in m² or m, as the overlay reckons them; null without a geometry.
final class GeometryMeasure: RealOperand {
    enum Measure {
        case area
        case length
    }

    private let context: FilterContext
    private let name: String
    private let measure: Measure
    private var scratch = Geometry(kind: .point)

    init(_ context: FilterContext, _ name: String, _ measure: Measure) {
        (self.context, self.name, self.measure) = (context, name, measure)
        super.init()
    }

    override var cost: Int { 2000 }
    override var text: String { "\(name)(geometry)" }

    override func evaluate(_ batch: Batch) throws(QueryError) {
        let (file, layer) = (context.source.file, context.layer)
        var buffer = Geometry(kind: .point)
        swap(&buffer, &scratch)
        defer { swap(&buffer, &scratch) }
        // A vertex takes up to a microsecond, as a hundred bytes of text do.
        var meter = WorkMeter(context, weight: 128)
        for i in 0..<batch.count {
            let row = batch.row(i)
            guard row < file.geometryCount else {
                (numbers[i], nulls[i]) = (0, 1)
                continue
            }
            let shape = try reading(layer) { () throws(LayerFileError) in try file.shape(row) }
            shape.read(into: &buffer)
            try meter.add(buffer.vertexCount)
            let value = measure == .area ? Ellipsoid.area(buffer) : Ellipsoid.length(buffer)
            (numbers[i], nulls[i]) = value.isFinite ? (value, 0) : (0, 1)
        }
        meter.end()
    }
}
