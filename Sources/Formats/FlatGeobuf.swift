public import Geo

/// FlatGeobuf 3.0: magic, header, packed Hilbert index, features (flatgeobuf.org, header.fbs and feature.fbs).
///
/// Times and days are ISO 8601 texts, as the format has it. Coordinates are x east, y north.
public enum FlatGeobuf {
    private static let magic: [UInt8] = [0x66, 0x67, 0x62, 0x03, 0x66, 0x67, 0x62, 0x01]

    /// What the header says besides what follows from the features.
    public struct Header {
        public var name: String
        public var title: String?
        public var description: String?
        /// Nil when features are of several kinds, or of none.
        public var kind: GeometryKind?
        public var columns: [ColumnHead]
        /// EPSG; 0 for a system that has no number.
        public var code: Int

        public init(name: String, title: String?, description: String?, kind: GeometryKind?, columns: [ColumnHead], code: Int) {
            self.name = name
            self.title = title
            self.description = description
            self.kind = kind
            self.columns = columns
            self.code = code
        }
    }

    public struct ColumnHead {
        public var name: String
        public var type: AttributeType
        public var title: String?
        public var isKey: Bool

        public init(name: String, type: AttributeType, title: String? = nil, isKey: Bool = false) {
            self.name = name
            self.type = type
            self.title = title
            self.isKey = isKey
        }

        fileprivate var typeCode: UInt8 {
            switch type {
            case .boolean: 2
            case .integer: 7
            case .real: 10
            case .text: 11
            case .json: 12
            case .date, .time: 13
            }
        }
    }

    /// Everything before the features but the index's leaves, which the caller writes: 40 bytes each, `leaf`.
    public static func writeHead(_ header: Header, index: FlatIndex, to writer: inout ByteWriter) {
        writer.bytes(magic)
        let columns = header.columns.map { column in
            FlatTable([
                (0, .text(column.name)), (1, .byte(column.typeCode)), (2, column.title.map { .text($0) }),
                (9, column.isKey ? .byte(1) : nil),
            ])
        }
        let extent = index.extent
        FlatTable([
            (0, .text(header.name)), (1, extent.isEmpty ? nil : .doubles([extent.minX, extent.minY, extent.maxX, extent.maxY])),
            (2, .byte(header.kind?.rawValue ?? 0)), (7, columns.isEmpty ? nil : .tables(columns)), (8, .long(UInt64(index.count))),
            (9, .short(index.count == 0 ? 0 : UInt16(FlatIndex.nodeSize))),
            (10, header.code == 0 ? nil : .table(FlatTable([(0, .text("EPSG")), (1, .int(Int32(header.code)))]))),
            (11, header.title.map { .text($0) }), (12, header.description.map { .text($0) }),
        ]).writeSizePrefixed(to: &writer)
        index.writeInnerNodes(to: &writer)
    }
}

/// The packed R-tree of a FlatGeobuf, built while boxes go by in the order of the features: only a sixteenth of them is kept.
///
/// Reference: flatgeobuf, packedrtree: levels from the root down, 40 bytes a node: minX, minY, maxX, maxY, and the first child's place among the
/// nodes, or a leaf's place among the features' bytes.
public struct FlatIndex {
    static let nodeSize = 16
    public private(set) var count = 0
    public private(set) var extent = Envelope.empty
    /// One for every sixteen features.
    private var groups: [Envelope] = []

    public init() {}

    public mutating func add(_ box: Envelope) {
        if count % FlatIndex.nodeSize == 0 { groups.append(.empty) }
        groups[groups.count - 1].extend(box)
        extent.extend(box)
        count += 1
    }

    func writeInnerNodes(to writer: inout ByteWriter) {
        guard count > 0 else { return }
        // From the leaves' parents up to the root.
        var levels = [groups]
        while levels.last!.count > 1 {
            let below = levels.last!
            levels.append(
                stride(from: 0, to: below.count, by: FlatIndex.nodeSize).map { first in
                    below[first..<min(below.count, first + FlatIndex.nodeSize)].reduce(into: Envelope.empty) { $0.extend($1) }
                })
        }
        var firstChild = 0
        for level in levels.reversed() {
            firstChild += level.count
            for (i, box) in level.enumerated() { FlatIndex.node(box, UInt64(firstChild + FlatIndex.nodeSize * i), to: &writer) }
        }
    }

    /// A feature in the index.
    /// - Parameter offset: bytes of all features before it.
    public static func leaf(_ box: Envelope, offset: UInt64, to writer: inout ByteWriter) {
        node(box, offset, to: &writer)
    }

    private static func node(_ box: Envelope, _ offset: UInt64, to writer: inout ByteWriter) {
        writer.raw(box.minX)
        writer.raw(box.minY)
        writer.raw(box.maxX)
        writer.raw(box.maxY)
        writer.raw(offset)
    }
}

