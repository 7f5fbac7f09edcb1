import CGDAL
import Geo
import RecordStream

/// Reads a layer as Arrow columns, which is more than twice as fast as feature by feature for the formats that store rows side by side.
///
/// Takes only plain columns (numbers, text, booleans, dates); `init` is nil for a layer with others, which `FeatureReading` takes.
struct ColumnReading {
    private enum Kind { case int64, int32, int16, double, float, boolean, text, day }

    private struct Column {
        var child: Int
        var kind: Kind
        var field: FieldReader.Column
    }

    private let layer: GDALLayer
    private let stream: UnsafeMutablePointer<ArrowArrayStream>
    private var columns: [Column] = []
    private var geometryChild: Int?
    private var rowChild: Int?

    /// - Returns: nil when the layer is better read feature by feature; nothing has been read then.
    init?(_ layer: GDALLayer, _ fields: FieldReader) {
        self.layer = layer
        stream = .allocate(capacity: 1)
        stream.initialize(to: ArrowArrayStream())
        OGR_L_ResetReading(layer.handle)
        guard OGR_L_GetArrowStream(layer.handle, stream, nil), resolve(fields) else {
            close()
            OGR_L_ResetReading(layer.handle)
            return nil
        }
    }

    /// Ends the stream; called once, by whoever made this.
    func close() {
        if let release = stream.pointee.release { release(stream) }
        stream.deallocate()
    }

