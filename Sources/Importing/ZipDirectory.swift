import CZlib
import Foundation
import RecordStream

/// One file in an archive, as both its central and its local header say.
struct ZipEntry: Sendable, Equatable {
    var name: String
    /// 0 stored, 8 deflated.
    var method: UInt16
    var checksum: UInt32
    var packedSize: Int
    var size: Int
    /// Where the packed bytes begin.
    var dataOffset: Int
    /// Where the local header begins, and where the last byte that belongs to the entry ends.
    var extent: Range<Int>

    var isFolder: Bool { name.hasSuffix("/") }
}

/// The table of contents of a ZIP archive that nobody has checked (APPNOTE 6.3.9), refused whole when anything about it is odd.
///
/// Refused are: entries that overlap, local headers that differ from the central ones, encryption, links, names that lead out of the folder or come
/// twice, other methods than storing and deflating, several disks, and more entries, bytes or compression than the limits.
struct ZipDirectory {
    static let entryLimit = 1000
    /// Unpacked bytes over packed bytes, of all entries together.
    static let ratioLimit = 100
    /// Unpacked bytes that pass at any ratio: 1 MiB.
    static let harmlessSize = 1 << 20
    /// Unpacked bytes of all entries: 4 GiB.
    static let sizeLimit = 4 << 30

    var entries: [ZipEntry] = []

    static func refusal(_ message: String) -> RecordFailure { RecordFailure(code: "bad-archive", message: message) }

    init(_ file: FileBytes) throws(RecordFailure) {
        let end = try EndRecord(file)
        guard end.entryCount <= Self.entryLimit else { throw Self.refusal("\(end.entryCount) entries; \(Self.entryLimit) are the most") }
        let table = try file.bytes(at: end.tableOffset, count: end.tableSize)
        guard table.count == end.tableSize else { throw Self.refusal("the table of contents is cut off") }
        var position = 0
        for _ in 0..<end.entryCount {
            let central = try CentralHeader(table, &position)
            entries.append(try central.entry(in: file, before: end.tableOffset))
        }
        guard position == table.count else { throw Self.refusal("the table of contents holds more than its entries") }
        try checkTogether()
    }

    private func checkTogether() throws(RecordFailure) {
        var names: Set<String> = []
        var total = 0
        for entry in entries {
            guard names.insert(entry.name.lowercased()).inserted else { throw Self.refusal("the same name comes twice") }
            total += entry.size  // Each is under 4 GiB and there are at most 1,000.
        }
        guard total <= Self.sizeLimit else { throw Self.refusal("the archive unpacks to more than \(Self.sizeLimit) bytes") }
        // Of the whole: the blanks of an attribute table alone may well be packed more than a hundredfold.
        let packed = entries.reduce(0) { $0 + $1.packedSize }
        guard total <= max(packed * Self.ratioLimit, Self.harmlessSize) else {
            throw Self.refusal("the archive unpacks to more than \(Self.ratioLimit) times its size")
        }
        let ordered = entries.map(\.extent).sorted { $0.lowerBound < $1.lowerBound }
        for (left, right) in zip(ordered, ordered.dropFirst()) where left.upperBound > right.lowerBound {
            throw Self.refusal("entries overlap")
        }
    }
}

/// Where the table of contents is.
private struct EndRecord {
    var entryCount: Int
    var tableOffset: Int
    var tableSize: Int

