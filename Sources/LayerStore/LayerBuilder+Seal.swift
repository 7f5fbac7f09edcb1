import CXXHash
public import FoundationEssentials
import Geo
import SpatialIndex

/// How features get their numbers at a load.
public struct Identity: Sendable {
    /// The version that the layer has now; features that it holds too keep their numbers.
    public var previous: LayerFile?
    /// The lowest number that the layer never gave; at least 1.
    public var nextNumber: UInt64

    public init(previous: LayerFile? = nil, nextNumber: UInt64 = 1) {
        self.previous = previous
        self.nextNumber = nextNumber
    }
}

/// What came of sealing.
public struct SealSummary: Sendable, Equatable {
    public var rowCount: Int
    public var geometryCount: Int
    public var extent: Envelope?
    public var decimals: Int
    /// Features that were in the version before: they kept their numbers.
    public var keptCount: Int
    /// The lowest number that the layer never gave, for the next load.
    public var nextNumber: UInt64
    /// Nulls a column.
    public var nullCounts: [Int]
    public var outlines = SimplifiedOutlines.notNeeded
}

extension LayerBuilder {
    /// Numbers given to features whose own identifier is a text that is no number begin here, so that the two can never be the same.
    static let firstGivenToText: UInt64 = 1 << 52
    /// Feature ids of vector tiles must stay exact in JavaScript.
    static let numberLimit: UInt64 = 1 << 53

