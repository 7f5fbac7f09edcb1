public import Geo

/// Memory that a batch's bytes lie in; used again by the reader when no batch holds it any more.
@usableFromInline
final class RecordBytes: @unchecked Sendable {
    // Sound because bytes are written only by the reader that made this, and only while nobody else holds it.
    @usableFromInline private(set) var memory: UnsafeMutableRawBufferPointer

    init(count: Int) { memory = .allocate(byteCount: count, alignment: 16) }

    func makeRoom(for count: Int) {
        guard count > memory.count else { return }
        memory.deallocate()
        memory = .allocate(byteCount: count, alignment: 16)
    }

    deinit { memory.deallocate() }
}

/// Some features of a stream, all checked: every length lies inside the bytes, every value has its field's type, all text is UTF-8, all JSON is
/// JSON, all numbers are finite. Well-known binary is only known to lie inside.
///
/// A batch holds its bytes as long as it lives, and can be given to another thread.
public struct RecordBatch: Sendable {
    @usableFromInline let storage: RecordBytes
    @usableFromInline let length: Int
    /// Where each feature begins in the bytes.
    @usableFromInline let starts: [UInt32]
    @usableFromInline let fieldCount: Int

    init(storage: RecordBytes, length: Int, starts: [UInt32], fieldCount: Int) {
        self.storage = storage
        self.length = length
        self.starts = starts
        self.fieldCount = fieldCount
    }

    /// The number of features.
    @inlinable public var count: Int { starts.count }

    /// Calls `body` for each feature with its source row, its geometry as well-known binary (nil: none) and its values.
    ///
    /// What it is given is valid only during the call.
    @inlinable
    public func forEachFeature<Failure: Error>(
        _ body: (_ row: UInt64, _ wkb: UnsafeRawBufferPointer?, _ fields: inout FieldCursor) throws(Failure) -> Void
    ) throws(Failure) {
        for index in starts.indices { try withFeature(index, body) }
    }

    /// The same for one feature.
    @inlinable
    public func withFeature<Failure: Error>(
        _ index: Int, _ body: (_ row: UInt64, _ wkb: UnsafeRawBufferPointer?, _ fields: inout FieldCursor) throws(Failure) -> Void
    ) throws(Failure) {
        defer { withExtendedLifetime(storage) {} }
        var bytes = ByteCursor(UnsafeRawBufferPointer(rebasing: storage.memory[..<length]), at: Int(starts[index]))
        let row = bytes.take(UInt64.self)
        let size = bytes.take(UInt32.self)
        let wkb = size == RecordFormat.noGeometry ? nil : bytes.take(count: Int(size))
        var fields = FieldCursor(bytes: bytes, left: fieldCount)
        try body(row, wkb, &fields)
    }
}

/// One value of a feature; text and JSON lie in the batch and are valid only while the feature is looked at.
@frozen
public enum FieldValue {
    case null
    case integer(Int64)
    case real(Double)
    case boolean(Bool)
    case date(Day)
    /// Without a zone the microseconds are those of the wall clock.
    case time(Instant)
    case text(UnsafeRawBufferPointer)
    case json(UnsafeRawBufferPointer)
}

/// Goes over the values of one feature, in the order of the header's fields.
public struct FieldCursor {
    @usableFromInline var bytes: ByteCursor
    @usableFromInline var left: Int

    @inlinable
    init(bytes: ByteCursor, left: Int) {
        self.bytes = bytes
        self.left = left
    }

    /// The next value; nil after the last.
    @inlinable
    public mutating func next() -> FieldValue? {
        guard left > 0 else { return nil }
        left -= 1
        // 0…7 are the tags of `RecordFormat.Tag`; there are no others in a checked batch.
        switch bytes.take(UInt8.self) {
        case 1: return .integer(bytes.take(Int64.self))
        case 2: return .real(Double(bitPattern: bytes.take(UInt64.self)))
        case 3: return .boolean(bytes.take(UInt8.self) != 0)
        case 4: return .date(Day(daysSince1970: bytes.take(Int32.self)))
        case 5:
            let microseconds = bytes.take(Int64.self)
            let zone = bytes.take(Int16.self)
            return .time(Instant(microseconds: microseconds, zoneMinutes: zone == RecordFormat.noZone ? nil : zone))
        case 6: return .text(bytes.take(count: Int(bytes.take(UInt32.self))))
        case 7: return .json(bytes.take(count: Int(bytes.take(UInt32.self))))
        default: return .null
        }
    }
}

/// Reads numbers from bytes that were checked before; goes past their end only by our own mistake, which stops the program.
@usableFromInline
struct ByteCursor {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var position: Int

    @inlinable
    init(_ bytes: UnsafeRawBufferPointer, at position: Int) {
        self.bytes = bytes
        self.position = position
    }

    @inlinable
    mutating func take<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
        let size = MemoryLayout<Number>.size
        precondition(size <= bytes.count - position)
        defer { position += size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
    }

    @inlinable
    mutating func take(count: Int) -> UnsafeRawBufferPointer {
        precondition(count <= bytes.count - position)
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }
}
