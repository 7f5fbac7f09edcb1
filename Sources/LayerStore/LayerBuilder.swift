import CXXHash
public import FoundationEssentials
public import Geo
import SpatialIndex

/// Takes features in any order and seals them into a layer file, in bounded memory.
///
/// Features are encoded into a buffer; a full buffer is sorted along the Hilbert curve and written to a file in `scratch` (a *run*). `seal` merges
/// the runs and writes every section of the layer file front to back. Held in memory are the buffer, the dictionaries of texts that
/// repeat, and at the end 16 bytes a feature at a time for the orders of ids.
///
/// ```swift
/// let builder = try LayerBuilder(settings: settings, scratch: folder)
/// builder.set(0, integer: 42)
/// try builder.endFeature(geometry: geometry, source: nil, sourceRow: 0)
/// let summary = try builder.seal(as: url, identity: identity, facts: facts)
/// ```
/// One thread at a time.
public final class LayerBuilder {
    public struct Settings: Sendable {
        public var attributes: [Attribute]
        /// The column that identifies features; integer or text. Nil: features are known by their public content.
        public var idColumn: Int?
        /// Whether `endFeature` is given the source's own coordinates, to be kept exactly.
        public var keepsSourceCoordinates: Bool
        /// The column of numbers that says which features matter more; nil: the larger and longer do.
        public var importanceColumn: Int?
        /// Which of a hazard's classes are graver; nil for a layer that is no hazard.
        public var hazard: HazardRanks?
        /// Bytes of the sort buffer.
        public var memoryLimit: Int

        public init(
            attributes: [Attribute], idColumn: Int? = nil, keepsSourceCoordinates: Bool = false, importanceColumn: Int? = nil,
            hazard: HazardRanks? = nil, memoryLimit: Int = 96 << 20
        ) {
            precondition(importanceColumn.map { [.integer, .real].contains(attributes[$0].type) } ?? true, "importance is a number")
            self.attributes = attributes
            self.idColumn = idColumn
            self.importanceColumn = importanceColumn
            self.hazard = hazard
            self.keepsSourceCoordinates = keepsSourceCoordinates
            self.memoryLimit = memoryLimit
        }
    }

    let settings: Settings
    let scratch: URL
    let columns: [ColumnBuilder]
    /// The same, without counting references at every value; `columns` keeps them alive.
    private let columnReferences: [Unmanaged<ColumnBuilder>]
    /// Bytes of the texts that were set on the feature at hand.
    private var textAtHand = 0
    var totals = Totals()

    private var buffer: ByteArena
    private var items: [KeyedItem] = []
    private(set) var runs: [String] = []
    /// The public attributes of the feature at hand, in the form that is hashed.
    private let content = ByteArena(capacity: 1 << 12)
    private let namesHash: UInt64

    /// What the sizes of the sections follow from.
    struct Totals {
        var rows = 0
        var geometries = 0
        var vertices = 0
        var rings = 0
        var parts = 0
        var kinds: Set<UInt8> = []
        var extent = Envelope.empty
        /// The fewest decimals, 7 to 9, that lose nothing so far.
        var decimals = 7
    }

    /// - Parameter scratch: an existing folder of this load alone; whoever made it removes it.
    public init(settings: Settings, scratch: URL) throws(LayerFileError) {
        self.settings = settings
        self.scratch = scratch
        columns = settings.attributes.map { ColumnBuilder($0) }
        columnReferences = columns.map { Unmanaged.passUnretained($0) }
        buffer = ByteArena(capacity: min(settings.memoryLimit, 8 << 20))
        var names: [UInt8] = []
        for attribute in settings.attributes where attribute.visibility == .public { names += Array(attribute.name.utf8) + [0] }
        namesHash = names.withUnsafeBytes { LayerFileFormat.hash($0) }
    }

    // MARK: One feature

    public func set(_ column: Int, integer: Int64) {
        columnReferences[column]._withUnsafeGuaranteedRef { $0.setFixed(.integer, UInt64(bitPattern: integer)) }
    }

    /// - Parameter real: finite.
    public func set(_ column: Int, real: Double) {
        // −0 and 0 are one value, and are stored as one.
        columnReferences[column]._withUnsafeGuaranteedRef { $0.setFixed(.real, (real == 0 ? 0 : real).bitPattern) }
    }

    public func set(_ column: Int, boolean: Bool) {
        columnReferences[column]._withUnsafeGuaranteedRef { $0.setFixed(.boolean, boolean ? 1 : 0) }
    }

    public func set(_ column: Int, date: Day) {
        columnReferences[column]._withUnsafeGuaranteedRef { $0.setFixed(.date, UInt64(bitPattern: Int64(date.daysSince1970))) }
    }

    public func set(_ column: Int, time: Instant) {
        columnReferences[column]._withUnsafeGuaranteedRef { $0.setTime(time) }
    }

    /// - Parameter text: valid UTF-8; copied.
    public func set(_ column: Int, text: UnsafeRawBufferPointer) throws(LayerFileError) {
        guard text.count < LayerBuilder.textLimit else { throw .tooLarge("a text of more than 4 MiB") }
        textAtHand += text.count
        columnReferences[column]._withUnsafeGuaranteedRef { $0.setText(.text, text) }
    }