    private mutating func resolve(_ fields: FieldReader) -> Bool {
        var schema = ArrowSchema()
        guard stream.pointee.get_schema(stream, &schema) == 0 else { return false }
        defer { schema.release?(&schema) }
        var byName: [String: Int] = [:]
        for index in 0..<Int(schema.n_children) {
            guard let child = schema.children[index]?.pointee, child.dictionary == nil, let name = child.name, let format = child.format
            else {
                return false
            }
            switch String(cString: format) {
            case "z":
                guard geometryChild == nil else { return false }
                geometryChild = index
            default:
                guard byName.updateValue(index, forKey: String(cString: name)) == nil else { return false }
            }
        }
        // The row comes first, under a name that is nobody's field.
        let declared = Set(
            (0..<OGR_FD_GetFieldCount(layer.definition)).compactMap { index in
                OGR_FD_GetFieldDefn(layer.definition, index).map { String(cString: OGR_Fld_GetNameRef($0)) }
            })
        guard let first = byName.first(where: { $0.value == 0 }), !declared.contains(first.key) else { return false }
        rowChild = 0
        for field in fields.columns {
            let name = String(cString: OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(layer.definition, field.index)))
            guard let child = byName[name], let format = schema.children[child]?.pointee.format,
                let kind = Self.kind(String(cString: format), field.type)
            else { return false }
            columns.append(Column(child: child, kind: kind, field: field))
        }
        return true
    }

    private static func kind(_ format: String, _ type: AttributeType) -> Kind? {
        switch (format, type) {
        case ("l", .integer): .int64
        case ("i", .integer): .int32
        case ("s", .integer): .int16
        case ("g", .real): .double
        case ("f", .real): .float
        case ("b", .boolean): .boolean
        case ("u", .text), ("u", .json): .text
        case ("tdD", .date): .day
        default: nil
        }
    }

    /// Sends all features; returns how many.
    func write(swapped: Bool, to output: inout RecordOutput) throws {
        var geometries = GeometryWriter(swapsAxes: swapped)
        CPLErrorReset()
        while true {
            var batch = ArrowArray()
            guard stream.pointee.get_next(stream, &batch) == 0 else {
                throw layer.owner.failure("damaged", "the file could not be read to its end")
            }
            guard let release = batch.release else { break }
            defer { release(&batch) }
            try write(batch, &geometries, to: &output)
        }
        if CPLGetLastErrorType() == CE_Failure { throw layer.owner.failure("damaged", "the file could not be read to its end") }
        try geometries.report(to: &output)
    }

    private func write(_ batch: ArrowArray, _ geometries: inout GeometryWriter, to output: inout RecordOutput) throws {
        let count = Int(batch.length)
        guard let children = batch.children, let rows = rowChild.flatMap({ children[$0] }).flatMap({ Values($0.pointee, count) }) else {
            return
        }
        let shapes = geometryChild.flatMap { children[$0] }.flatMap { Values($0.pointee, count) }
        let values = columns.map { column in children[column.child].flatMap { Values($0.pointee, count) } }
        guard values.allSatisfy({ $0 != nil }), geometryChild == nil || shapes != nil else {
            throw RecordFailure(code: "damaged", message: "a batch of columns of different lengths")
        }
        for index in 0..<count {
            let row = UInt64(bitPattern: rows.number(index, as: Int64.self))
            output.writer.beginFeature(row: row)
            // Of a FlatGeobuf GDAL 3.6 does not say that a geometry is null, but hands over none of its bytes.
            if let shapes, !shapes.isNull(index), !shapes.bytes(index).isEmpty {
                geometries.write(wkb: shapes.bytes(index), to: &output.writer)
            } else {
                output.writer.geometry(nil)
            }
            for (column, values) in zip(columns, values) {
                guard let values, !values.isNull(index) else {
                    output.writer.null()
                    continue
                }
                try write(column, values, index, row, &output)
            }
            try output.endFeature(row: row)
        }
    }

    private func write(_ column: Column, _ values: Values, _ index: Int, _ row: UInt64, _ output: inout RecordOutput) throws {
        switch column.kind {
        case .int64: output.writer.integer(values.number(index, as: Int64.self))
        case .int32: output.writer.integer(Int64(values.number(index, as: Int32.self)))
        case .int16: output.writer.integer(Int64(values.number(index, as: Int16.self)))
        case .double: try output.real(values.number(index, as: Double.self), row: row, field: column.field.name)
        case .float: try output.real(Double(values.number(index, as: Float.self)), row: row, field: column.field.name)
        case .boolean: output.writer.boolean(values.bit(index))
        case .text where column.field.type == .json: try output.json(values.bytes(index), row: row, field: column.field.name)
        case .text: try output.text(values.bytes(index), row: row, field: column.field.name)
        case .day:
            let day = Day(daysSince1970: values.number(index, as: Int32.self))
            if (0...9999).contains(day.civil.year) {
                output.writer.date(day)
            } else {
                output.writer.null()
                try output.problem("bad-date", row: row, field: column.field.name, "there is no such day")
            }
        }
    }

    /// One column of a batch, as the Arrow C data interface lays it out: a bitmap of what is not null, then values, or offsets and bytes.
    private struct Values {
        private let valid: UnsafePointer<UInt8>?
        private let first: UnsafeRawPointer
        private let second: UnsafeRawPointer?
        private let offset: Int

        /// Nil when the column is shorter than the batch or lacks its values.
        init?(_ array: ArrowArray, _ count: Int) {
            guard Int(array.length) >= count, array.n_buffers >= 2, let buffers = array.buffers, let values = buffers[1] else { return nil }
            valid = array.null_count == 0 ? nil : buffers[0].map { $0.assumingMemoryBound(to: UInt8.self) }
            first = values
            second = array.n_buffers > 2 ? buffers[2] : nil
            offset = Int(array.offset)
        }

        func isNull(_ index: Int) -> Bool {
            guard let valid else { return false }
            let place = index + offset
            return valid[place >> 3] & (1 << UInt8(place & 7)) == 0
        }

        func number<Number>(_ index: Int, as type: Number.Type) -> Number {
            first.load(fromByteOffset: (index + offset) * MemoryLayout<Number>.stride, as: Number.self)
        }

        func bit(_ index: Int) -> Bool {
            let place = index + offset
            return first.load(fromByteOffset: place >> 3, as: UInt8.self) & (1 << UInt8(place & 7)) != 0
        }

        func bytes(_ index: Int) -> UnsafeRawBufferPointer {
            let start = Int(number(index, as: Int32.self))
            let end = Int(first.load(fromByteOffset: (index + offset + 1) * 4, as: Int32.self))
            return UnsafeRawBufferPointer(start: second.map { $0 + start }, count: max(0, end - start))
        }
    }
}
