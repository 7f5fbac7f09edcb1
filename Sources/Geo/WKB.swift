/// Why bytes are not a geometry.
public enum WKBError: Error, Equatable, Sendable {
    case truncated
    case unknownType(UInt32)
    case nestedTooDeep
    /// More vertices than the reader was told to take.
    case tooManyVertices(limit: Int)
    /// A count that the bytes left cannot hold.
    case impossibleCount(UInt32)
    case wrongPartKind(UInt32)
}

/// Reads well-known binary (OGC 06-103r4, 8; with ISO and EWKB codes for Z and M, which are left out) from bytes nobody has checked.
///
/// Counts are held against the bytes left before anything is allocated, nesting against a limit, and nothing recurses deeper than it.
/// Coordinates are not judged: NaN and infinity come through and are the caller's to refuse.
public struct WKBReader: Sendable {
    /// The most vertices a geometry may have.
    public var vertexLimit: Int
    /// The deepest nesting of collections: a multipolygon in a collection is 2.
    public var depthLimit: Int

    public init(vertexLimit: Int = 1 << 22, depthLimit: Int = 8) {
        self.vertexLimit = vertexLimit
        self.depthLimit = depthLimit
    }

    /// Reads one geometry into `geometry`, whose memory is used again.
    ///
    /// An empty point (all coordinates NaN, as is the custom) and every other empty geometry come out with no vertices.
    /// - Complexity: O(vertices)
    public func read(_ bytes: UnsafeRawBufferPointer, into geometry: inout Geometry) throws(WKBError) {
        geometry.removeAll(kind: .point)
        var cursor = Cursor(bytes: bytes, limit: vertexLimit)
        let head = try cursor.head()
        geometry.kind = head.kind
        try body(head, &cursor, into: &geometry, depth: 0)
    }

    private func body(_ head: Head, _ cursor: inout Cursor, into geometry: inout Geometry, depth: Int) throws(WKBError) {
        guard depth < depthLimit else { throw .nestedTooDeep }
        switch head.kind {
        case .point, .lineString, .polygon:
            let before = geometry.ringEnds.count
            try cursor.simple(head, into: &geometry)
            if geometry.ringEnds.count > before {
                geometry.partEnds.append(geometry.ringEnds.count)
                if geometry.kind == .geometryCollection { geometry.partKinds.append(head.kind) }
            }
        case .multiPoint, .multiLineString, .multiPolygon:
            for _ in 0..<(try cursor.count(head, bytesEach: 5)) {
                let part = try cursor.head()
                guard part.kind == head.kind.partKind else { throw .wrongPartKind(UInt32(part.kind.rawValue)) }
                try body(part, &cursor, into: &geometry, depth: depth + 1)
            }
        case .geometryCollection:
            for _ in 0..<(try cursor.count(head, bytesEach: 5)) {
                let part = try cursor.head()
                try body(part, &cursor, into: &geometry, depth: depth + 1)
            }
        }
    }

    fileprivate struct Head {
        var kind: GeometryKind
        var littleEndian: Bool
        /// Numbers a vertex: 2, 3 or 4.
        var stride: Int
    }