    /// Writes the layer file, whole and synced to the disk, at `url`, which must not exist. The caller renames it and syncs the folder.
    ///
    /// - Throws: `missingIdentifier`, `duplicateIdentifier` when there is an id column and its values do not identify.
    /// - Complexity: O(n log runs)
    public func seal(as url: URL, identity: Identity, facts: LayerFacts) throws(LayerFileError) -> SealSummary {
        let file = try SealingFile(path: url.path)
        let totals = totals
        let rows = totals.rows
        let geometries = totals.geometries
        let isWide = totals.decimals > 7
        let divisor: Int64 = totals.decimals == 7 ? 100 : totals.decimals == 8 ? 10 : 1

        let index = try file.section(.index, width: 4, count: PackedIndex.byteCount(count: geometries) / 4)
        let kinds = try file.section(.geometryKind, width: 1, count: geometries)
        let keys = try file.section(.hilbertKey, width: 8, count: geometries)
        var vertexSteps = try StepWriter(.vertexSteps, .vertexBases, count: geometries, file: file)
        var ringSteps = try StepWriter(.ringSteps, .ringBases, count: geometries, file: file)
        var partSteps = try StepWriter(.partSteps, .partBases, count: geometries, file: file)
        let ringEnds = try file.section(.ringEnds, width: 4, count: totals.rings)
        let partEnds = try file.section(.partEnds, width: 4, count: totals.parts)
        let hasCollection = totals.kinds.contains(GeometryKind.geometryCollection.rawValue)
        let partKinds = hasCollection ? try file.section(.partKinds, width: 1, count: totals.parts) : nil
        let degrees = try file.section(.degrees, width: isWide ? 8 : 4, count: 2 * totals.vertices)
        let mercator = try file.section(.mercator, width: 4, count: 2 * totals.vertices)
        let source = settings.keepsSourceCoordinates ? try file.section(.source, width: 8, count: 2 * totals.vertices) : nil
        let detailSection = try file.section(.detail, width: 16, count: geometries)
        let numbers = try file.section(.number, width: 8, count: rows)
        let sourceRows = try file.section(.sourceRow, width: 8, count: rows)
        var columnSealers: [ColumnSealer] = []
        for (i, column) in columns.enumerated() {
            columnSealers.append(try ColumnSealer(column, number: i, rows: rows, file: file))
        }
        try file.reserve()

        var numbering = Numbering(identity, settings: settings, columns: columns, rows: rows)
        let contentHash = numbering.kind == .content ? try file.section(.contentHash, width: 16, count: rows) : nil
        var packing = PackedIndexBuilder()
        var row = 0
        var details: [FeatureDetail] = []
        details.reserveCapacity(geometries)
        let attributeBytes = Double(columnSealers.reduce(0) { $0 + $1.bytesInTile(rows: rows) })
        var levels = LevelOfDetail(capacity: geometries, attributeBytes: attributeBytes)
        let numbersAtHand = ByteArena(capacity: 1 << 12)
        var pays = Simplification.pays(vertices: totals.vertices, features: geometries, hasRanks: settings.hazard != nil)
        let hasAreas = totals.kinds.contains { GeometryKind(rawValue: $0)?.dimension.map { $0 == 2 } ?? true }
        let fits = totals.vertices <= Simplification.vertexLimit
        let looksAtOutlines = fits ? pays || hasAreas : hasAreas && settings.hazard == nil && totals.vertices <= UInt32.max
        var simplifier = looksAtOutlines ? try OutlineSimplifier(settings, totals, columns, scratch: scratch) : nil
        let ranks = settings.hazard != nil && simplifier != nil ? try file.section(.hazardRank, width: 1, count: geometries) : nil
        var firstVertex = 0

        try forEachInOrder { record throws(LayerFileError) in
            let head = record.loadUnaligned(as: SpillHead.self)
            var offset = SpillHead.size
            numbering.idOffset = nil
            var importance: Float?
            var classOffset: Int?
            for (i, column) in columnSealers.enumerated() {
                if i == settings.idColumn { numbering.idOffset = offset }
                if i == settings.hazard?.column { classOffset = offset }
                if i == settings.importanceColumn { importance = importanceValue(record, offset) }
                try column.put(record, at: &offset)
            }
            let featureNumber = try numbering.next(record, head, row: row)
            try numbers.put(featureNumber)
            try sourceRows.put(head.sourceRow)
            if let contentHash {
                try contentHash.put(head.hashHigh)
                try contentHash.put(head.hashLow)
            }
            row += 1
            guard head.kind != 0 else { return }

            packing.add(head.box)
            if row % 4096 == 0 {
                // A rethrowing closure loses the type of its error.
                var failure: LayerFileError?
                packing.takeFullLeaves { bytes in
                    do throws(LayerFileError) { try index.put(bytes) } catch { failure = error }
                }
                if let failure { throw failure }
            }
            try kinds.put(head.kind)
            try keys.put(head.key)
            let (vertices, rings, parts) = (Int(head.vertices), Int(head.rings), Int(head.parts))
            try vertexSteps.add(vertices)
            try ringSteps.add(rings)
            try partSteps.add(parts)
            // Written a feature at a time: a call for each number would cost more than the number.
            let units = record + head.geometryStart
            let width = isWide ? 8 : 4
            numbersAtHand.count = 0
            numbersAtHand.reserve(2 * vertices * (width + 4))
            let places = numbersAtHand.base
            let world = places + 2 * width * vertices
            for i in 0..<vertices {
                let x = units.loadUnaligned(fromByteOffset: 16 * i, as: Int64.self)
                let y = units.loadUnaligned(fromByteOffset: 16 * i + 8, as: Int64.self)
                if isWide {
                    places.storeBytes(of: x / divisor, toByteOffset: 16 * i, as: Int64.self)
                    places.storeBytes(of: y / divisor, toByteOffset: 16 * i + 8, as: Int64.self)
                } else {
                    places.storeBytes(of: Int32(truncatingIfNeeded: x / 100), toByteOffset: 8 * i, as: Int32.self)
                    places.storeBytes(of: Int32(truncatingIfNeeded: y / 100), toByteOffset: 8 * i + 4, as: Int32.self)
                }
                let place = WebMercator.project(longitude: Double(x) / 1e9, latitude: Double(y) / 1e9)
                world.storeBytes(of: place.x, toByteOffset: 8 * i, as: Int32.self)
                world.storeBytes(of: place.y, toByteOffset: 8 * i + 4, as: Int32.self)
            }
            try degrees.put(UnsafeRawBufferPointer(start: places, count: 2 * width * vertices))
            try mercator.put(UnsafeRawBufferPointer(start: world, count: 8 * vertices))
            var at = head.geometryStart + 16 * vertices
            var length: Float = 0
            let detail = FeatureDetail(
                record, at: at, head, world: UnsafeBufferPointer(start: world.assumingMemoryBound(to: Int32.self), count: 2 * vertices),
                length: &length)
            details.append(detail)
            let rank =
                importance.map {
                    LevelOfDetail.rank(importance: $0, area: detail.area, length: length, isPoint: length == 0, number: featureNumber)
                } ?? LevelOfDetail.rank(area: detail.area, length: length, isPoint: length == 0, number: featureNumber)
            levels.add(
                LevelOfDetail.Entry(
                    key: head.key, rank: rank, length: length > 0 ? length : .infinity, vertices: head.vertices,
                    area: detail.area, firstVertex: UInt32(truncatingIfNeeded: firstVertex)))
            firstVertex += vertices
            if let rank = simplifier?.add(record, at: at, head, row: row - 1, classOffset: classOffset) { try ranks?.put(rank) }
            try ringEnds.put(UnsafeRawBufferPointer(start: record + at, count: 4 * rings))
            at += 4 * rings
            try partEnds.put(UnsafeRawBufferPointer(start: record + at, count: 4 * parts))
            at += 4 * parts
            let isCollection = head.kind == GeometryKind.geometryCollection.rawValue
            if let partKinds {
                let simple = GeometryKind(rawValue: head.kind)!.partKind.rawValue
                for i in 0..<parts { try partKinds.put(isCollection ? record.load(fromByteOffset: at + i, as: UInt8.self) : simple) }
            }
            if isCollection { at += parts }
            if let source { try source.put(UnsafeRawBufferPointer(start: record + at, count: 16 * vertices)) }
        }
        for column in columnSealers { try column.finish() }
        var leastZooms: Alongside<[UInt8]>?
        if let simplifier {
            // What was written so far is read where it lies.
            try mercator.finish()
            let written = try MappedFile(path: url.path)
            let vertices = UnsafeBufferPointer(
                start: (written.bytes.baseAddress! + mercator.offset).assumingMemoryBound(to: Int32.self), count: 2 * totals.vertices)
            pays = pays || fits && simplifier.fitsTogether(vertices)
            if pays && fits {
                let vertexLevels = try simplifier.finish(vertices)
                try file.section(.vertexLevel, width: 1, count: totals.vertices).put(UnsafeRawBufferPointer(vertexLevels))
                levels.useLevels(vertexLevels)
                levels.forEachFarthestWhole { row, zoom in details[row].isSafe(onlyFrom: zoom) }
            } else if hasAreas {
                leastZooms = Alongside { [levels] in levels.leastZooms() }
                try simplifier.noteMeetings(vertices, &details)
            }
            withExtendedLifetime(written) {}
        }
        var leastZoomCounts = [Int](repeating: 0, count: LevelOfDetail.lastZoom + 2)
        var ownZoomCounts = leastZoomCounts
        for (place, zoom) in (leastZooms?.result() ?? levels.leastZooms()).enumerated() {
            details[place].leastZoom = zoom
            leastZoomCounts[min(Int(zoom), leastZoomCounts.count - 1)] += 1
            ownZoomCounts[min(Int(details[place].ownZoom), ownZoomCounts.count - 1)] += 1
        }
        withExtendedLifetime(simplifier) {}
        try withTypedBytes(of: details) { bytes throws(LayerFileError) in try detailSection.put(bytes) }
        try vertexSteps.finish()
        try ringSteps.finish()
        try partSteps.finish()
        try withTypedBytes(of: packing.finish().bytes) { bytes throws(LayerFileError) in try index.put(bytes) }

        let suspects = try numbering.writeOrders(to: file, rows: rows)
        let header = LayerFileHeader(
            attributes: settings.attributes, rowCount: rows, geometryCount: geometries,
            extent: geometries > 0 ? totals.extent : nil, decimals: totals.decimals, identity: numbering.kind,
            idColumn: settings.idColumn, nextNumber: numbering.nextNumber, geometryKinds: totals.kinds.sorted(), facts: facts,
            leastZoomCounts: leastZoomCounts, ownZoomCounts: ownZoomCounts)
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let json = try encoder.encode(header)
            let metadata = try file.section(.metadata, width: 1, count: json.count)
            try json.withUnsafeBytes { try metadata.put($0) }
        } catch let error as LayerFileError {
            throw error
        } catch {
            throw .malformed("metadata: \(error)")
        }
        try file.seal()
        try numbering.refuseDuplicates(suspects, in: url)
        return SealSummary(
            rowCount: rows, geometryCount: geometries, extent: header.extent, decimals: header.decimals,
            keptCount: numbering.keptCount, nextNumber: numbering.nextNumber, nullCounts: columns.map(\.nullCount),
            outlines: !pays ? .notNeeded : fits ? .done : .tooManyVertices)
    }
}

