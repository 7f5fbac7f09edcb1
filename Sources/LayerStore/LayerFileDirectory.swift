/// The header and directory of a layer file, read from bytes nobody has checked.
struct LayerFileDirectory {
    let entries: [LayerFileFormat.Entry]
    let sums: UnsafeBufferPointer<UInt64>
    /// What lies outside the sections.
    let tables: [Table]

    /// Bytes of the file that have one checksum together.
    struct Table: Sendable {
        var name: String
        var bytes: Range<Int>
        var sum: UInt64
    }

    init(_ bytes: UnsafeRawBufferPointer, path: String) throws(LayerFileError) {
        guard bytes.count >= LayerFileFormat.headerSize else { throw .notALayerFile(path) }
        func word(_ offset: Int) -> UInt64 { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
        func half(_ offset: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        guard word(0) == LayerFileFormat.magic else { throw .notALayerFile(path) }
        guard half(8) == LayerFileFormat.version, half(12) == UInt32(LayerFileFormat.headerSize) else {
            throw .notALayerFile("\(path): version \(half(8))")
        }
        let headerEnd = LayerFileFormat.headerSize - 8
        guard LayerFileFormat.hash(UnsafeRawBufferPointer(rebasing: bytes[..<headerEnd])) == word(headerEnd) else {
            throw .damaged(section: "header", block: 0)
        }
        guard word(16) == UInt64(bytes.count) else { throw .malformed("\(bytes.count) bytes, not \(word(16))") }

        /// A table inside the file, its count held against the bytes left.
        func table(_ offset: UInt64, _ count: UInt64, each: Int, name: String) throws(LayerFileError) -> UnsafeRawBufferPointer {
            guard offset <= UInt64(bytes.count), offset % 8 == 0, count <= (UInt64(bytes.count) - offset) / UInt64(each) else {
                throw .malformed(name)
            }
            return UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset) + Int(count) * each])
        }
        let directory = try table(word(24), word(32), each: LayerFileFormat.entrySize, name: "directory")
        let sumBytes = try table(word(40), word(48), each: 8, name: "checksums")
        guard LayerFileFormat.hash(sumBytes) == word(56) else { throw .damaged(section: "checksums", block: 0) }
        guard LayerFileFormat.hash(directory) == word(64) else { throw .damaged(section: "directory", block: 0) }
        sums = sumBytes.bindMemory(to: UInt64.self)
        tables = [
            Table(name: "header", bytes: 0..<headerEnd, sum: word(headerEnd)),
            Table(name: "checksums", bytes: Int(word(40))..<Int(word(40)) + sumBytes.count, sum: word(56)),
            Table(name: "directory", bytes: Int(word(24))..<Int(word(24)) + directory.count, sum: word(64)),
        ]

        var entries: [LayerFileFormat.Entry] = []
        for start in stride(from: 0, to: directory.count, by: LayerFileFormat.entrySize) {
            func word(_ offset: Int) -> UInt64 {
                UInt64(littleEndian: directory.loadUnaligned(fromByteOffset: start + offset, as: UInt64.self))
            }
            func half(_ offset: Int) -> UInt32 {
                UInt32(littleEndian: directory.loadUnaligned(fromByteOffset: start + offset, as: UInt32.self))
            }
            let (offset, length, firstSum) = (word(16), word(24), word(32))
            guard offset <= UInt64(bytes.count), length <= UInt64(bytes.count) - offset, offset % 64 == 0,
                firstSum <= UInt64(sums.count), UInt64(LayerFileFormat.blocks(Int(length))) <= UInt64(sums.count) - firstSum
            else { throw .malformed("section \(half(0))") }
            entries.append(
                LayerFileFormat.Entry(
                    kind: half(0), column: half(4), isOptional: half(8) & 1 != 0, width: Int(half(12)), offset: Int(offset),
                    length: Int(length), firstSum: Int(firstSum)))
        }
        self.entries = entries
    }
}
