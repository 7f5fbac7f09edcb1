import Foundation
public import Geo

/// Writes a stream of records to a pipe or file: header, then features, problems as they are met, and the end or a failure.
///
/// A feature is `beginFeature`, one value call per field of the header in its order, and `endFeature`. Values go straight into the bytes of the
/// batch; nothing is allocated per feature. Calls out of order or of the wrong type are the caller's own mistakes and stop the program.
public struct RecordWriter: ~Copyable {
    private let descriptor: Int32
    private var bytes: UnsafeMutableRawBufferPointer
    private var used = 0
    private var started = false

    private var types: [AttributeType] = []
    private var nextField = 0
    /// Where the feature being written begins; nil between features.
    private var featureStart: Int?
    private var hasGeometry = false
    private var batchFeatures: UInt32 = 0
    /// Features written so far, those of the open batch included.
    public private(set) var featureCount: UInt64 = 0

    /// The count of features comes before them, so their place is left free.
    private static let batchHead = 4

    /// Does not own the descriptor. A closed pipe must come as an error, so `SIGPIPE` has to be ignored by the program.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
        bytes = .allocate(byteCount: RecordFormat.batchTarget + (64 << 10), alignment: 16)
        used = Self.batchHead
    }

    deinit { bytes.deallocate() }

    // MARK: Frames

    public mutating func header(_ header: RecordHeader) throws(RecordStreamError) {
        precondition(!started, "the header comes once and first")
        precondition(header.fields.count <= RecordFormat.fieldLimit, "more fields than a stream can have")
        types = header.fields.map(\.type)
        try document(.header, header)
    }

    /// Sent at once, so it may come before the batch with the row it speaks of.
    public mutating func problem(_ problem: RecordProblem) throws(RecordStreamError) {
        try document(.problem, problem)
    }

    /// Drops what was not sent yet and says why; the stream ends.
    public mutating func failure(_ failure: RecordFailure) throws(RecordStreamError) {
        try document(.failure, failure)
    }

    /// Sends what is left and the number of features; the stream ends.
    public mutating func end() throws(RecordStreamError) {
        precondition(featureStart == nil, "a feature is open")
        try flush()
        var count = featureCount.littleEndian
        try frame(.end, withUnsafeBytes(of: &count) { Array($0) })
    }

    // MARK: Features

    /// - Parameter row: the position of the feature in the source, from 0, or its own number where the format has one.
    public mutating func beginFeature(row: UInt64) {
        precondition(featureStart == nil, "the feature before was not ended")
        featureStart = used
        nextField = 0
        hasGeometry = false
        append(row)
    }

    /// The geometry as well-known binary, x east and y north; nil for none. Comes before the values.
    public mutating func geometry(_ wkb: UnsafeRawBufferPointer?) {
        precondition(featureStart != nil && !hasGeometry, "one geometry per feature, before its values")
        hasGeometry = true
        guard let wkb else { return append(RecordFormat.noGeometry) }
        append(UInt32(clamping: wkb.count))
        append(contentsOf: wkb)
    }

    /// The geometry written in place by a function that fills exactly `byteCount` bytes.
    public mutating func geometry(byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        precondition(featureStart != nil && !hasGeometry, "one geometry per feature, before its values")
        hasGeometry = true
        append(UInt32(clamping: byteCount))
        reserve(byteCount)
        fill(UnsafeMutableRawBufferPointer(rebasing: bytes[used..<(used + byteCount)]))
        used += byteCount
    }

    public mutating func null() {
        value(.null, of: nil)
    }

    public mutating func integer(_ number: Int64) {
        value(.integer, of: .integer)
        append(number)
    }

    /// The number must be finite.
    public mutating func real(_ number: Double) {
        precondition(number.isFinite, "only finite numbers are records")
        value(.real, of: .real)
        append(number.bitPattern)
    }

    public mutating func boolean(_ truth: Bool) {
        value(.boolean, of: .boolean)
        append(truth ? UInt8(1) : 0)
    }

    public mutating func date(_ day: Day) {
        value(.date, of: .date)
        append(day.daysSince1970)
    }

    /// - Parameter instant: without a zone its microseconds are those of the wall clock.
    public mutating func time(_ instant: Instant) {
        value(.time, of: .time)
        append(instant.microseconds)
        append(instant.zoneMinutes ?? RecordFormat.noZone)
    }

    /// The bytes must be UTF-8.
    public mutating func text(_ utf8: UnsafeRawBufferPointer) {
        value(.text, of: .text)
        append(UInt32(clamping: utf8.count))
        append(contentsOf: utf8)
    }

    public mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { self.text(UnsafeRawBufferPointer($0)) }
    }

    /// The bytes must be JSON in UTF-8.
    public mutating func json(_ utf8: UnsafeRawBufferPointer) {
        value(.json, of: .json)
        append(UInt32(clamping: utf8.count))
        append(contentsOf: utf8)
    }

    /// - Throws: `featureTooLarge` when it does not fit a frame; it is dropped then, and the stream can go on.
    public mutating func endFeature() throws(RecordStreamError) {
        guard let start = featureStart else { preconditionFailure("no feature is open") }
        precondition(hasGeometry && nextField == types.count, "a feature has its geometry and a value for every field")
        let size = used - start
        guard size <= RecordFormat.payloadLimit - Self.batchHead else {
            dropFeature()
            throw .featureTooLarge(bytes: size)
        }
        featureStart = nil
        if used > RecordFormat.payloadLimit {
            // What came before goes alone; the feature becomes the first of the next batch.
            try send(upTo: start)
            (bytes.baseAddress! + Self.batchHead).copyMemory(from: bytes.baseAddress! + start, byteCount: size)
            used = Self.batchHead + size
        }
        batchFeatures += 1
        featureCount += 1
        if used >= RecordFormat.batchTarget { try flush() }
    }

    /// Forgets the feature being written.
    public mutating func dropFeature() {
        guard let start = featureStart else { return }
        used = start
        featureStart = nil
    }

    // MARK: How

    private mutating func value(_ tag: RecordFormat.Tag, of type: AttributeType?) {
        precondition(hasGeometry && nextField < types.count, "a value too many, or before the geometry")
        precondition(type == nil || type == types[nextField], "a value of another type than its field")
        nextField += 1
        append(tag.rawValue)
    }

    @inline(__always)
    private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        let size = MemoryLayout<Number>.size
        reserve(size)
        bytes.storeBytes(of: number.littleEndian, toByteOffset: used, as: Number.self)
        used += size
    }

    private mutating func append(contentsOf more: UnsafeRawBufferPointer) {
        guard let from = more.baseAddress, !more.isEmpty else { return }
        reserve(more.count)
        (bytes.baseAddress! + used).copyMemory(from: from, byteCount: more.count)
        used += more.count
    }

    @inline(__always)
    private mutating func reserve(_ count: Int) {
        if used + count > bytes.count { grow(count) }
    }

    private mutating func grow(_ count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(used + count, bytes.count * 2), alignment: 16)
        larger.baseAddress!.copyMemory(from: bytes.baseAddress!, byteCount: used)
        bytes.deallocate()
        bytes = larger
    }

    private mutating func flush() throws(RecordStreamError) {
        try send(upTo: used)
        used = Self.batchHead
    }

    private mutating func send(upTo end: Int) throws(RecordStreamError) {
        guard batchFeatures > 0 else { return }
        bytes.storeBytes(of: batchFeatures.littleEndian, toByteOffset: 0, as: UInt32.self)
        batchFeatures = 0
        try head(.batch, payload: end)
        try write(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
    }

    private mutating func document(_ type: RecordFormat.Frame, _ value: some Encodable) throws(RecordStreamError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { throw .badDocument("does not encode") }
        guard data.count <= RecordFormat.documentLimit else { throw .frameTooLarge(bytes: data.count) }
        try frame(type, Array(data))
    }

    private mutating func frame(_ type: RecordFormat.Frame, _ payload: [UInt8]) throws(RecordStreamError) {
        try head(type, payload: payload.count)
        try write(payload)
    }

    private mutating func head(_ type: RecordFormat.Frame, payload: Int) throws(RecordStreamError) {
        var head = started ? [] : RecordFormat.magic
        started = true
        withUnsafeBytes(of: UInt32(payload).littleEndian) { head.append(contentsOf: $0) }
        head.append(type.rawValue)
        try write(head)
    }

    private func write(_ all: [UInt8]) throws(RecordStreamError) {
        let status = all.withUnsafeBytes { Self.write($0, to: descriptor) }
        if status != 0 { throw .system(status) }
    }

    private func write(_ all: UnsafeRawBufferPointer) throws(RecordStreamError) {
        let status = Self.write(all, to: descriptor)
        if status != 0 { throw .system(status) }
    }

    /// Returns 0, or the `errno` of what failed.
    private static func write(_ all: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
        var sent = 0
        while sent < all.count {
            let count = Foundation.write(descriptor, all.baseAddress! + sent, all.count - sent)
            if count >= 0 {
                sent += count
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }
}