    init(_ file: FileBytes) throws(RecordFailure) {
        let tail = try file.bytes(at: max(0, file.size - 65_557), count: 65_557)
        let tailStart = file.size - tail.count
        guard let at = Self.find(tail) else { throw ZipDirectory.refusal("no end of the table of contents") }
        let record = Fields(Array(tail[at...]))
        guard try record.u16(4) == 0, try record.u16(6) == 0 else { throw ZipDirectory.refusal("an archive of several disks") }
        var count = Int(try record.u16(10))
        guard try record.u16(8) == UInt16(count) else { throw ZipDirectory.refusal("an archive of several disks") }
        var size = Int(try record.u32(12))
        var offset = Int(try record.u32(16))
        var tableEnd = tailStart + at
        if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
            // ZIP64: a locator of 20 bytes stands before, and names the place of a longer record.
            let locator = Fields(try file.bytes(at: tableEnd - 20, count: 20))
            guard tableEnd >= 20, try locator.u32(0) == 0x0706_4B50 else { throw ZipDirectory.refusal("the ZIP64 locator is missing") }
            let place = Int(clamping: try locator.u64(8))
            guard place <= tableEnd - 20 - 56 else { throw ZipDirectory.refusal("the ZIP64 record lies elsewhere") }
            let long = Fields(try file.bytes(at: place, count: 56))
            guard try long.u32(0) == 0x0606_4B50, try long.u32(16) == 0, try long.u32(20) == 0, try long.u64(24) == (try long.u64(32))
            else {
                throw ZipDirectory.refusal("the ZIP64 record is damaged")
            }
            count = Int(clamping: try long.u64(32))
            size = Int(clamping: try long.u64(40))
            offset = Int(clamping: try long.u64(48))
            tableEnd = place
        }
        guard offset <= tableEnd, size == tableEnd - offset, count <= size / 46 else {
            throw ZipDirectory.refusal("the table of contents is not where it should be")
        }
        entryCount = count
        tableOffset = offset
        tableSize = size
    }

    /// The last signature whose comment ends with the file.
    private static func find(_ tail: [UInt8]) -> Int? {
        guard tail.count >= 22 else { return nil }
        for at in stride(from: tail.count - 22, through: 0, by: -1)
        where tail[at] == 0x50 && tail[at + 1] == 0x4B && tail[at + 2] == 5 && tail[at + 3] == 6 {
            if at + 22 + Int(tail[at + 20]) + Int(tail[at + 21]) << 8 == tail.count { return at }
        }
        return nil
    }
}

private struct CentralHeader {
    var flags: UInt16
    var method: UInt16
    var checksum: UInt32
    var packedSize: Int
    var size: Int
    var nameBytes: [UInt8]
    var localOffset: Int

    init(_ table: [UInt8], _ position: inout Int) throws(RecordFailure) {
        guard table.count - position >= 46 else { throw ZipDirectory.refusal("the table of contents is cut off") }
        let fixed = Fields(Array(table[position..<(position + 46)]))
        guard try fixed.u32(0) == 0x0201_4B50 else { throw ZipDirectory.refusal("the table of contents is damaged") }
        flags = try fixed.u16(8)
        method = try fixed.u16(10)
        checksum = try fixed.u32(16)
        packedSize = Int(try fixed.u32(20))
        size = Int(try fixed.u32(24))
        let nameLength = Int(try fixed.u16(28))
        let extraLength = Int(try fixed.u16(30))
        let whole = 46 + nameLength + extraLength + Int(try fixed.u16(32))
        guard table.count - position >= whole else { throw ZipDirectory.refusal("the table of contents is cut off") }
        guard try fixed.u16(34) == 0 else { throw ZipDirectory.refusal("an archive of several disks") }
        let system = try fixed.u16(4) >> 8
        let mode = try fixed.u32(38) >> 16
        localOffset = Int(try fixed.u32(42))
        nameBytes = Array(table[(position + 46)..<(position + 46 + nameLength)])
        let extra = Array(table[(position + 46 + nameLength)..<(position + 46 + nameLength + extraLength)])
        position += whole
        try widen(extra)
        // On Unix the upper half is the file's mode; a link, a device or a pipe is no data.
        if system == 3 || system == 19, mode & 0xF000 != 0, mode & 0xF000 != 0x8000, mode & 0xF000 != 0x4000 {
            throw ZipDirectory.refusal("an entry is a link or a device")
        }
        guard flags & 0x2041 == 0 else { throw ZipDirectory.refusal("an entry is encrypted") }
        guard method == 0 || method == 8 else { throw ZipDirectory.refusal("compression method \(method) is not taken") }
        guard size < 0xFFFF_FFFF, packedSize < 0xFFFF_FFFF else { throw ZipDirectory.refusal("an entry has 4 GiB or more") }
        guard method == 8 || size == packedSize else { throw ZipDirectory.refusal("a stored entry has two sizes") }
    }

