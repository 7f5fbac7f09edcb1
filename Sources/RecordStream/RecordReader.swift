import Foundation
import Geo

/// What comes next in a stream of records.
public enum RecordEvent: Sendable {
    case header(RecordHeader)
    case batch(RecordBatch)
    case problem(RecordProblem)
    /// The source could not be read (further); nothing follows.
    case failure(RecordFailure)
    /// All of the source was read: this many features came. Nothing follows.
    case end(features: UInt64)
}

/// Reads a stream of records from a pipe or file and believes nothing: every length is held against the bytes left, every value against its
/// field, and a stream without its end is an error.
public final class RecordReader {
    private let descriptor: Int32
    private let patience: Int?
    private var state = State.atMagic
    private var types: [AttributeType] = []
    /// Memory for batches, the free ones to be used again.
    private var pool: [RecordBytes] = []
    /// Features that came so far.
    public private(set) var featureCount: UInt64 = 0

    private enum State { case atMagic, atHeader, inFeatures, ended }

    private static let poolSize = 8

    /// - Parameters:
    ///   - descriptor: read from, and left open.
    ///   - patience: milliseconds to wait for a next byte before giving up with `silent`; nil waits for ever.
    public init(descriptor: Int32, patience: Int? = nil) {
        self.descriptor = descriptor
        self.patience = patience
    }

    /// The next event; nil after an end or a failure. After an error there is nothing more to be had.
    public func next() throws(RecordStreamError) -> RecordEvent? {
        if state == .ended { return nil }
        let before = state
        state = .ended  // Unless this goes well.
        if before == .atMagic {
            guard try bytes(RecordFormat.magic.count) == RecordFormat.magic else { throw .notAStream }
        }
        let head = try bytes(5)
        let length = head.withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
        guard let frame = RecordFormat.Frame(rawValue: head[4]) else { throw .unknownFrame(head[4]) }
        guard length <= (frame == .batch ? RecordFormat.payloadLimit : RecordFormat.documentLimit) else {
            throw .frameTooLarge(bytes: length)
        }

        let atHeader = before != .inFeatures
        switch frame {
        case .header where atHeader:
            let header: RecordHeader = try document(length)
            try check(header)
            types = header.fields.map(\.type)
            state = .inFeatures
            return .header(header)
        case .batch where !atHeader:
            let batch = try batch(length)
            featureCount += UInt64(batch.count)
            state = .inFeatures
            return .batch(batch)
        case .problem where !atHeader:
            let problem: RecordProblem = try document(length)
            state = .inFeatures
            return .problem(problem)
        case .failure:
            return .failure(try document(length))
        case .end where !atHeader:
            guard length == 8 else { throw .badDocument("an end of \(length) bytes") }
            let said = try bytes(8).withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
            guard said == featureCount else { throw .wrongCount(said: said, came: featureCount) }
            return .end(features: said)
        default:
            throw .unexpectedFrame(frame.rawValue)
        }
    }

    private func check(_ header: RecordHeader) throws(RecordStreamError) {
        guard header.fields.count <= RecordFormat.fieldLimit else { throw .badDocument("\(header.fields.count) fields") }
        guard header.fields.allSatisfy({ !$0.name.isEmpty }) else { throw .badDocument("a field without a name") }
        guard Set(header.fields.map(\.name)).count == header.fields.count else { throw .badDocument("two fields of one name") }
    }

    private func batch(_ length: Int) throws(RecordStreamError) -> RecordBatch {
        let storage = freeStorage(length)
        let bytes = UnsafeMutableRawBufferPointer(rebasing: storage.memory[..<length])
        try read(into: bytes)
        let starts = try BatchChecker(types: types, before: featureCount).starts(of: UnsafeRawBufferPointer(bytes))
        return RecordBatch(storage: storage, length: length, starts: starts, fieldCount: types.count)
    }

    /// Memory that no batch holds any more.
    private func freeStorage(_ length: Int) -> RecordBytes {
        for index in pool.indices where isKnownUniquelyReferenced(&pool[index]) {
            pool[index].makeRoom(for: length)
            return pool[index]
        }
        let fresh = RecordBytes(count: max(length, RecordFormat.batchTarget + (128 << 10)))
        if pool.count < Self.poolSize { pool.append(fresh) }
        return fresh
    }

    private func document<Value: Decodable>(_ length: Int) throws(RecordStreamError) -> Value {
        let text = try bytes(length)
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text))
        } catch {
            throw .badDocument("not a \(Value.self)")
        }
    }

    private func bytes(_ count: Int) throws(RecordStreamError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        let error = result.withUnsafeMutableBytes { room -> RecordStreamError? in
            do throws(RecordStreamError) {
                try read(into: room)
                return nil
            } catch {
                return error
            }
        }
        if let error { throw error }
        return result
    }

    /// Fills all of `room`.
    private func read(into room: UnsafeMutableRawBufferPointer) throws(RecordStreamError) {
        var done = 0
        while done < room.count {
            try waitForBytes()
            let count = Foundation.read(descriptor, room.baseAddress! + done, room.count - done)
            if count > 0 {
                done += count
            } else if count == 0 {
                throw .cutOff
            } else if errno != EINTR {
                throw .system(errno)
            }
        }
    }

    private func waitForBytes() throws(RecordStreamError) {
        guard let patience else { return }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = poll(&waiting, 1, Int32(clamping: patience))
            if ready > 0 { return }
            if ready == 0 { throw .silent(milliseconds: patience) }
            if errno != EINTR { throw .system(errno) }
        }
    }
}