extension LayerBuilder {
    /// The value of the attribute declared as importance; the least there is where it is null.
    private func importanceValue(_ record: UnsafeRawPointer, _ offset: Int) -> Float {
        guard let column = settings.importanceColumn, record.load(fromByteOffset: offset, as: UInt8.self) == SpillTag.fixed.rawValue else {
            return -.infinity
        }
        let bits = record.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self)
        return settings.attributes[column].type == .integer ? Float(Int64(bitPattern: bits)) : Float(Double(bitPattern: bits))
    }
}

/// Gives each feature its number (see `LayerFile.IdentityKind`), and afterwards writes the orders by which ids are found.
struct Numbering {
    let kind: LayerFile.IdentityKind
    private(set) var nextNumber: UInt64
    private(set) var keptCount = 0
    /// Where in the record at hand the value of the id column lies.
    var idOffset: Int?

    private let previous: LayerFile?
    private let firstLoad: Bool
    private let base: UInt64
    private let idColumn: ColumnBuilder?
    /// Not everybody may see the id column, and everybody sees numbers: they then say nothing of it.
    private let isHidden: Bool
    private var numbers: [KeyedItem] = []
    private var hashes: [KeyedItem] = []
    private var missing = 0
    /// How many features took the number of one of several with the same content, by the first of those rows.
    private var takenOfSeveral: [Int: Int] = [:]
    /// One bit a row of the previous version: its number was taken, and no other row has the same content.
    private var taken: [UInt64]

