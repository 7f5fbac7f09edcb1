import FoundationEssentials
import Geo

/// Which class of a hazard is graver.
public struct HazardRanks: Sendable {
    /// The column of the class; nil where the layer has but one.
    public var column: Int?
    /// The rank of a value: 1 for the least grave, up to 254; nil for a class nobody knows, which counts as graver than all.
    public var rank: @Sendable (AttributeValue) -> UInt8?

    public init(column: Int?, rank: @escaping @Sendable (AttributeValue) -> UInt8?) {
        self.column = column
        self.rank = rank
    }
}

/// What was done about a layer's vertices at far zooms.
public enum SimplifiedOutlines: Sendable, Equatable {
    /// All are drawn: there are few of them.
    case notNeeded
    case done
    /// All are drawn: there are more than are looked at.
    case tooManyVertices
}

/// Gathers what the simplification needs while features are sealed, and does it at the end.
struct OutlineSimplifier {
    private let memory: WorkingMemory
    private let scratch: URL
    private var gathering: OutlineGathering
    private let ranks: HazardRanks?
    private let type: AttributeType?
    private let dictionary: TextDictionary?
    /// Ranks of numbers and of entries of the dictionary that came before.
    private var known: [UInt64: UInt8] = [:]

    /// - Parameter columns: the builder's.
    init(_ settings: LayerBuilder.Settings, _ totals: LayerBuilder.Totals, _ columns: [ColumnBuilder], scratch: URL) throws(LayerFileError)
    {
        self.scratch = scratch
        memory = WorkingMemory(in: scratch)
        ranks = settings.hazard
        type = settings.hazard?.column.map { settings.attributes[$0].type }
        dictionary = settings.hazard?.column.flatMap { columns[$0].dictionary }
        gathering = try OutlineGathering(rings: totals.rings, in: memory)
    }

    /// - Parameters:
    ///   - start: where the ring ends begin in the record.
    ///   - classOffset: where the value of the class's column lies in it.
    /// - Returns: the rank of its class; 0 where there are none.
    mutating func add(_ record: UnsafeRawPointer, at start: Int, _ head: SpillHead, row: Int, classOffset: Int?) -> UInt8 {
        let rank = rank(record, classOffset)
        gathering.add(record, at: start, head, row: row, rank: rank)
        return rank
    }

    private mutating func rank(_ record: UnsafeRawPointer, _ offset: Int?) -> UInt8 {
        guard let ranks else { return 0 }
        guard let offset, let type else { return 1 }
        let tag = SpillTag(rawValue: record.load(fromByteOffset: offset, as: UInt8.self))!
        let bits: UInt64
        switch tag {
        case .null, .time: return clamped(nil)
        case .fixed: bits = record.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self)
        case .code: bits = UInt64(record.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self))
        case .text:
            let length = Int(record.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self))
            let text = UnsafeRawBufferPointer(start: record + offset + 5, count: length)
            return clamped(ranks.rank(.text(String(decoding: text, as: UTF8.self))))
        }
        if let rank = known[bits] { return rank }
        let value: AttributeValue
        switch type {
        case .integer: value = .integer(Int64(bitPattern: bits))
        case .real: value = .real(Double(bitPattern: bits))
        case .boolean: value = .boolean(bits != 0)
        case .text: value = .text(String(decoding: dictionary!.text(Int(bits)), as: UTF8.self))
        case .date, .time, .json: value = .null
        }
        let rank = clamped(ranks.rank(value))
        // A column of measures would have as many as there are rows.
        if known.count < 10_000 { known[bits] = rank }
        return rank
    }

    private func clamped(_ rank: UInt8?) -> UInt8 { rank.map { max(1, min($0, 254)) } ?? 255 }

    /// Whether the polygons gathered fit together, see `Simplification.fitsTogether`.
    func fitsTogether(_ vertices: UnsafeBufferPointer<Int32>) -> Bool {
        Simplification.fitsTogether(vertices, UnsafeBufferPointer(start: gathering.outlines.start, count: gathering.outlines.count))
    }

    /// Notes which features' polygons meet, and from which zoom on each may be rounded by itself all the same.
    /// - Parameter details: of all rows.
    func noteMeetings(_ vertices: UnsafeBufferPointer<Int32>, _ details: inout [FeatureDetail]) throws(LayerFileError) {
        let own = WorkingMemory(in: scratch)
        let groups = try RowGroups(count: details.count, in: own)
        try Meetings(vertices, gathering.outlines, in: own).forEach { groups.join($0, $1) }
        var safety = GroupSafety(vertices, gathering.outlines)
        for row in details.indices where !groups.isAlone(row) {
            details[row].meetsOthers = true
            if groups.lead(of: row) == row { safety.note(&details, group: row, of: groups) }
        }
        withExtendedLifetime(own) {}
    }

    /// Writes a level for each vertex.
    /// - Parameter vertices: of the whole layer, Web Mercator world units, x and y in turn.
    /// - Returns: the levels, valid as long as this.
    func finish(_ vertices: UnsafeBufferPointer<Int32>) throws(LayerFileError) -> UnsafeBufferPointer<VertexLevel> {
        let levels = try memory.run(of: VertexLevel.self, count: vertices.count / 2)
        let own = WorkingMemory(in: scratch)
        let graph = try BorderGraph(vertices, gathering.outlines, hasRanks: ranks != nil, memory: own) { WorkingMemory(in: scratch) }
        graph.markGrowing(vertices, levels)
        var simplification = try Simplification(graph, hasRanks: ranks != nil, memory: own)
        simplification.run()
        graph.noteZooms(levels)
        withExtendedLifetime(own) {}
        return UnsafeBufferPointer(start: levels.start, count: levels.count)
    }
}
