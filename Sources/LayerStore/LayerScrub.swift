import Glibc

/// Reads an open layer file again, block by block, and holds it against its checksums: those blocks too that were checked when they were first read, and
/// those that nobody has read yet. Disks forget, and in the hour of need is no time to find out.
///
/// ```swift
/// var scrub = try LayerScrub(file)
/// while scrub.step() { pause() }
/// for damage in scrub.damage { … }
/// ```
/// What is damaged, or cannot be read, is refused from then on to everybody who asks the same `LayerFile` for something of it anew: with
/// `LayerFileError.damaged`, which a caller can answer with, and not by a signal, with which the system answers a look at a mapped page that it cannot bring.
/// Some of what was checked is never asked for anew, such as dictionaries: whoever has found damage goes on with `LayerFile.reopened()`.
///
/// It reads with `pread` through a descriptor and a buffer of its own, and asks the system not to keep what nobody else has mapped: a town that is
/// looked at stays in memory.
public struct LayerScrub: ~Copyable {
    /// Bytes read so far.
    public private(set) var byteCount = 0
    /// What was found, in the order of the file; after `damageLimit` of them the scrub ends.
    public private(set) var damage: [LayerFileError] = []

    /// Header and directory are good, and the file was read to its end; otherwise it should not be opened again.
    public private(set) var canBeOpened = true

    /// A disk that fails this often need not be read to its end.
    public static let damageLimit = 100

    private let file: LayerFile
    private let descriptor: Int32
    private let sections: [Section]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: LayerFileFormat.blockSize, alignment: 64)
    private var section = 0
    private var block = 0

    /// - Throws: `system` when the file is not there any more, or another one has its name: what is mapped can then not be read in another way.
    public init(_ file: LayerFile) throws(LayerFileError) {
        self.file = file
        descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        let code = errno
        sections = file.sections.values.filter { $0.length > 0 }.sorted { $0.base < $1.base }
        if descriptor < 0 { throw .system(call: "open", path: file.path, code: code) }
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw .system(call: "fstat", path: file.path, code: errno) }
        if FileIdentity(status) != file.file.identity { throw .system(call: "open", path: file.path, code: ESTALE) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        buffer.deallocate()
    }

    /// Reads one block, 64 KiB at most, or, first of all, header and directory.
    /// - Returns: false when there was nothing left.
    public mutating func step() -> Bool {
        if byteCount == 0 { checkTables() }
        guard section < sections.count else { return false }
        guard damage.count < LayerScrub.damageLimit else {
            canBeOpened = false
            return false
        }
        let at = sections[section]
        let start = block * LayerFileFormat.blockSize
        let count = min(LayerFileFormat.blockSize, at.length - start)
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        if !read(offset(of: at) + start, into: bytes) || LayerFileFormat.hash(UnsafeRawBufferPointer(bytes)) != at.sums[block] {
            at.damaged[block] = 1
            at.checked[block] = 0
            damage.append(.damaged(section: at.name, block: block))
        } else {
            // It may have been lost the last time, and be there again.
            at.damaged[block] = 0
        }
        byteCount += count
        block += 1
        if start + count == at.length { (section, block) = (section + 1, 0) }
        return true
    }

    /// What was read when the file was opened stays what it is in memory, but the next start will want it.
    private mutating func checkTables() {
        for table in file.tables {
            // A few bytes for each block.
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: table.bytes.count, alignment: 8)
            defer { bytes.deallocate() }
            if !read(table.bytes.lowerBound, into: bytes) || LayerFileFormat.hash(UnsafeRawBufferPointer(bytes)) != table.sum {
                damage.append(.damaged(section: table.name, block: 0))
                canBeOpened = false
            }
            byteCount += bytes.count
        }
    }

    private func offset(of section: Section) -> Int { section.base - file.file.bytes.baseAddress! }

    /// False when the file does not give as many bytes.
    private func read(_ offset: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        var done = 0
        while done < bytes.count {
            let got = pread(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if got < 0 && errno == EINTR { continue }
            if got <= 0 { return false }
            done += got
        }
        // Pages that somebody has mapped stay.
        posix_fadvise(descriptor, off_t(offset), off_t(bytes.count), POSIX_FADV_DONTNEED)
        return true
    }
}
