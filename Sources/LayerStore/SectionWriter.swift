/// Writes one section front to back and takes the checksum of each block on its way.
final class SectionWriter {
    let kind: LayerFileFormat.Kind
    let column: UInt32
    let width: Int
    let offset: Int
    let length: Int
    private(set) var sums: [UInt64] = []
    private let output: FileOutput
    private let buffer: UnsafeMutableRawPointer
    private var filled = 0
    private var written = 0
    /// Up to where the disk was told to begin.
    private var started = 0
    private static let startEvery = 4 << 20

    init(_ kind: LayerFileFormat.Kind, column: UInt32, width: Int, offset: Int, length: Int, output: FileOutput) {
        self.kind = kind
        self.column = column
        self.width = width
        self.offset = offset
        self.length = length
        self.output = output
        // A small section needs no whole block of memory.
        buffer = .allocate(byteCount: min(LayerFileFormat.blockSize, max(length, 16)) + 16, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// Numbers go in whole: the block size is a multiple of every width.
    @inline(__always)
    func put<T: BitwiseCopyable>(_ value: T) throws(LayerFileError) {
        buffer.storeBytes(of: value, toByteOffset: filled, as: T.self)
        filled += MemoryLayout<T>.size
        if filled == LayerFileFormat.blockSize { try flush() }
    }

    func put(_ bytes: UnsafeRawBufferPointer) throws(LayerFileError) {
        var done = 0
        while done < bytes.count {
            let part = min(bytes.count - done, LayerFileFormat.blockSize - filled)
            (buffer + filled).copyMemory(from: bytes.baseAddress! + done, byteCount: part)
            filled += part
            done += part
            if filled == LayerFileFormat.blockSize { try flush() }
        }
    }

    /// The section must have come out exactly as long as it was laid out.
    func finish() throws(LayerFileError) {
        if filled > 0 { try flush() }
        precondition(written == length, "section \(kind) of column \(column) has \(written) bytes, not \(length)")
    }

    private func flush() throws(LayerFileError) {
        precondition(written + filled <= length, "section \(kind) of column \(column) is longer than laid out")
        let block = UnsafeRawBufferPointer(start: buffer, count: filled)
        sums.append(LayerFileFormat.hash(block))
        try output.write(block, at: offset + written)
        written += filled
        filled = 0
        if written - started >= SectionWriter.startEvery {
            output.startWriting(from: offset + started, count: written - started)
            started = written
        }
    }
}
