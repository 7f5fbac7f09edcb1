public import FoundationEssentials
public import Geo
import Glibc
public import SpatialIndex

/// A sealed layer version, mapped and read where it lies.
///
/// Rows `0 ..< geometryCount` have a geometry and lie in the order of the Hilbert curve; the others have none and come after them. Opening reads
/// the header, the directory and the metadata and nothing else; every block is held against its checksum when it is first read.
///
/// Safe from any thread. The file stays mapped until the last reference is gone.
public final class LayerFile: @unchecked Sendable {
    /// How features are known.
    public enum IdentityKind: String, Codable, Sendable {
        /// An integer column, 0 ..< 2⁵³: its value is both number and identifier.
        case integer
        /// A column of texts (or of numbers that tiles cannot carry): the identifier is the text. A text that is itself a number below 2⁵² in its plain form has it as its
        /// number too; others are given numbers from 2⁵².
        /// A column that is not for everybody is of this kind too, and all its numbers are given: everybody sees numbers.
        case text
        /// No column: a number given at the first load, carried over to the feature with the same public content.
        case content
    }

    public let path: String
    let header: LayerFileHeader
    let file: MappedFile
    let sections: [SectionKey: Section]
    private let checked: UnsafeMutablePointer<UInt8>
    private let damaged: UnsafeMutablePointer<UInt8>
    /// A copy: where the disk has lost them, they are still known. Eight bytes for 64 KiB.
    private let sums: UnsafeMutablePointer<UInt64>
    let tables: [LayerFileDirectory.Table]

    @usableFromInline let indexView: PackedIndexView?
    @usableFromInline let index: Section
    @usableFromInline let kinds: Section
    @usableFromInline let vertexSteps: Steps
    @usableFromInline let ringSteps: Steps
    @usableFromInline let partSteps: Steps
    @usableFromInline let ringEnds: Section
    @usableFromInline let partEnds: Section
    @usableFromInline let partKinds: Section?
    @usableFromInline let degrees: Section
    @usableFromInline let mercator: Section
    @usableFromInline let numbers: Section
    /// One for each attribute, in order. They point to `records`.
    public let columns: [Column]
    private let records: UnsafeMutablePointer<Column.Record>
    private let recordCount: Int

    struct SectionKey: Hashable {
        var kind: LayerFileFormat.Kind
        var column: UInt32 = .max
    }

    public var attributes: [Attribute] { header.attributes }
    public var facts: LayerFacts { header.facts }
    public var rowCount: Int { header.rowCount }
    public let geometryCount: Int
    /// Of all geometries, in degrees; nil when there is none.
    public var extent: Envelope? { header.extent }
    /// Decimals of a degree that are kept, 7 to 9.
    public let decimals: Int
    public var identity: IdentityKind { header.identity }
    public var idColumn: Int? { header.idColumn }
    /// The lowest number that the layer never gave.
    public var nextNumber: UInt64 { header.nextNumber }
    /// The kinds of geometry that occur.
    public var geometryKinds: [GeometryKind] { header.geometryKinds.compactMap { GeometryKind(rawValue: $0) } }
    /// Bytes of the file.
    public var byteCount: Int { file.bytes.count }

    /// Opens a layer file. Nothing in it is trusted: magic, version, length, and the checksums of directory and metadata must agree, and all sections
    /// must lie within the file and be as long as the counts say.
    /// - Complexity: O(sections), whatever the number of rows
    public static func open(_ url: URL) throws(LayerFileError) -> LayerFile {
        try LayerFile(path: url.path)
    }

    /// The same file opened once more, nothing of it checked yet, with the blocks refused that were found to be damaged.
    ///
    /// Who reads `self` goes on with what was good when it was checked; nobody should begin to, because what has been checked is not looked at again.
    /// - Throws: also `damaged` where that concerns what every reader needs.
    public func reopened() throws(LayerFileError) -> LayerFile {
        try LayerFile(path: path, after: self)
    }

    /// Whether the file that is mapped is still the one of this name, and no other has been put there.
    public var hasItsName: Bool {
        var status = stat()
        return stat(path, &status) == 0 && FileIdentity(status) == file.identity
    }

