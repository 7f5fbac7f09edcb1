import Formats
import Geo
public import LayerAtlas
import LayerStore

/// Writes features of one layer as GeoJSON, straight from the mapped columns.
struct FeatureWriter {
    private let source: RowSource
    private let columns: [Column]
    /// `"name":` for each column, with a comma before all but the first.
    private let keys: [[UInt8]]

    init(_ source: RowSource) {
        self.source = source
        columns = source.columns.map { source.file.columns[$0] }
        keys = columns.enumerated().map { i, column in
            var writer = ByteWriter()
            if i > 0 { writer.byte(44) }
            writer.jsonString(column.attribute.name)
            writer.byte(58)
            return writer.array()
        }
    }

    /// A Feature object (RFC 7946, 3.2), left open before its closing brace when `links` may follow.
    func write(_ row: Int, to writer: inout ByteWriter, closed: Bool = true) throws(LayerFileError) {
        let file = source.file
        writer.literal("{\"type\":\"Feature\",\"id\":")
        if source.showsIdentifier {
            writer.jsonString(try file.identifier(row))
        } else {
            writer.integer(try file.number(row))
        }
        writer.literal(",\"geometry\":")
        if row < file.geometryCount {
            writer.geoJSON(try file.shape(row))
        } else {
            writer.literal("null")
        }
        writer.literal(",\"properties\":{")
        for i in columns.indices {
            writer.bytes(keys[i])
            try columns[i].touch(row..<row + 1)
            switch columns[i].value(row) {
            case .null: writer.literal("null")
            case .integer(let value): writer.integer(value)
            case .real(let value): writer.real(value)
            case .boolean(let value): if value { writer.literal("true") } else { writer.literal("false") }
            case .date(let day):
                writer.byte(34)
                writer.day(day)
                writer.byte(34)
            case .time(let instant):
                writer.byte(34)
                writer.instant(instant)
                writer.byte(34)
            case .text(let bytes): writer.jsonString(bytes)
            case .json(let bytes): writer.bytes(bytes)
            }
        }
        writer.byte(125)
        if closed { writer.byte(125) }
    }
}

extension QueryEngine {
    /// A page as a FeatureCollection (OGC 17-069r4, 7.16).
    ///
    /// - Parameters:
    ///   - links: a JSON array.
    ///   - timeStamp: RFC 3339.
    /// - Complexity: O(bytes), with no allocation per feature
    public func collection(
        _ layer: VisibleLayer, _ page: ItemsPage, links: String, timeStamp: String, deadline: Deadline
    ) throws(QueryError) -> [UInt8] {
        try source(layer).collection(page, links: links, timeStamp: timeStamp, deadline: deadline)
    }

    /// One feature with links beside its members (OGC 17-069r4, 7.16.2).
    public func feature(_ layer: VisibleLayer, row: Int, links: String) throws(QueryError) -> [UInt8] {
        try source(layer).feature(row, links: links)
    }
}

extension RowSource {
    func feature(_ row: Int, links: String) throws(QueryError) -> [UInt8] {
        var writer = ByteWriter()
        do throws(LayerFileError) {
            try FeatureWriter(self).write(row, to: &writer, closed: false)
        } catch {
            throw .damaged(layer: layer, detail: "\(error)")
        }
        writer.literal(",\"links\":")
        writer.text(links)
        writer.byte(125)
        return writer.array()
    }

    func collection(_ page: ItemsPage, links: String, timeStamp: String, deadline: Deadline) throws(QueryError) -> [UInt8] {
        var writer = ByteWriter(capacity: 1024 + 640 * page.rows.count)
        let features = FeatureWriter(self)
        writer.literal("{\"type\":\"FeatureCollection\",\"features\":[")
        for (i, row) in page.rows.enumerated() {
            if i > 0 { writer.byte(44) }
            do throws(LayerFileError) {
                try features.write(row, to: &writer)
            } catch {
                throw .damaged(layer: layer, detail: "\(error)")
            }
            if i & 255 == 255 { try deadline.check() }
        }
        writer.literal("],\"numberReturned\":")
        writer.integer(Int64(page.rows.count))
        if let matched = page.matched {
            writer.literal(",\"numberMatched\":")
            writer.integer(Int64(matched))
        }
        writer.literal(",\"timeStamp\":")
        writer.jsonString(timeStamp)
        writer.literal(",\"links\":")
        writer.text(links)
        writer.byte(125)
        return writer.array()
    }
}
