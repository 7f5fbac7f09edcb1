/// A layer file being written: hands out sections one behind the other, and closes with checksums, directory and header.
final class SealingFile {
    private let output: FileOutput
    private var sections: [SectionWriter] = []
    private var end = LayerFileFormat.headerSize

    init(path: String) throws(LayerFileError) {
        output = try FileOutput(creating: path)
    }

    /// The next section, of a size that is known beforehand.
    func section(_ kind: LayerFileFormat.Kind, _ column: UInt32 = .max, width: Int, count: Int) throws(LayerFileError) -> SectionWriter {
        let alignment = LayerFileFormat.alignment
        let offset = (end + alignment - 1) / alignment * alignment
        let writer = SectionWriter(kind, column: column, width: width, offset: offset, length: width * count, output: output)
        end = offset + width * count
        sections.append(writer)
        return writer
    }

    /// Asks the file system for the space of the sections handed out so far.
    func reserve() throws(LayerFileError) {
        try output.reserve(end)
    }

    /// Ends all sections and makes the file whole and durable. The header goes last: without it the bytes are no layer file.
    func seal() throws(LayerFileError) {
        var sums: [UInt64] = []
        var directory: [UInt8] = []
        for section in sections {
            try section.finish()
            put(UInt32(section.kind.rawValue), to: &directory)
            put(section.column, to: &directory)
            put(UInt32(isOptional(section.kind) ? 1 : 0), to: &directory)
            put(UInt32(section.width), to: &directory)
            put(UInt64(section.offset), to: &directory)
            put(UInt64(section.length), to: &directory)
            put(UInt64(sums.count), to: &directory)
            for _ in 0..<3 { put(UInt64(0), to: &directory) }
            sums += section.sums
        }
        let sumsOffset = (end + 63) / 64 * 64
        let directoryOffset = (sumsOffset + 8 * sums.count + 63) / 64 * 64
        try output.write(sums, at: sumsOffset)
        try output.write(directory, at: directoryOffset)
        try output.synchronize()

        var header: [UInt8] = []
        put(LayerFileFormat.magic, to: &header)
        put(LayerFileFormat.version, to: &header)
        put(UInt32(LayerFileFormat.headerSize), to: &header)
        put(UInt64(directoryOffset + directory.count), to: &header)
        put(UInt64(directoryOffset), to: &header)
        put(UInt64(sections.count), to: &header)
        put(UInt64(sumsOffset), to: &header)
        put(UInt64(sums.count), to: &header)
        put(sums.withUnsafeBytes { LayerFileFormat.hash($0) }, to: &header)
        put(directory.withUnsafeBytes { LayerFileFormat.hash($0) }, to: &header)
        while header.count < LayerFileFormat.headerSize - 8 { header.append(0) }
        put(header.withUnsafeBytes { LayerFileFormat.hash($0) }, to: &header)
        try output.write(header, at: 0)
        try output.synchronize()
    }

    /// Sections that a reader may pass over without answering wrongly.
    private func isOptional(_ kind: LayerFileFormat.Kind) -> Bool {
        switch kind {
        case .hilbertKey, .source, .sourceRow, .contentHash, .contentOrder, .statistics, .detail, .vertexLevel, .hazardRank: true
        default: false
        }
    }

    private func put<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Writes a step table: for each entry where it begins, as a 32-bit step from a 64-bit base that 512 entries share, and where the last ends.
struct StepWriter {
    private let steps: SectionWriter
    private let bases: SectionWriter
    private var entry = 0
    private var position = 0
    private var base = 0

    init(
        _ steps: LayerFileFormat.Kind, _ bases: LayerFileFormat.Kind, _ column: UInt32 = .max, count: Int, file: SealingFile
    ) throws(LayerFileError) {
        self.steps = try file.section(steps, column, width: 4, count: count + 1)
        self.bases = try file.section(bases, column, width: 8, count: (count >> LayerFileFormat.stepShift) + 1)
    }

    @inline(__always)
    mutating func add(_ length: Int) throws(LayerFileError) {
        try mark()
        position += length
    }

    mutating func finish() throws(LayerFileError) {
        try mark()
    }

    @inline(__always)
    private mutating func mark() throws(LayerFileError) {
        if entry & ((1 << LayerFileFormat.stepShift) - 1) == 0 {
            base = position
            try bases.put(UInt64(base))
        }
        try steps.put(UInt32(position - base))
        entry += 1
    }
}
