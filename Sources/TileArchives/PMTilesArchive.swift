import CXXHash
import Formats
public import Foundation
public import Geo

/// Writes a PMTiles archive, version 3: one file that any web server can serve tiles from by byte ranges.
///
/// The tiles are written first, from byte 16,384 on, in the order of their numbers, each content once; a journal beside them says after every `flush`
/// what is there. At the end come leaf directories and metadata, then header and root directory into the space kept for them, then the file gets its
/// name. A run that was cut off is gone on with from the journal.
public final class PMTilesArchive: TileArchive {
    private let content: ArchiveContent
    private let target: URL
    private let data: ArchiveFile
    private let journal: ArchiveFile
    private var entries: [PMTilesDirectory.Entry] = []
    /// Contents by hash and length; an entry is compared byte for byte before it is used again.
    private var known: [Key: UInt64] = [:]
    private var journalled = 0
    public private(set) var count = 0

    private struct Key: Hashable {
        var hash: UInt64
        var length: UInt32
    }

    /// Header and root directory lie within the first 16 KiB, so that one request fetches both.
    private static let front: UInt64 = 16_384
    private static let headerLength = 127
    /// Root directory, compressed.
    private static let rootLimit = Int(front) - headerLength

    /// - Parameter target: where the whole file will be; parts lie beside it as `<name>.part` and `<name>.part-journal`.
    public init(_ target: URL, _ content: ArchiveContent) throws {
        self.content = content
        self.target = target
        data = try ArchiveFile(target.appendingPathExtension("part"))
        journal = try ArchiveFile(target.appendingPathExtension("part-journal"))
        if try !goOn() {
            try journal.truncate(to: 0)
            try data.truncate(to: 0)
            try data.write([UInt8](repeating: 0, count: Int(Self.front)))
            try journal.write(Self.heading(content))
            try flush()
        }
    }

    public var lastNumber: UInt64? { entries.last.map { $0.number + UInt64($0.runLength) - 1 } }