    fileprivate struct Cursor {
        var bytes: UnsafeRawBufferPointer
        var position = 0
        var limit: Int

        init(bytes: UnsafeRawBufferPointer, limit: Int) {
            self.bytes = bytes
            self.limit = limit
        }

        mutating func uint32(_ littleEndian: Bool) throws(WKBError) -> UInt32 {
            guard bytes.count - position >= 4 else { throw .truncated }
            let raw = bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
            position += 4
            return littleEndian ? UInt32(littleEndian: raw) : UInt32(bigEndian: raw)
        }

        mutating func head() throws(WKBError) -> Head {
            guard position < bytes.count else { throw .truncated }
            let littleEndian = bytes[position] == 1
            position += 1
            var code = try uint32(littleEndian)
            let given = code
            var extra = 0
            if code & 0x8000_0000 != 0 { extra += 1 }  // EWKB: Z
            if code & 0x4000_0000 != 0 { extra += 1 }  // EWKB: M
            let hasReference = code & 0x2000_0000 != 0  // EWKB: a reference system number follows
            code &= 0x1FFF_FFFF
            switch code / 1000 {  // ISO: thousands tell Z, M, ZM
            case 0: break
            case 1, 2: extra += 1
            case 3: extra += 2
            default: throw .unknownType(given)
            }
            guard extra <= 2, let kind = GeometryKind(rawValue: UInt8(truncatingIfNeeded: code % 1000)), code % 1000 <= 7 else {
                throw .unknownType(given)
            }
            if hasReference { _ = try uint32(littleEndian) }
            return Head(kind: kind, littleEndian: littleEndian, stride: 2 + extra)
        }

        mutating func count(_ head: Head, bytesEach: Int) throws(WKBError) -> Int {
            let count = try uint32(head.littleEndian)
            guard Int(count) <= (bytes.count - position) / bytesEach else { throw .impossibleCount(count) }
            return Int(count)
        }

        mutating func simple(_ head: Head, into geometry: inout Geometry) throws(WKBError) {
            switch head.kind {
            case .point:
                guard bytes.count - position >= 8 * head.stride else { throw .truncated }
                let x = double(at: position, head.littleEndian)
                let y = double(at: position + 8, head.littleEndian)
                position += 8 * head.stride
                if x.isNaN && y.isNaN { return }
                guard geometry.vertexCount < limit else { throw .tooManyVertices(limit: limit) }
                geometry.coordinates.append(x)
                geometry.coordinates.append(y)
                geometry.ringEnds.append(geometry.vertexCount)
            case .lineString:
                try run(head, into: &geometry)
            default:
                for _ in 0..<(try count(head, bytesEach: 4)) { try run(head, into: &geometry) }
            }
        }

        mutating func run(_ head: Head, into geometry: inout Geometry) throws(WKBError) {
            let vertices = try count(head, bytesEach: 8 * head.stride)
            if vertices == 0 { return }
            guard geometry.vertexCount + vertices <= limit else { throw .tooManyVertices(limit: limit) }
            if head.littleEndian && head.stride == 2 {
                let numbers = UnsafeRawBufferPointer(rebasing: bytes[position..<position + 16 * vertices])
                let start = geometry.coordinates.count
                geometry.coordinates.append(contentsOf: repeatElement(0, count: 2 * vertices))
                geometry.coordinates.withUnsafeMutableBytes { target in
                    UnsafeMutableRawBufferPointer(rebasing: target[(8 * start)...]).copyMemory(from: numbers)
                }
            } else {
                for i in 0..<vertices {
                    let at = position + 8 * head.stride * i
                    geometry.coordinates.append(double(at: at, head.littleEndian))
                    geometry.coordinates.append(double(at: at + 8, head.littleEndian))
                }
            }
            position += 8 * head.stride * vertices
            geometry.ringEnds.append(geometry.vertexCount)
        }

        func double(at offset: Int, _ littleEndian: Bool) -> Double {
            let raw = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            return Double(bitPattern: littleEndian ? UInt64(littleEndian: raw) : UInt64(bigEndian: raw))
        }
    }
}

/// Writes well-known binary, little-endian, two dimensions.
public enum WKBWriter {
    /// Appends one geometry to `bytes`.
    /// - Complexity: O(vertices)
    public static func write(_ geometry: Geometry, to bytes: inout [UInt8]) {
        switch geometry.kind {
        case .point, .lineString, .polygon:
            if geometry.partEnds.isEmpty {
                empty(geometry.kind, to: &bytes)
            } else {
                part(geometry, 0, to: &bytes)
            }
        default:
            head(geometry.kind.rawValue, to: &bytes)
            append(UInt32(geometry.partEnds.count), to: &bytes)
            for i in geometry.partEnds.indices { part(geometry, i, to: &bytes) }
        }
    }

    private static func part(_ geometry: Geometry, _ index: Int, to bytes: inout [UInt8]) {
        let kind = geometry.kind(ofPart: index)
        let rings = geometry.rings(ofPart: index)
        head(kind.rawValue, to: &bytes)
        if kind == .polygon { append(UInt32(rings.count), to: &bytes) }
        for ring in rings {
            let vertices = geometry.vertices(ofRing: ring)
            if kind != .point { append(UInt32(vertices.count), to: &bytes) }
            geometry.coordinates.withUnsafeBytes { numbers in
                bytes.append(contentsOf: numbers[(16 * vertices.lowerBound)..<(16 * vertices.upperBound)])
            }
        }
    }

    private static func empty(_ kind: GeometryKind, to bytes: inout [UInt8]) {
        head(kind.rawValue, to: &bytes)
        if kind == .point {
            for _ in 0..<2 { withUnsafeBytes(of: Double.nan.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        } else {
            append(0, to: &bytes)
        }
    }

    private static func head(_ code: UInt8, to bytes: inout [UInt8]) {
        bytes.append(1)
        append(UInt32(code), to: &bytes)
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