    /// Takes the 64-bit numbers from the ZIP64 field, where the 32-bit ones are all ones.
    private mutating func widen(_ extra: [UInt8]) throws(RecordFailure) {
        var at = 0
        while at + 4 <= extra.count {
            let head = Fields(Array(extra[at..<(at + 4)]))
            let length = Int(try head.u16(2))
            guard at + 4 + length <= extra.count else { throw ZipDirectory.refusal("an extra field is cut off") }
            if try head.u16(0) == 1 {
                let wide = Fields(Array(extra[(at + 4)..<(at + 4 + length)]))
                var next = 0
                for part in [\CentralHeader.size, \.packedSize, \.localOffset] where self[keyPath: part] == 0xFFFF_FFFF {
                    self[keyPath: part] = Int(clamping: try wide.u64(next))
                    next += 8
                }
            }
            at += 4 + length
        }
    }

    /// Reads the local header and holds it against this one.
    func entry(in file: FileBytes, before limit: Int) throws(RecordFailure) -> ZipEntry {
        guard localOffset <= limit - 30 else { throw ZipDirectory.refusal("an entry lies outside the archive") }
        let fixed = Fields(try file.bytes(at: localOffset, count: 30))
        let nameLength = Int(try fixed.u16(26))
        let dataOffset = localOffset + 30 + nameLength + Int(try fixed.u16(28))
        let name = try file.bytes(at: localOffset + 30, count: nameLength)
        let described = flags & 8 != 0  // sizes and checksum may come after the data
        guard try fixed.u32(0) == 0x0403_4B50, name == nameBytes, try fixed.u16(8) == method, try fixed.u16(6) & 0x2041 == 0 else {
            throw ZipDirectory.refusal("a local header differs from the table of contents")
        }
        let local = (checksum: try fixed.u32(14), packed: try fixed.u32(18), size: try fixed.u32(22))
        let wide: UInt32 = 0xFFFF_FFFF
        let same =
            local.checksum == checksum && (local.packed == wide || Int(local.packed) == packedSize)
            && (local.size == wide || Int(local.size) == size)
        let left = local.checksum == 0 && local.packed == 0 && local.size == 0
        guard same || (described && (left || local.checksum == 0)) else {
            throw ZipDirectory.refusal("a local header differs from the table of contents")
        }
        guard packedSize <= limit - dataOffset else { throw ZipDirectory.refusal("an entry lies outside the archive") }
        return ZipEntry(
            name: try ZipName.checked(nameBytes, isUTF8: flags & 0x800 != 0), method: method, checksum: checksum, packedSize: packedSize,
            size: size, dataOffset: dataOffset, extent: localOffset..<(dataOffset + packedSize))
    }
}

/// Little-endian numbers at places that are checked.
private struct Fields {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func u16(_ at: Int) throws(RecordFailure) -> UInt16 { UInt16(truncatingIfNeeded: try number(at, 2)) }
    func u32(_ at: Int) throws(RecordFailure) -> UInt32 { UInt32(truncatingIfNeeded: try number(at, 4)) }
    func u64(_ at: Int) throws(RecordFailure) -> UInt64 { try number(at, 8) }

    private func number(_ at: Int, _ size: Int) throws(RecordFailure) -> UInt64 {
        guard at >= 0, at + size <= bytes.count else { throw ZipDirectory.refusal("the archive is cut off") }
        return (0..<size).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
    }
}

/// The names of entries: decoded, and refused when they lead anywhere but down.
enum ZipName {
    /// - Parameter isUTF8: the entry says so; otherwise the name may be CP932 under the flag of CP437, as Japanese Windows writes it.
    static func checked(_ bytes: [UInt8], isUTF8: Bool) throws(RecordFailure) -> String {
        let decoder = try TextDecoder(.cp932)
        let name = String(validating: bytes, as: UTF8.self) ?? (isUTF8 ? nil : bytes.withUnsafeBytes { decoder.string($0) })
        guard let name else { throw ZipDirectory.refusal("a name is neither UTF-8 nor CP932") }
        let slashes = name.replacingOccurrences(of: "\\", with: "/")
        guard !slashes.isEmpty, slashes.utf8.count <= 1024, !slashes.hasPrefix("/"),
            !slashes.unicodeScalars.contains(where: { $0.value < 32 }),
            !slashes.contains(":")
        else { throw ZipDirectory.refusal("a name that is not taken") }
        var parts = slashes.split(separator: "/", omittingEmptySubsequences: false)
        if parts.last == "" { parts.removeLast() }
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), parts.count <= 16 else {
            throw ZipDirectory.refusal("a name that leads out of the archive")
        }
        return slashes
    }
}