    public func add(_ tile: TileCoordinate, _ bytes: [UInt8]) throws {
        let number = TileNumber.of(tile)
        precondition(lastNumber.map { number > $0 } ?? true, "tiles come in the order of their numbers")
        count += 1
        let key = Key(hash: bytes.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) }, length: UInt32(bytes.count))
        if let place = known[key], try data.read(bytes.count, at: Self.front + place) == bytes {
            let last = entries.count - 1
            // A run that is on the disk already is not made longer: the journal only grows.
            if last >= journalled, entries[last].offset == place, entries[last].number + UInt64(entries[last].runLength) == number {
                entries[last].runLength += 1
            } else {
                entries.append(.init(number: number, offset: place, length: key.length, runLength: 1))
            }
            return
        }
        let place = data.length - Self.front
        try data.write(bytes)
        known[key] = place
        entries.append(.init(number: number, offset: place, length: key.length, runLength: 1))
    }

    public func flush() throws {
        // The journal never names what is not there.
        try data.sync()
        for entry in entries[journalled...] { try journal.write(Self.record(entry)) }
        journalled = entries.count
        try journal.sync()
    }

    public func finish() throws {
        let dataLength = data.length - Self.front
        let (root, leaves) = Self.directories(entries)
        let leavesOffset = data.length
        try data.write(leaves)
        let metadata = Gzip.compress(Array(metadata.utf8), level: 6)
        let metadataOffset = data.length
        try data.write(metadata)
        try data.pass()
        var front = header(
            root: root.count, leaves: (leavesOffset, leaves.count), metadata: (metadataOffset, metadata.count), data: dataLength)
        front += root
        try front.withUnsafeBytes { try data.put($0, at: 0) }
        try data.sync()
        try ArchiveFile.place(target.appendingPathExtension("part"), at: target)
        try FileManager.default.removeItem(at: target.appendingPathExtension("part-journal"))
    }

    // MARK: - How it works

    /// Takes up what an earlier run left; false when there is nothing, or something else.
    private func goOn() throws -> Bool {
        let heading = Self.heading(content)
        guard journal.length >= heading.count, try journal.read(heading.count, at: 0) == heading else { return false }
        let size = Self.recordLength
        let whole = (Int(journal.length) - heading.count) / size
        let records = try journal.read(whole * size, at: UInt64(heading.count))
        var end: UInt64 = 0
        for place in 0..<whole {
            let entry = Self.entry(records[(place * size)..<(place + 1) * size])
            let next = lastNumber.map { $0 + 1 } ?? 0
            guard entry.runLength > 0, entry.number >= next, data.length >= Self.front,
                entry.offset + UInt64(entry.length) <= data.length - Self.front
            else { break }
            entries.append(entry)
            count += Int(entry.runLength)
            if entry.offset == end {
                let bytes = try data.read(Int(entry.length), at: Self.front + entry.offset)
                known[Key(hash: bytes.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) }, length: entry.length)] = entry.offset
            }
            end = max(end, entry.offset + UInt64(entry.length))
        }
        journalled = entries.count
        try journal.truncate(to: UInt64(heading.count + journalled * size))
        try data.truncate(to: Self.front + end)
        return true
    }

    private static let recordLength = 24

    private static func heading(_ content: ArchiveContent) -> [UInt8] {
        Array("kasane pmtiles journal 1 \(content.zooms) \(content.origin)\n".utf8)
    }

    private static func record(_ entry: PMTilesDirectory.Entry) -> [UInt8] {
        little(entry.number) + little(entry.offset) + little(entry.length) + little(entry.runLength)
    }

    private static func entry(_ bytes: ArraySlice<UInt8>) -> PMTilesDirectory.Entry {
        func number(_ from: Int, _ count: Int) -> UInt64 {
            bytes[(bytes.startIndex + from)..<(bytes.startIndex + from + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        return .init(
            number: number(0, 8), offset: number(8, 8), length: UInt32(number(16, 4)), runLength: UInt32(number(20, 4)))
    }

    /// Neighbouring runs of one content become one, then leaves of so many entries that the root fits.
    private static func directories(_ entries: [PMTilesDirectory.Entry]) -> (root: [UInt8], leaves: [UInt8]) {
        var merged: [PMTilesDirectory.Entry] = []
        merged.reserveCapacity(entries.count)
        for entry in entries {
            if let last = merged.last, last.offset == entry.offset, last.length == entry.length,
                last.number + UInt64(last.runLength) == entry.number
            {
                merged[merged.count - 1].runLength += entry.runLength
            } else {
                merged.append(entry)
            }
        }
        func compressed(_ directory: PMTilesDirectory) -> [UInt8] { Gzip.compress(directory.bytes, level: 9) }
        let whole = compressed(PMTilesDirectory(entries: merged))
        if whole.count <= rootLimit { return (whole, []) }
        var size = 4096
        while true {
            var leaves: [UInt8] = []
            var root: [PMTilesDirectory.Entry] = []
            for start in stride(from: 0, to: merged.count, by: size) {
                let leaf = compressed(PMTilesDirectory(entries: Array(merged[start..<min(start + size, merged.count)])))
                root.append(.init(number: merged[start].number, offset: UInt64(leaves.count), length: UInt32(leaf.count), runLength: 0))
                leaves += leaf
            }
            let bytes = compressed(PMTilesDirectory(entries: root))
            if bytes.count <= rootLimit { return (bytes, leaves) }
            size *= 2
        }
    }

    private func header(root: Int, leaves: (UInt64, Int), metadata: (UInt64, Int), data: UInt64) -> [UInt8] {
        var result = Array("PMTiles".utf8) + [3]
        func add(_ value: UInt64) { result += Self.little(value) }
        add(UInt64(Self.headerLength))
        add(UInt64(root))
        add(metadata.0)
        add(UInt64(metadata.1))
        add(leaves.0)
        add(UInt64(leaves.1))
        add(Self.front)
        add(data)
        add(entries.reduce(0) { $0 + UInt64($1.runLength) })
        add(UInt64(entries.count))
        add(UInt64(Set(entries.map(\.offset)).count))
        // Clustered; directories and tiles in gzip; vector tiles.
        result += [1, 2, 2, 1, UInt8(content.zooms.lowerBound), UInt8(content.zooms.upperBound)]
        func add(degrees: Double) { result += Self.little(UInt32(bitPattern: Int32((degrees * 1e7).rounded()))) }
        add(degrees: content.bounds.minX)
        add(degrees: content.bounds.minY)
        add(degrees: content.bounds.maxX)
        add(degrees: content.bounds.maxY)
        result.append(UInt8(content.zooms.lowerBound))
        add(degrees: (content.bounds.minX + content.bounds.maxX) / 2)
        add(degrees: (content.bounds.minY + content.bounds.maxY) / 2)
        precondition(result.count == Self.headerLength)
        return result
    }

    private var metadata: String {
        func quoted(_ text: String) -> String {
            var writer = ByteWriter()
            writer.jsonString(text)
            return String(decoding: writer.array(), as: UTF8.self)
        }
        return
            "{\"name\":\(quoted(content.name)),\"description\":\(quoted(content.description)),\"attribution\":\(quoted(content.attribution)),"
            + "\"version\":\"1.0.0\",\"layer_versions\":\(quoted(content.versions)),\"type\":\"overlay\",\"generator\":\"kasane\","
            + "\"vector_layers\":\(content.vectorLayers),\"leftOut\":\(content.leftOut)}"
    }

    private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
