import Formats
import Geo
import LayerStore

/// Writes features of one layer in one text form, straight from the mapped columns. For one thread at a time.
final class FeatureWriter {
    /// How a feature is written.
    enum Style {
        case geoJSON
        case csv
    }

    private let source: RowSource
    private let file: LayerFile
    private let columns: [Column]
    private let form: FeatureForm
    private let keys: KeyBytes
    /// The identifier is not among the columns, and gets one of its own (CSV only; GeoJSON has a place for it).
    let idColumn: String?
    /// Tables give points in two columns of numbers, and everything else as well-known text (CSV only).
    private let isPointTable: Bool
    let vertices: VertexSource

    init(_ source: RowSource, _ form: FeatureForm, style: Style) throws(QueryError) {
        self.source = source
        self.form = form
        file = source.file
        let chosen = try source.columns(of: form)
        columns = chosen.map { source.file.columns[$0] }
        keys = KeyBytes(columns.map(\.attribute.name))
        idColumn = source.idColumnName(besides: chosen)
        isPointTable = source.file.geometryKinds == [.point]
        vertices = VertexSource(source, form.system, northFirst: style == .geoJSON && form.system.isNorthFirst)
    }

    // MARK: GeoJSON

    /// A Feature object (RFC 7946, 3.2), left open before its closing brace when more members may follow.
    func writeJSON(_ row: Int, to writer: inout ByteWriter, closed: Bool = true) throws {
        writer.literal("{\"type\":\"Feature\",\"id\":")
        if source.showsIdentifier {
            try source.writeIdentifier(row, to: &writer) { writer, text in writer.jsonString(text) }
        } else {
            writer.integer(try file.number(row))
        }
        writer.literal(",\"geometry\":")
        if form.hasGeometry && row < file.geometryCount {
            let shape = try file.shape(row)
            writer.geoJSON(shape, try vertices.vertices(shape, row: row))
        } else {
            writer.literal("null")
        }
        writer.literal(",\"properties\":{")
        for i in 0..<columns.count {
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

    // MARK: CSV

    /// The names of the columns (RFC 4180, 2.3).
    func writeHead(to writer: inout ByteWriter) {
        var names = columns.map(\.attribute.name)
        if let idColumn { names.insert(idColumn, at: 0) }
        if form.hasGeometry {
            let own = isPointTable ? (form.system.isProjected ? ["x", "y"] : ["longitude", "latitude"]) : ["WKT"]
            for name in own { names.append(RowSource.free(name, among: names)) }
        }
        for (i, name) in names.enumerated() {
            if i > 0 { writer.byte(44) }
            writer.csvText(name)
        }
        writer.literal("\r\n")
    }

    /// One line; an empty cell is null, an empty text has quotes.
    func writeLine(_ row: Int, to writer: inout ByteWriter) throws {
        if idColumn != nil {
            try writeID(row, to: &writer)
            writer.byte(44)
        }
        for i in 0..<columns.count {
            try columns[i].touch(row..<row + 1)
            switch columns[i].value(row) {
            case .null: break
            case .integer(let value): writer.integer(value)
            case .real(let value): writer.real(value)
            case .boolean(let value): if value { writer.literal("true") } else { writer.literal("false") }
            case .date(let day): writer.day(day)
            case .time(let instant): writer.instant(instant)
            case .text(let bytes), .json(let bytes): writer.csvText(bytes)
            }
            writer.byte(44)
        }
        if form.hasGeometry {
            if row < file.geometryCount {
                let shape = try file.shape(row)
                let placed = try vertices.vertices(shape, row: row)
                if isPointTable {
                    writer.xy(placed, between: 44)
                } else {
                    writer.byte(34)
                    writer.wkt(shape, placed)
                    writer.byte(34)
                }
            } else if isPointTable {
                writer.byte(44)
            }
        } else if !columns.isEmpty || idColumn != nil {
            writer.removeLast(1)
        }
        writer.literal("\r\n")
    }

    private func writeID(_ row: Int, to writer: inout ByteWriter) throws {
        if source.showsIdentifier {
            try source.writeIdentifier(row, to: &writer) { writer, text in writer.csvText(text) }
        } else {
            writer.integer(try file.number(row))
        }
    }

    // MARK: FlatGeobuf

    /// The columns of a FlatGeobuf, the identifier's own first.
    func columnHeads(title: (String) -> String?) -> [FlatGeobuf.ColumnHead] {
        var heads = columns.map { column in
            FlatGeobuf.ColumnHead(name: column.attribute.name, type: column.attribute.type, title: title(column.attribute.name))
        }
        if let idColumn {
            heads.insert(FlatGeobuf.ColumnHead(name: idColumn, type: source.showsIdentifier ? .text : .integer, isKey: true), at: 0)
        }
        return heads
    }

    /// A feature of a FlatGeobuf with its size before it.
    func writeFlat(_ row: Int, to writer: inout ByteWriter, written: inout ByteWriter) throws {
        let feature: (start: Int, properties: Int)
        if form.hasGeometry && row < file.geometryCount {
            let shape = try file.shape(row)
            feature = writer.beginFlatFeature(shape, try vertices.vertices(shape, row: row))
        } else {
            feature = writer.beginFlatFeature(nil, nil)
        }
        var number: UInt16 = 0
        if idColumn != nil {
            writer.raw(number)
            if source.showsIdentifier {
                try source.writeIdentifier(row, to: &writer) { writer, text in writer.flatText(text) }
            } else {
                writer.raw(try file.number(row))
            }
            number = 1
        }
        for i in 0..<columns.count {
            defer { number += 1 }
            try columns[i].touch(row..<row + 1)
            let value = columns[i].value(row)
            if case .null = value { continue }
            writer.raw(number)
            switch value {
            case .null: break
            case .integer(let value): writer.raw(value)
            case .real(let value): writer.raw(value)
            case .boolean(let value): writer.byte(value ? 1 : 0)
            case .date(let day):
                written.removeAll()
                written.day(day)
                written.withBytes { writer.flatText($0) }
            case .time(let instant):
                written.removeAll()
                written.instant(instant)
                written.withBytes { writer.flatText($0) }
            case .text(let bytes), .json(let bytes): writer.flatText(bytes)
            }
        }
        writer.endFlatFeature(feature)
    }

    /// Where a row lies in the system that is written; empty for one without a geometry.
    func envelope(_ row: Int) throws -> Envelope {
        guard form.hasGeometry, row < file.geometryCount else { return .empty }
        let shape = try file.shape(row)
        return try vertices.vertices(shape, row: row).envelope(count: shape.vertexCount)
    }
}

/// `"name":` for each column, with a comma before all but the first, in one piece of memory.
private final class KeyBytes {
    private let bytes: UnsafeMutableRawBufferPointer
    private let ends: UnsafeMutableBufferPointer<Int>

    init(_ names: [String]) {
        var writer = ByteWriter()
        ends = .allocate(capacity: names.count + 1)
        ends[0] = 0
        for (i, name) in names.enumerated() {
            if i > 0 { writer.byte(44) }
            writer.jsonString(name)
            writer.byte(58)
            ends[i + 1] = writer.count
        }
        bytes = .allocate(byteCount: max(1, writer.count), alignment: 1)
        writer.withBytes { bytes.copyMemory(from: $0) }
    }

    deinit {
        bytes.deallocate()
        ends.deallocate()
    }

    @inline(__always)
    subscript(index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[ends[index]..<ends[index + 1]])
    }
}

extension RowSource {
    /// The name of a column of its own for the identifier, where none of these columns has it: `id`, or another that is free.
    func idColumnName(besides columns: [Int]) -> String? {
        if let id = file.idColumn, file.identity != .content, columns.contains(id) { return nil }
        return RowSource.free("id", among: columns.map { file.attributes[$0].name })
    }

