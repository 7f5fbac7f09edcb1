/// One section of an open layer file: where its bytes lie, and which of its blocks were held against their checksums.
///
/// Reading is in two steps: `touch` what will be read, which checks blocks that nobody read before, then read freely. Nothing in it is counted by
/// reference, so that copies cost nothing in inner loops.
@usableFromInline
struct Section: @unchecked Sendable {
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline let length: Int
    /// A byte a block, not 0 once checked. Several threads may write the same 1.
    @usableFromInline let checked: UnsafeMutablePointer<UInt8>
    /// A byte a block, not 0 once it was found to be damaged, see `LayerScrub`: such a block is refused without a look at it, which might end the process.
    let damaged: UnsafeMutablePointer<UInt8>
    let sums: UnsafePointer<UInt64>
    let kind: LayerFileFormat.Kind
    /// The column, or `UInt32.max`.
    let column: UInt32

    /// For messages.
    var name: String { column == .max ? "\(kind)" : "\(kind)[\(column)]" }

    /// Checks the blocks of a range of bytes, those that were not checked before.
    /// - Complexity: O(blocks)
    @inlinable @inline(__always)
    func touch(_ start: Int, _ count: Int) throws(LayerFileError) {
        guard count > 0 else { return }
        for block in (start >> 16)...((start + count - 1) >> 16) where checked[block] == 0 { try check(block) }
    }

    @usableFromInline
    func check(_ block: Int) throws(LayerFileError) {
        guard damaged[block] == 0 else { throw .damaged(section: name, block: block) }
        let start = block * LayerFileFormat.blockSize
        let bytes = UnsafeRawBufferPointer(start: base + start, count: min(LayerFileFormat.blockSize, length - start))
        guard LayerFileFormat.hash(bytes) == sums[block] else { throw .damaged(section: name, block: block) }
        checked[block] = 1
    }

    @inlinable @inline(__always)
    func load<T: BitwiseCopyable>(_ index: Int, as type: T.Type) -> T {
        base.load(fromByteOffset: index * MemoryLayout<T>.stride, as: type)
    }

    @inlinable
    func pointer<T>(_ type: T.Type) -> UnsafePointer<T> {
        base.assumingMemoryBound(to: type)
    }
}

/// A step table of an open layer file: where entry `i` begins, and where the last ends.
@usableFromInline
struct Steps: Sendable {
    @usableFromInline let steps: Section
    @usableFromInline let bases: Section

    @usableFromInline
    init(steps: Section, bases: Section) {
        self.steps = steps
        self.bases = bases
    }

    /// Checks what `start(_:)` of these entries reads, the end of the last included.
    @inlinable @inline(__always)
    func touch(_ entries: Range<Int>) throws(LayerFileError) {
        try steps.touch(4 * entries.lowerBound, 4 * (entries.count + 1))
        let first = entries.lowerBound >> 9
        try bases.touch(8 * first, 8 * ((entries.upperBound >> 9) - first + 1))
    }

    @inlinable @inline(__always)
    func start(_ entry: Int) -> Int {
        Int(bases.load(entry >> 9, as: UInt64.self)) + Int(steps.load(entry, as: UInt32.self))
    }
}
