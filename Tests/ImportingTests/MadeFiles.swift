import Foundation

/// A point shapefile made byte by byte (ESRI, 1998), so that its table can say anything.
struct MadeShapefile {
    struct Column {
        var name: [UInt8]
        var kind: Character
        var width: Int
        var decimals = 0
    }

    var columns: [Column]
    /// Raw bytes of each value, padded to the width with blanks.
    var rows: [[[UInt8]]]

    var shp: [UInt8] {
        var body: [UInt8] = []
        for index in rows.indices {
            body += big(index + 1) + big(10) + little(1) + double(139 + Double(index)) + double(35)
        }
        return head(length: (100 + body.count) / 2) + body
    }

    var shx: [UInt8] {
        head(length: (100 + 8 * rows.count) / 2) + rows.indices.flatMap { big(50 + 14 * $0) + big(10) }
    }

    var dbf: [UInt8] {
        let recordSize = 1 + columns.reduce(0) { $0 + $1.width }
        var bytes: [UInt8] =
            [3, 124, 1, 1] + little(rows.count) + short(33 + 32 * columns.count) + short(recordSize) + [UInt8](repeating: 0, count: 20)
        for column in columns {
            bytes += Array((column.name + [UInt8](repeating: 0, count: 11)).prefix(11)) + [column.kind.asciiValue ?? 67, 0, 0, 0, 0]
            bytes += [UInt8(column.width), UInt8(column.decimals)] + [UInt8](repeating: 0, count: 14)
        }
        bytes.append(0x0D)
        for row in rows {
            bytes.append(0x20)
            for (value, column) in zip(row, columns) { bytes += Array((value + [UInt8](repeating: 0x20, count: 255)).prefix(column.width)) }
        }
        return bytes + [0x1A]
    }

    /// Writes the parts beside each other; returns the `.shp`.
    func write(_ folder: TemporaryFolder, _ name: String = "made", cpg: String? = nil, withIndex: Bool = true) throws -> URL {
        _ = try folder.file(name + ".dbf", dbf)
        if withIndex { _ = try folder.file(name + ".shx", shx) }
        if let cpg { _ = try folder.file(name + ".cpg", cpg) }
        return try folder.file(name + ".shp", shp)
    }

    private func head(length: Int) -> [UInt8] {
        var bytes = big(9994) + [UInt8](repeating: 0, count: 20) + big(length) + little(1000) + little(1)
        for number in [139.0, 35, 139 + Double(rows.count), 35, 0, 0, 0, 0] { bytes += double(number) }
        return bytes
    }

    private func big(_ number: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) } }
    private func little(_ number: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(number).littleEndian) { Array($0) } }
    private func short(_ number: Int) -> [UInt8] { withUnsafeBytes(of: UInt16(number).littleEndian) { Array($0) } }
    private func double(_ number: Double) -> [UInt8] { withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) } }
}

/// A ZIP archive made byte by byte, honest unless told otherwise.
struct MadeArchive {
    struct Entry {
        var name: [UInt8]
        var data: [UInt8] = []
        /// Packed bytes, when they are not stored.
        var packed: [UInt8]?
        var flags: UInt16 = 0
        var localName: [UInt8]?
        var localFlags: UInt16?
        var checksum: UInt32?
        var declaredSize: Int?
        var localSize: Int?
        var unixMode: UInt32 = 0o100644
        /// Points to this place instead of its own.
        var offset: Int?

        init(_ name: String, _ data: [UInt8] = []) {
            self.name = Array(name.utf8)
            self.data = data
        }
    }

    var entries: [Entry]
    var declaredCount: Int?

    var bytes: [UInt8] {
        var result: [UInt8] = []
        var table: [UInt8] = []
        for entry in entries {
            let packed = entry.packed ?? entry.data
            let method: UInt16 = entry.packed == nil ? 0 : 8
            let checksum = entry.checksum ?? Self.crc32(entry.data)
            let size = entry.declaredSize ?? entry.data.count
            let offset = entry.offset ?? result.count
            let localName = entry.localName ?? entry.name
            result += number(0x0403_4B50) + short(20) + short(Int(entry.localFlags ?? entry.flags)) + short(Int(method)) + number(0)
            result += number(Int(checksum)) + number(packed.count) + number(entry.localSize ?? size)
            result += short(localName.count) + short(0) + localName + packed
            table += number(0x0201_4B50) + short(0x031E) + short(20) + short(Int(entry.flags)) + short(Int(method)) + number(0)
            table += number(Int(checksum)) + number(packed.count) + number(size) + short(entry.name.count) + short(0) + short(0) + short(0)
            table += short(0) + number(Int(entry.unixMode) << 16) + number(offset) + entry.name
        }
        let count = declaredCount ?? entries.count
        return result + table + number(0x0605_4B50) + short(0) + short(0) + short(count) + short(count) + number(table.count)
            + number(result.count) + short(0)
    }

    private func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian) { Array($0) } }
    private func short(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt16(truncatingIfNeeded: value).littleEndian) { Array($0) } }

    /// ISO 3309, bit by bit.
    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    /// The parts of a shapefile as entries.
    static func shapefile(_ made: MadeShapefile, _ name: [UInt8]) -> [Entry] {
        [("shp", made.shp), ("shx", made.shx), ("dbf", made.dbf)].map { ending, data in
            var entry = Entry("", data)
            entry.name = name + Array(".\(ending)".utf8)
            return entry
        }
    }
}