    /// - Parameter json: valid JSON in UTF-8; copied.
    public func set(_ column: Int, json: UnsafeRawBufferPointer) throws(LayerFileError) {
        guard json.count < LayerBuilder.textLimit else { throw .tooLarge("a text of more than 4 MiB") }
        textAtHand += json.count
        columnReferences[column]._withUnsafeGuaranteedRef { $0.setText(.json, json) }
    }

    public func set(_ column: Int, text: String) throws(LayerFileError) {
        guard text.utf8.count < LayerBuilder.textLimit else { throw .tooLarge("a text of more than 4 MiB") }
        var text = text
        textAtHand += text.utf8.count
        text.withUTF8 { columns[column].setText(.text, UnsafeRawBufferPointer($0)) }
    }

    /// Bytes of one text: 512 rows share one base, and their steps must fit 32 bits.
    static let textLimit = 1 << 22

    /// Ends a feature; attributes that were not set are null.
    ///
    /// - Parameters:
    ///   - geometry: valid, within ±180 and ±90 degrees and rounded (`Geometry.roundToStorage`); nil or empty for a feature without one.
    ///   - source: x and y of every vertex in the source's system, as many as `geometry` has, when the settings say so.
    ///   - sourceRow: the feature's place or id in the source, for reports; on a first load numbers follow the order of the calls.
    /// - Complexity: O(vertices + attributes)
    public func endFeature(geometry: Geometry?, source: [Double]? = nil, sourceRow: UInt64) throws(LayerFileError) {
        var head = SpillHead(sequence: UInt64(totals.rows), sourceRow: sourceRow)
        let start = buffer.count
        let room = SpillHead.size + ColumnBuilder.roomBesidesText * columnReferences.count + textAtHand
        buffer.reserve(room)
        content.count = 0
        content.reserve(room)
        var recordEnd = buffer.base + start + SpillHead.size
        var contentEnd = content.base
        for column in columnReferences {
            column._withUnsafeGuaranteedRef { $0.endRow(record: &recordEnd, content: &contentEnd) }
        }
        buffer.count = recordEnd - buffer.base
        content.count = contentEnd - content.base
        textAtHand = 0
        if let geometry, !geometry.isEmpty { try append(geometry, source: source, recordStart: start, to: &head) }
        if settings.idColumn == nil {
            let shape = UnsafeRawBufferPointer(start: buffer.base + head.geometryStart + start, count: head.geometryLength)
            let seed = XXH3_64bits_withSeed(shape.baseAddress, shape.count, namesHash ^ UInt64(head.kind))
            let hash = XXH3_128bits_withSeed(content.base, content.count, seed)
            (head.hashHigh, head.hashLow) = (hash.high64, hash.low64)
        }
        guard buffer.count - start <= Int(UInt32.max) else { throw .tooLarge("a feature of more than 4 GiB") }
        head.size = UInt32(buffer.count - start)
        buffer.base.storeBytes(of: head, toByteOffset: start, as: SpillHead.self)
        items.append(KeyedItem(key: head.key, item: UInt64(start)))
        totals.rows += 1
        guard totals.rows < Int(UInt32.max) else { throw .tooLarge("more than 4 thousand million features") }
        if buffer.count + 32 * items.count > settings.memoryLimit { try spill() }
    }

    private func append(_ geometry: Geometry, source: [Double]?, recordStart: Int, to head: inout SpillHead) throws(LayerFileError) {
        let vertices = geometry.vertexCount
        precondition(geometry.ringEnds.last == vertices && geometry.partEnds.last == geometry.ringEnds.count)
        // 512 rows share one base, so that their steps fit 32 bits whatever they hold.
        guard vertices <= 1 << 22 else { throw .tooLarge("a geometry of more than 4,194,304 vertices") }
        head.kind = geometry.kind.rawValue
        head.vertices = UInt32(vertices)
        head.rings = UInt32(geometry.ringEnds.count)
        head.parts = UInt32(geometry.partEnds.count)
        head.geometryStart = buffer.count - recordStart
        let geometryStart = buffer.count
        var envelope = Envelope.empty
        var fraction: Int64 = 0
        buffer.reserve(16 * vertices)
        geometry.coordinates.withUnsafeBufferPointer { numbers in
            let target = buffer.base + buffer.count
            for i in 0..<vertices {
                let (x, y) = (numbers[2 * i], numbers[2 * i + 1])
                let (unitsX, unitsY) = (Int64((x * 1e9).rounded()), Int64((y * 1e9).rounded()))
                target.storeBytes(of: unitsX, toByteOffset: 16 * i, as: Int64.self)
                target.storeBytes(of: unitsY, toByteOffset: 16 * i + 8, as: Int64.self)
                envelope.extend(x: x, y: y)
                if totals.decimals < 9 { fraction |= unitsX % 100 | unitsY % 100 }
            }
        }
        if fraction != 0 { refineDecimals(geometry) }
        buffer.count += 16 * vertices
        for end in geometry.ringEnds { buffer.put(UInt32(end)) }
        for end in geometry.partEnds { buffer.put(UInt32(end)) }
        if geometry.kind == .geometryCollection {
            for kind in geometry.partKinds { buffer.put(kind.rawValue) }
        }
        head.geometryLength = buffer.count - geometryStart
        if settings.keepsSourceCoordinates {
            precondition(source?.count == geometry.coordinates.count)
            source!.withUnsafeBytes { buffer.put($0) }
        }
        head.box = IndexBox(around: envelope)
        head.envelope = envelope
        // The greatest key is kept for what has no geometry, which comes last; it is also that of the curve's end (180, -90).
        head.key = min(HilbertCurve.key(longitude: envelope.centre.x, latitude: envelope.centre.y), .max - 1)
        totals.geometries += 1
        totals.vertices += vertices
        totals.rings += geometry.ringEnds.count
        totals.parts += geometry.partEnds.count
        totals.kinds.insert(geometry.kind.rawValue)
        totals.extent.extend(envelope)
    }