    static func free(_ name: String, among names: [String]) -> String {
        var free = name
        while names.contains(where: { $0.lowercased() == free.lowercased() }) { free += "_" }
        return free
    }

    /// The identifier of a row of a layer whose identifiers are texts, without making a string of it where it is one already.
    @inline(__always)
    func writeIdentifier(
        _ row: Int, to writer: inout ByteWriter, _ body: (inout ByteWriter, UnsafeRawBufferPointer) -> Void
    ) throws(LayerFileError) {
        if let id = file.idColumn {
            let column = file.columns[id]
            try column.touch(row..<row + 1)
            if case .text(let bytes) = column.value(row) {
                body(&writer, bytes)
                return
            }
        }
        var text = try file.identifier(row)
        text.withUTF8 { body(&writer, UnsafeRawBufferPointer($0)) }
    }
}

extension RowSource {
    /// One feature with links beside its members (OGC 17-069r4, 7.16.2).
    func feature(_ row: Int, form: FeatureForm, links: String, transforms: TransformPool) throws(QueryError) -> [UInt8] {
        let features = try FeatureWriter(self, form, style: .geoJSON)
        var writer = ByteWriter()
        func write() throws(QueryError) {
            try writing(layer) { try features.writeJSON(row, to: &writer, closed: false) }
        }
        if features.vertices.needsTransform {
            try transforms.with(form.system) { transform throws(QueryError) in
                features.vertices.transform = transform
                try write()
            }
        } else {
            try write()
        }
        writer.literal(",\"links\":")
        writer.text(links)
        writer.byte(125)
        return writer.array()
    }
}

/// Turns what is thrown while rows are written into what a question throws.
func writing(_ layer: String, _ body: () throws -> Void) throws(QueryError) {
    do { try body() } catch let error as QueryError { throw error } catch { throw .damaged(layer: layer, detail: "\(error)") }
}