extension ByteWriter {
    /// Begins a feature of a FlatGeobuf: its geometry, and the head of its properties, which follow as `flatProperty` and values.
    /// - Returns: what `endFlatFeature` needs.
    public mutating func beginFlatFeature(_ shape: Shape?, _ vertices: WrittenVertices?) -> (start: Int, properties: Int) {
        let start = count
        raw(UInt32(0))  // size, known at the end
        raw(UInt32(12))  // the root table lies 12 bytes on
        raw(UInt16(8))
        raw(UInt16(12))
        raw(UInt16(shape == nil ? 0 : 4))
        raw(UInt16(8))
        raw(Int32(8))
        raw(UInt32(0))  // geometry
        raw(UInt32(0))  // properties
        if let shape, let vertices {
            let table = flatGeometry(shape, vertices, start: start)
            overwrite(UInt32(table - start - 20), at: start + 20)
        }
        pad(to: 4, from: start)
        let properties = count
        overwrite(UInt32(properties - start - 24), at: start + 24)
        raw(UInt32(0))
        return (start, properties)
    }

    public mutating func endFlatFeature(_ feature: (start: Int, properties: Int)) {
        overwrite(UInt32(count - feature.properties - 4), at: feature.properties)
        pad(to: 8, from: feature.start)
        overwrite(UInt32(count - feature.start - 4), at: feature.start)
    }

    /// A text among the properties, its length before it.
    public mutating func flatText(_ utf8: UnsafeRawBufferPointer) {
        raw(UInt32(utf8.count))
        bytes(utf8)
    }

    private mutating func flatGeometry(_ shape: Shape, _ vertices: WrittenVertices, start: Int) -> Int {
        switch shape.kind {
        case .point, .lineString, .multiPoint, .polygon, .multiLineString:
            let rings = 0..<shape.ringEnds.count
            let needsEnds = shape.kind == .multiLineString || (shape.kind == .polygon && rings.count > 1)
            return flatSimple(shape.kind, shape, rings, needsEnds: needsEnds, vertices, start)
        case .multiPolygon, .geometryCollection:
            let table = flatTable(shape.kind, hasEnds: false, hasVertices: false, hasParts: true, start)
            let parts = count
            overwrite(UInt32(parts - table - 12), at: table + 12)
            raw(UInt32(shape.partEnds.count))
            for _ in shape.partEnds { raw(UInt32(0)) }
            for part in shape.partEnds.indices {
                let rings = shape.rings(ofPart: part)
                let kind = shape.kind(ofPart: part)
                let child = flatSimple(kind, shape, rings, needsEnds: kind == .polygon && rings.count > 1, vertices, start)
                let pointer = parts + 4 + 4 * part
                overwrite(UInt32(child - pointer), at: pointer)
            }
            return table
        }
    }

    /// A geometry whose vertices are one list, cut by `ends`.
    private mutating func flatSimple(
        _ kind: GeometryKind, _ shape: Shape, _ rings: Range<Int>, needsEnds: Bool, _ vertices: WrittenVertices, _ start: Int
    ) -> Int {
        let table = flatTable(kind, hasEnds: needsEnds, hasVertices: true, hasParts: false, start)
        let first = rings.isEmpty ? 0 : shape.vertices(ofRing: rings.lowerBound).lowerBound
        let end = rings.isEmpty ? 0 : Int(shape.ringEnds[rings.upperBound - 1])
        if needsEnds {
            overwrite(UInt32(count - table - 4), at: table + 4)
            raw(UInt32(rings.count))
            for ring in rings { raw(shape.ringEnds[ring] - UInt32(first)) }
        }
        if (count - start) % 8 != 4 { raw(UInt32(0)) }
        overwrite(UInt32(count - table - 8), at: table + 8)
        raw(UInt32(2 * (end - first)))
        reserve(16 * (end - first))
        for i in first..<end {
            let (x, y) = vertices.xy(i)
            raw(x)
            raw(y)
        }
        return table
    }

    /// Its own list of fields, then the table with its pointers still to be filled in: ends at 4, vertices at 8, parts at 12.
    private mutating func flatTable(_ kind: GeometryKind, hasEnds: Bool, hasVertices: Bool, hasParts: Bool, _ start: Int) -> Int {
        pad(to: 4, from: start)
        raw(UInt16(20))
        raw(UInt16(20))
        raw(UInt16(hasEnds ? 4 : 0))
        raw(UInt16(hasVertices ? 8 : 0))
        raw(UInt64(0))  // z, m, t, tm
        raw(UInt16(16))
        raw(UInt16(hasParts ? 12 : 0))
        let table = count
        raw(Int32(20))
        raw(UInt32(0))
        raw(UInt32(0))
        raw(UInt32(0))
        raw(UInt32(kind.rawValue))
        return table
    }
}