    private func refineDecimals(_ geometry: Geometry) {
        for number in geometry.coordinates {
            let units = Int64((number * 1e9).rounded())
            if units % 10 != 0 {
                totals.decimals = 9
                return
            }
            if units % 100 != 0 { totals.decimals = 8 }
        }
    }

    // MARK: Runs

    /// Sorts what is in the buffer and writes it to a run.
    private func spill() throws(LayerFileError) {
        KeySort.sort(&items)
        let path = scratch.appending(path: "run-\(runs.count)").path
        let output = try FileOutput(creating: path)
        let chunk = ByteArena(capacity: 1 << 20)
        var written = 0
        for item in items {
            let record = UnsafeRawBufferPointer(
                start: buffer.base + Int(item.item), count: SpillHead.recordSize(at: buffer.base + Int(item.item)))
            if chunk.count > 0 && chunk.count + record.count > 1 << 20 {
                try output.write(chunk.bytes, at: written)
                written += chunk.count
                chunk.count = 0
            }
            chunk.put(record)
        }
        try output.write(chunk.bytes, at: written)
        runs.append(path)
        buffer.count = 0
        items.removeAll(keepingCapacity: true)
    }

    /// All features in the order of their keys; each record is valid only during its call.
    func forEachInOrder(_ body: (UnsafeRawPointer) throws(LayerFileError) -> Void) throws(LayerFileError) {
        if runs.isEmpty {
            KeySort.sort(&items)
            for item in items { try body(UnsafeRawPointer(buffer.base + Int(item.item))) }
            return
        }
        if !items.isEmpty { try spill() }
        buffer = ByteArena(capacity: 0)
        items = []
        var cursors: [RunCursor] = []
        for path in runs { cursors.append(RunCursor(try MappedFile(path: path, sequential: true))) }
        var keys = cursors.map { $0.key }
        while !cursors.isEmpty {
            // A run was sorted as it filled, so of equal keys the earlier run's came first.
            var least = 0
            for i in 1..<max(1, keys.count) where keys[i] < keys[least] { least = i }
            let following =
                keys.count == 1 ? (UInt64.max, true) : (keys.indices.filter { $0 != least }.map { keys[$0] }.min() ?? .max, false)
            // As long as this run stays below the others, no comparison is needed.
            repeat {
                try body(cursors[least].record)
                if !cursors[least].advance() {
                    cursors.remove(at: least)
                    keys.remove(at: least)
                    break
                }
                keys[least] = cursors[least].key
            } while following.1 || keys[least] < following.0
        }
    }

    private struct RunCursor {
        private let file: MappedFile
        private var offset = 0

        init(_ file: MappedFile) { self.file = file }

        var record: UnsafeRawPointer { file.bytes.baseAddress! + offset }
        var key: UInt64 { record.loadUnaligned(as: SpillHead.self).key }

        mutating func advance() -> Bool {
            offset += SpillHead.recordSize(at: record)
            return offset < file.bytes.count
        }
    }
}

/// The beginning of a feature between `endFeature` and `seal`. After it: attributes, vertices (1e-9 degree, `Int64`), ring ends, part ends, part kinds,
/// source coordinates.
struct SpillHead: BitwiseCopyable {
    var size: UInt32 = 0
    /// 0: no geometry.
    var kind: UInt8 = 0
    /// Features without a geometry come last.
    var key: UInt64 = .max
    var sequence: UInt64
    var sourceRow: UInt64
    var vertices: UInt32 = 0
    var rings: UInt32 = 0
    var parts: UInt32 = 0
    var box = IndexBox(minX: 0, minY: 0, maxX: 0, maxY: 0)
    var envelope = Envelope.empty
    var hashHigh: UInt64 = 0
    var hashLow: UInt64 = 0
    /// Bytes from the record's start to the vertices.
    var geometryStart = 0
    var geometryLength = 0

    init(sequence: UInt64, sourceRow: UInt64) {
        self.sequence = sequence
        self.sourceRow = sourceRow
    }

    static let size = MemoryLayout<SpillHead>.stride

    static func recordSize(at record: UnsafeRawPointer) -> Int {
        Int(record.loadUnaligned(as: UInt32.self))
    }
}