    init(_ identity: Identity, settings: LayerBuilder.Settings, columns: [ColumnBuilder], rows: Int) {
        idColumn = settings.idColumn.map { columns[$0] }
        isHidden = idColumn.map { $0.attribute.visibility != .public } ?? false
        if let idColumn {
            let range = idColumn.integerRange
            let fits = range.map { $0.lowerBound >= 0 && $0.upperBound < Int64(LayerBuilder.numberLimit) } ?? true
            kind = idColumn.attribute.type == .integer && fits && !isHidden ? .integer : .text
        } else {
            kind = .content
        }
        // Numbers from a time when the column was for everybody may be its values.
        let wasHidden = identity.previous.flatMap { file in file.idColumn.map { file.attributes[$0].visibility != .public } } ?? false
        previous = identity.previous?.identity == kind && wasHidden == isHidden ? identity.previous : nil
        let given = max(identity.nextNumber, previous?.nextNumber ?? 1)
        base = kind == .text ? max(given, LayerBuilder.firstGivenToText) : given
        firstLoad = previous == nil
        taken = [UInt64](repeating: 0, count: ((previous?.rowCount ?? 0) + 63) / 64)
        nextNumber = kind == .integer ? identity.nextNumber : base
        if kind == .content && firstLoad { nextNumber = base + UInt64(rows) }
        numbers.reserveCapacity(rows)
        if kind != .integer { hashes.reserveCapacity(rows) }
    }

    mutating func next(_ record: UnsafeRawPointer, _ head: SpillHead, row: Int) throws(LayerFileError) -> UInt64 {
        let number: UInt64
        switch kind {
        case .integer:
            guard let bits = idBits(record) else {
                missing += 1
                return 0
            }
            number = bits
        case .content:
            hashes.append(KeyedItem(key: head.hashHigh, item: UInt64(row)))
            if firstLoad {
                number = base + head.sequence
            } else if let kept = try keptNumber(head) {
                number = kept
                keptCount += 1
            } else {
                number = give()
            }
        case .text:
            guard let text = idText(record) else {
                missing += 1
                return 0
            }
            hashes.append(KeyedItem(key: text.withUnsafeBytes { LayerFileFormat.hash($0) }, item: UInt64(row)))
            if !isHidden, let own = LayerFile.canonicalNumber(text), own < LayerBuilder.firstGivenToText {
                number = own
            } else if let row = try previous?.row(identifierBytes: text) {
                number = try previous!.number(row)
                keptCount += 1
            } else {
                number = give()
            }
        }
        guard number < LayerBuilder.numberLimit else { throw .tooLarge("feature numbers beyond 2^53") }
        numbers.append(KeyedItem(key: number, item: UInt64(row)))
        return number
    }