    private init(path: String, after earlier: LayerFile? = nil) throws(LayerFileError) {
        self.path = path
        let file = try MappedFile(path: path)
        self.file = file
        let directory = try LayerFileDirectory(file.bytes, path: path)
        tables = directory.tables
        func marks() -> UnsafeMutablePointer<UInt8> {
            let marks = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, directory.sums.count))
            marks.initialize(repeating: 0, count: max(1, directory.sums.count))
            return marks
        }
        let (checked, damaged) = (marks(), marks())
        if let earlier, earlier.file.identity == file.identity { damaged.update(from: earlier.damaged, count: directory.sums.count) }
        let sums = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, directory.sums.count))
        if let first = directory.sums.baseAddress { sums.initialize(from: first, count: directory.sums.count) }
        (self.checked, self.damaged, self.sums) = (checked, damaged, sums)
        var sections: [SectionKey: Section] = [:]
        for entry in directory.entries {
            guard let kind = LayerFileFormat.Kind(rawValue: entry.kind) else {
                if entry.isOptional { continue }
                throw .malformed("a section of unknown kind \(entry.kind)")
            }
            sections[SectionKey(kind: kind, column: entry.column)] = Section(
                base: file.bytes.baseAddress! + entry.offset, length: entry.length, checked: checked + entry.firstSum,
                damaged: damaged + entry.firstSum, sums: sums + entry.firstSum, kind: kind, column: entry.column)
        }
        self.sections = sections

        func find(_ kind: LayerFileFormat.Kind, _ column: UInt32 = .max, bytes: Int?) throws(LayerFileError) -> Section {
            guard let section = sections[SectionKey(kind: kind, column: column)] else { throw .malformed("no section \(kind)") }
            if let bytes, section.length != bytes { throw .malformed("section \(kind) has \(section.length) bytes, not \(bytes)") }
            return section
        }
        func steps(
            _ steps: LayerFileFormat.Kind, _ bases: LayerFileFormat.Kind, _ column: UInt32 = .max, count: Int
        ) throws(LayerFileError) -> Steps {
            Steps(
                steps: try find(steps, column, bytes: 4 * (count + 1)),
                bases: try find(bases, column, bytes: 8 * ((count >> LayerFileFormat.stepShift) + 1)))
        }

        let metadata = try find(.metadata, bytes: nil)
        try metadata.touch(0, metadata.length)
        let header: LayerFileHeader
        do {
            header = try JSONDecoder().decode(LayerFileHeader.self, from: Data(bytes: metadata.base, count: metadata.length))
        } catch {
            throw .malformed("metadata: \(error)")
        }
        let (rows, geometries) = (header.rowCount, header.geometryCount)
        guard (0...Int(UInt32.max)).contains(rows), (0...rows).contains(geometries), (7...9).contains(header.decimals) else {
            throw .malformed("counts")
        }
        self.header = header
        geometryCount = geometries
        decimals = header.decimals
        kinds = try find(.geometryKind, bytes: geometries)
        vertexSteps = try steps(.vertexSteps, .vertexBases, count: geometries)
        ringSteps = try steps(.ringSteps, .ringBases, count: geometries)
        partSteps = try steps(.partSteps, .partBases, count: geometries)
        ringEnds = try find(.ringEnds, bytes: nil)
        partEnds = try find(.partEnds, bytes: nil)
        degrees = try find(.degrees, bytes: nil)
        mercator = try find(.mercator, bytes: nil)
        numbers = try find(.number, bytes: 8 * rows)
        _ = try find(.numberOrder, bytes: 4 * rows)
        partKinds =
            header.geometryKinds.contains(GeometryKind.geometryCollection.rawValue) ? try find(.partKinds, bytes: partEnds.length / 4) : nil
        guard degrees.length == mercator.length * (header.decimals == 7 ? 1 : 2) else { throw .malformed("vertices") }
        for (table, end) in [(vertexSteps, mercator.length / 8), (ringSteps, ringEnds.length / 4), (partSteps, partEnds.length / 4)] {
            try table.touch(geometries..<geometries)
            guard table.start(geometries) == end else { throw .malformed("a step table does not end where its section does") }
        }

        let index = try find(.index, bytes: PackedIndex.byteCount(count: geometries))
        self.index = index
        indexView =
            geometries == 0
            ? nil
            : PackedIndexView(nodes: index.pointer(Int32.self), count: geometries, checked: UnsafePointer(index.checked)) { block in
                do throws(LayerFileError) { try index.check(block) } catch { throw error }
            }

        var records: [Column.Record] = []
        for (i, attribute) in header.attributes.enumerated() {
            let c = UInt32(i)
            let nulls = sections[SectionKey(kind: .nulls, column: c)]
            if let nulls, nulls.length != (rows + 63) / 64 * 8 { throw .malformed("section nulls[\(i)]") }
            let statistics = sections[SectionKey(kind: .statistics, column: c)]
            func record(_ form: Column.Form, width: Int, _ values: Section) -> Column.Record {
                Column.Record(attribute: attribute, form: form, nulls: nulls, values: values, width: width, statistics: statistics)
            }
            switch attribute.type {
            case .integer: records.append(record(.integers, width: 8, try find(.values, c, bytes: 8 * rows)))
            case .real: records.append(record(.reals, width: 8, try find(.values, c, bytes: 8 * rows)))
            case .boolean: records.append(record(.booleans, width: 1, try find(.values, c, bytes: rows)))
            case .date: records.append(record(.dates, width: 4, try find(.values, c, bytes: 4 * rows)))
            case .time:
                var times = record(.times, width: 8, try find(.values, c, bytes: 8 * rows))
                times.zones = try find(.zones, c, bytes: 2 * rows)
                records.append(times)
            case .text, .json:
                let text = try find(.text, c, bytes: nil)
                if let codes = sections[SectionKey(kind: .codes, column: c)] {
                    let entries = try find(.textSteps, c, bytes: nil).length / 4 - 1
                    guard entries >= 0, codes.length == rows || codes.length == 2 * rows else {
                        throw .malformed("dictionary of column \(i)")
                    }
                    let width = rows == 0 ? 1 : codes.length / rows
                    // Readers keep a place for every code that the width has room for, and for no more.
                    guard entries <= 1 << (8 * width) else { throw .malformed("dictionary of column \(i) is larger than its codes") }
                    let table = try steps(.textSteps, .textBases, c, count: entries)
                    // The dictionary is small, so it is checked whole, and codes are held against its size.
                    try table.touch(0..<entries)
                    try text.touch(0, text.length)
                    guard table.start(entries) == text.length else { throw .malformed("dictionary of column \(i)") }
                    var dictionary = record(.dictionary, width: width, codes)
                    (dictionary.steps, dictionary.entries, dictionary.entryCount) = (table, text, entries)
                    records.append(dictionary)
                } else {
                    let table = try steps(.textSteps, .textBases, c, count: rows)
                    try table.touch(rows..<rows)
                    guard table.start(rows) == text.length else { throw .malformed("texts of column \(i)") }
                    var texts = record(attribute.type == .json ? .json : .texts, width: 1, text)
                    texts.steps = table
                    records.append(texts)
                }
            }
        }
        self.records = .allocate(capacity: max(1, records.count))
        recordCount = records.count
        self.records.initialize(from: records, count: records.count)
        let first = UnsafePointer(self.records)
        columns = records.indices.map { Column(record: first + $0) }
    }

    deinit {
        records.deinitialize(count: recordCount)
        records.deallocate()
        checked.deallocate()
        damaged.deallocate()
        sums.deallocate()
    }

    /// Gives the memory of what was read so far back to the system, which may still have it when it is read again: for whoever goes once through a
    /// large file and would otherwise count as its size. Others who read meanwhile notice nothing but a moment's wait.
    public func letGoOfMemory() { file.letGo() }

    /// Holds every block against its checksum, from front to back; for a file that somebody reads, see `LayerScrub`.
    /// - Complexity: O(bytes)
    public func verify() throws(LayerFileError) {
        for section in sections.values.sorted(by: { $0.base < $1.base }) where section.length > 0 {
            for block in 0..<LayerFileFormat.blocks(section.length) { try section.check(block) }
        }
    }
}
