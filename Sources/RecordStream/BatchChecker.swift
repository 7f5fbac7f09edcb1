import Geo

/// Goes once over a batch that nobody has checked and finds where its features begin, or what is wrong.
///
/// After it, `RecordBatch` can hand out values without looking again.
struct BatchChecker {
    let types: [AttributeType]
    /// Features of the batches before, for messages.
    let before: UInt64

    /// - Complexity: O(bytes); one allocation for the batch.
    func starts(of bytes: UnsafeRawBufferPointer) throws(RecordStreamError) -> [UInt32] {
        var cursor = Cursor(bytes: bytes, feature: before)
        let count = Int(try cursor.take(UInt32.self))
        guard count > 0, count <= (bytes.count - 4) / (RecordFormat.featureOverhead + types.count) else {
            throw .badFeature(index: before, "a number of features that the bytes cannot hold")
        }
        var starts: [UInt32] = []
        starts.reserveCapacity(count)
        for index in 0..<count {
            cursor.feature = before &+ UInt64(index)
            starts.append(UInt32(cursor.position))
            _ = try cursor.take(UInt64.self)
            let size = try cursor.take(UInt32.self)
            if size != RecordFormat.noGeometry { _ = try cursor.take(count: Int(size)) }
            for type in types { try value(type, &cursor) }
        }
        guard cursor.position == bytes.count else { throw cursor.wrong("bytes after the last feature") }
        return starts
    }

    private func value(_ type: AttributeType, _ cursor: inout Cursor) throws(RecordStreamError) {
        guard let tag = RecordFormat.Tag(rawValue: try cursor.take(UInt8.self)) else { throw cursor.wrong("an unknown kind of value") }
        switch (tag, type) {
        case (.null, _): break
        case (.integer, .integer):
            _ = try cursor.take(Int64.self)
        case (.real, .real):
            guard Double(bitPattern: try cursor.take(UInt64.self)).isFinite else { throw cursor.wrong("a real that is not a number") }
        case (.boolean, .boolean):
            guard try cursor.take(UInt8.self) <= 1 else { throw cursor.wrong("a boolean that is neither") }
        case (.date, .date):
            guard RecordFormat.days.contains(try cursor.take(Int32.self)) else { throw cursor.wrong("a date outside the years 0 to 9999") }
        case (.time, .time):
            guard RecordFormat.microseconds.contains(try cursor.take(Int64.self)) else {
                throw cursor.wrong("a time outside the years 0 to 9999")
            }
            let zone = try cursor.take(Int16.self)
            guard zone == RecordFormat.noZone || RecordFormat.zones.contains(zone) else { throw cursor.wrong("a zone that is none") }
        case (.text, .text):
            guard UTF8Check.isValid(try cursor.take(count: Int(try cursor.take(UInt32.self)))) else {
                throw cursor.wrong("text that is not UTF-8")
            }
        case (.json, .json):
            let text = try cursor.take(count: Int(try cursor.take(UInt32.self)))
            guard UTF8Check.isValid(text), JSONCheck.isValid(text) else { throw cursor.wrong("JSON that is none") }
        default:
            throw cursor.wrong("a value of another type than its field")
        }
    }

    private struct Cursor {
        let bytes: UnsafeRawBufferPointer
        var position = 0
        var feature: UInt64

        init(bytes: UnsafeRawBufferPointer, feature: UInt64) {
            self.bytes = bytes
            self.feature = feature
        }

        func wrong(_ what: String) -> RecordStreamError { .badFeature(index: feature, what) }

        @inline(__always)
        mutating func take<Number: FixedWidthInteger>(_ type: Number.Type) throws(RecordStreamError) -> Number {
            let size = MemoryLayout<Number>.size
            guard size <= bytes.count - position else { throw wrong("more than the bytes hold") }
            defer { position += size }
            return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
        }

        @inline(__always)
        mutating func take(count: Int) throws(RecordStreamError) -> UnsafeRawBufferPointer {
            guard count <= bytes.count - position else { throw wrong("more than the bytes hold") }
            defer { position += count }
            return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
        }
    }
}