    private mutating func give() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// The number that a feature of the same content had; of several the first not yet taken.
    private mutating func keptNumber(_ head: SpillHead) throws(LayerFileError) -> UInt64? {
        let same = try previous!.contentRows(high: head.hashHigh, low: head.hashLow)
        guard let first = same.first else { return nil }
        if same.count == 1 {
            let bit: UInt64 = 1 << UInt64(first & 63)
            guard taken[first >> 6] & bit == 0 else { return nil }
            taken[first >> 6] |= bit
            return try previous!.number(first)
        }
        let used = takenOfSeveral[first, default: 0]
        guard used < same.count else { return nil }
        takenOfSeveral[first] = used + 1
        return try previous!.number(same[used])
    }

    private func idBits(_ record: UnsafeRawPointer) -> UInt64? {
        guard let idOffset, record.load(fromByteOffset: idOffset, as: UInt8.self) == SpillTag.fixed.rawValue else { return nil }
        return record.loadUnaligned(fromByteOffset: idOffset + 1, as: UInt64.self)
    }

    private func idText(_ record: UnsafeRawPointer) -> [UInt8]? {
        guard let idOffset, let idColumn else { return nil }
        switch SpillTag(rawValue: record.load(fromByteOffset: idOffset, as: UInt8.self))! {
        case .null: return nil
        case .fixed, .time:
            let bits = record.loadUnaligned(fromByteOffset: idOffset + 1, as: Int64.self)
            return Array(String(bits).utf8)
        case .code:
            return Array(idColumn.dictionary!.text(Int(record.loadUnaligned(fromByteOffset: idOffset + 1, as: UInt32.self))))
        case .text:
            let length = Int(record.loadUnaligned(fromByteOffset: idOffset + 1, as: UInt32.self))
            return Array(UnsafeRawBufferPointer(start: record + idOffset + 5, count: length))
        }
    }

    /// - Returns: pairs of rows whose identifiers have the same hash, to be compared when the file can be read.
    mutating func writeOrders(to file: SealingFile, rows: Int) throws(LayerFileError) -> [(Int, Int)] {
        if missing > 0 { throw .missingIdentifier(count: missing) }
        KeySort.sort(&numbers)
        let order = try file.section(.numberOrder, width: 4, count: rows)
        var duplicates = 0
        var example: UInt64?
        for (i, item) in numbers.enumerated() {
            try order.put(UInt32(item.item))
            if i > 0 && numbers[i - 1].key == item.key {
                duplicates += 1
                example = example ?? item.key
            }
        }
        if let example, kind == .integer { throw .duplicateIdentifier(String(example), count: duplicates) }
        numbers = []
        guard kind != .integer else { return [] }
        KeySort.sort(&hashes)
        if kind == .content {
            let content = try file.section(.contentOrder, width: 4, count: rows)
            for item in hashes { try content.put(UInt32(item.item)) }
            hashes = []
            return []
        }
        let hash = try file.section(.identifierHash, width: 8, count: rows)
        let row = try file.section(.identifierRow, width: 4, count: rows)
        var suspects: [(Int, Int)] = []
        for (i, item) in hashes.enumerated() {
            try hash.put(item.key)
            try row.put(UInt32(item.item))
            if i > 0 && hashes[i - 1].key == item.key { suspects.append((Int(hashes[i - 1].item), Int(item.item))) }
        }
        hashes = []
        return suspects
    }

    func refuseDuplicates(_ suspects: [(Int, Int)], in url: URL) throws(LayerFileError) {
        guard !suspects.isEmpty else { return }
        let file = try LayerFile.open(url)
        var count = 0
        var example: String?
        for (a, b) in suspects {
            guard try file.identifier(a) == file.identifier(b) else { continue }
            count += 1
            if example == nil { example = try file.identifier(a) }
        }
        if let example { throw .duplicateIdentifier(example, count: count) }
    }
}
