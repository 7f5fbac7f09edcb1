import Formats
import Geo
import GeoNative
import LayerStore

/// What of each feature is written, and in which system.
public struct FeatureForm: Sendable, Equatable {
    /// The attributes, written in the layer's own order; nil for all that the viewer sees.
    public var attributes: [String]?
    public var hasGeometry: Bool
    public var system: MapSystem

    public init(attributes: [String]? = nil, hasGeometry: Bool = true, system: MapSystem = .crs84) {
        self.attributes = attributes
        self.hasGeometry = hasGeometry
        self.system = system
    }
}

extension RowSource {
    /// The columns that a form names, in the layer's order.
    func columns(of form: FeatureForm) throws(QueryError) -> [Int] {
        guard let names = form.attributes else { return columns }
        var wanted: Set<Int> = []
        for name in names {
            guard let number = column(named: name) else { throw .unknownProperty(name) }
            wanted.insert(number)
        }
        return columns.filter { wanted.contains($0) }
    }
}

/// Gives the vertices of rows in the system that was asked for. For one thread at a time; its memory is used again for each row.
final class VertexSource {
    private let file: LayerFile
    private let system: MapSystem
    private let northFirst: Bool
    private let decimals: Int
    /// The source was in this very system, and its coordinates were kept: they are given as they came.
    private let isSource: Bool
    private var room = UnsafeMutableBufferPointer<Double>.allocate(capacity: 256)
    /// Set while rows are written, by whoever took it from the pool.
    var transform: CoordinateTransform?

    init(_ source: RowSource, _ system: MapSystem, northFirst: Bool) {
        file = source.file
        self.system = system
        self.northFirst = northFirst
        decimals = system.decimals(stored: source.file.decimals)
        isSource = source.sourceSystem == system && system.isProjected
    }

    deinit { room.deallocate() }

    var needsTransform: Bool { !system.isStored && !isSource }

    /// - Throws: `noPlace` when a vertex has no place in the system.
    @inline(__always)
    func vertices(_ shape: Shape, row: Int) throws -> WrittenVertices {
        if system.isStored { return WrittenVertices(shape, northFirst: northFirst) }
        if isSource, let numbers = try file.sourceVertices(row) { return .real(numbers, decimals: nil, northFirst: northFirst) }
        return .real(try transformed(shape), decimals: system.isProjected ? decimals : file.decimals, northFirst: northFirst)
    }

    private func transformed(_ shape: Shape) throws(QueryError) -> UnsafePointer<Double> {
        let count = 2 * shape.vertexCount
        if room.count < count {
            room.deallocate()
            room = .allocate(capacity: 2 * count)
        }
        switch shape.degrees {
        case .narrow(let numbers):
            for i in 0..<count { room[i] = Double(numbers[i]) / 1e7 }
        case .wide(let numbers, let decimals):
            let scale = decimals == 8 ? 1e8 : 1e9
            for i in 0..<count { room[i] = Double(numbers[i]) / scale }
        }
        guard let transform else { preconditionFailure("a transformation was taken from the pool") }
        guard transform.inverse(UnsafeMutableBufferPointer(rebasing: room[..<count])) == 0 else { throw .noPlace(system.uri) }
        return UnsafePointer(room.baseAddress!)
    }
}

extension RowSource {
    /// The system in which coordinates are given exactly as they came: the source's own where it was a plane, else longitude and latitude.
    var sourceSystem: MapSystem {
        guard file.keepsSource, let system = file.facts.crs.flatMap({ MapSystem($0) }), system.isProjected else { return .crs84 }
        return system
    }
}
