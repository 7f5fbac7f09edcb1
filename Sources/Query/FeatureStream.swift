import Formats
import Geo
public import LayerAtlas
import LayerStore

/// The forms in which features leave.
public enum FeatureFormat: String, Sendable, CaseIterable {
    case geoJSON = "geojson"
    /// RFC 8142.
    case geoJSONSequence = "geojsonseq"
    /// RFC 4180.
    case csv
    case flatGeobuf = "flatgeobuf"
}

/// How the text of a table is written in bytes.
public enum TableEncoding: String, Sendable, CaseIterable {
    case utf8 = "utf-8"
    /// With a byte order mark, for spreadsheets that would take it for something else.
    case utf8WithMark = "utf-8-bom"
    /// For programs that know nothing else; what it cannot hold becomes 〓.
    case cp932
}

/// Features on their way out, made piece by piece by whoever takes them: nothing is made before what came before is taken, so memory stays flat however
/// large the layer. Two pieces never at once; which thread takes the next does not matter.
public final class FeatureStream: @unchecked Sendable {
    /// What stands around the features of a GeoJSON document.
    struct Frame {
        var head = "{\"type\":\"FeatureCollection\",\"features\":["
        var between: StaticString = ","
        var tail = "]}"
    }

    private enum Step {
        case head
        /// FlatGeobuf: sizes and boxes of all features, for the index.
        case measure
        case leaves
        case features
        case tail
        case done
    }

    private let source: RowSource
    private let format: FeatureFormat
    private let encoding: TableEncoding
    private let frame: Frame
    private let features: FeatureWriter
    private let transforms: TransformPool
    private let system: MapSystem
    private var flatHeader: FlatGeobuf.Header
    private let recoder: TextRecoder?
    private var feed: RowFeed
    private var step = Step.head
    private var writer: ByteWriter
    /// Dates on their way to a FlatGeobuf.
    private var written = ByteWriter()
    /// FlatGeobuf: what was measured.
    private var index = FlatIndex()
    private var sizes: [UInt32] = []
    private var measured: [Int32] = []
    private var place = 0
    private var offset: UInt64 = 0
    /// Features written so far.
    public private(set) var count = 0
    /// Rows read since memory was given back.
    private var read = 0
    /// Rows whose columns take about as many bytes as may count as this process's own.
    private let rowsHeld: Int

    /// Bytes of a piece, about.
    private static let pieceSize = 256 << 10
    private static let bytesHeld = 24 << 20

    init(
        _ source: RowSource, feed: RowFeed, form: FeatureForm, format: FeatureFormat, encoding: TableEncoding = .utf8,
        frame: Frame = Frame(),
        title: String? = nil, titles: (String) -> String? = { _ in nil }, transforms: TransformPool
    ) throws(QueryError) {
        self.source = source
        self.feed = feed
        self.format = format
        self.encoding = encoding
        self.frame = frame
        self.transforms = transforms
        system = form.system
        features = try FeatureWriter(source, form, style: format == .csv || format == .flatGeobuf ? .csv : .geoJSON)
        let kinds = source.file.geometryKinds
        flatHeader = FlatGeobuf.Header(
            name: source.layer, title: title, description: nil, kind: kinds.count == 1 ? kinds[0] : nil,
            columns: features.columnHeads(title: titles), code: form.system.fileCode)
        if format == .csv && encoding == .cp932 {
            guard let recoder = TextRecoder() else { throw .noEncoding }
            self.recoder = recoder
        } else {
            recoder = nil
        }
        // The memory of a small page is small.
        writer = ByteWriter(
            capacity: feed.count.map { min(1024 + 640 * $0, FeatureStream.pieceSize) } ?? FeatureStream.pieceSize + (64 << 10))
        rowsHeld = max(4096, FeatureStream.bytesHeld / max(1, source.file.byteCount / max(1, source.file.rowCount)))
    }

    /// The columns of a table or a FlatGeobuf, without those of the geometry.
    public var columnNames: [String] { flatHeader.columns.map(\.name) }

    /// Has the columns of a FlatGeobuf go by other names, for what has no room for theirs. Before the first piece is taken.
    public func rename(_ names: [String]) {
        precondition(step == .head && names.count == flatHeader.columns.count)
        for (column, name) in names.enumerated() { flatHeader.columns[column].name = name }
    }

    /// Everything was taken.
    public var isDone: Bool { step == .done }

    /// Characters that CP932 could not hold, so far.
    public var replacedCharacters: Int { recoder?.replaced ?? 0 }

    /// The text goes out in an encoding that does not hold every character.
    public var mayReplace: Bool { recoder != nil }

    /// Makes the next piece and hands it to `take`, whose buffer is valid during the call; false when there is none any more.
    ///
    /// A piece may be empty while an index is made, or where many rows in turn do not hold.
    public func next(_ deadline: Deadline, _ take: (UnsafeRawBufferPointer) -> Void) throws(QueryError) -> Bool {
        guard step != .done else { return false }
        try deadline.check()
        writer.removeAll()
        if features.vertices.needsTransform {
            try transforms.with(system) { transform throws(QueryError) in
                features.vertices.transform = transform
                defer { features.vertices.transform = nil }
                try fill(deadline)
            }
        } else {
            try fill(deadline)
        }
        if let recoder {
            writer.withBytes { take(recoder.recode($0)) }
        } else {
            writer.withBytes { take($0) }
        }
        return true
    }

    private func fill(_ deadline: Deadline) throws(QueryError) {
        while writer.count < FeatureStream.pieceSize {
            switch step {
            case .head: head()
            case .measure:
                if try measure(deadline) { continue }
                // A piece of work and no bytes: whoever takes may do something else meanwhile.
                return
            case .leaves: try leaves()
            case .features:
                if try body(deadline) == .notYet { return }
            case .tail:
                if format == .geoJSON { writer.text(frame.tail) }
                step = .done
                return
            case .done: return
            }
        }
    }

    private func head() {
        step = .features
        switch format {
        case .geoJSON: writer.text(frame.head)
        case .geoJSONSequence: break
        case .csv:
            if encoding == .utf8WithMark { writer.literal("\u{FEFF}") }
            features.writeHead(to: &writer)
        case .flatGeobuf: step = .measure
        }
    }

    /// Text forms: rows as they come.
    /// - Returns: `notYet` when a piece of work came to nothing, so that whoever takes may do something else meanwhile.
    private func body(_ deadline: Deadline) throws(QueryError) -> RowFeed.Refill {
        if format == .flatGeobuf {
            try flatBody()
            return .found
        }
        switch try nextRows(deadline) {
        case .found: break
        case .notYet: return .notYet
        case .end:
            step = .tail
            return .end
        }
        while let row = feed.next() {
            try writing(source.layer) {
                switch format {
                case .geoJSON:
                    if count > 0 { writer.literal(frame.between) }
                    try features.writeJSON(row, to: &writer)
                case .geoJSONSequence:
                    writer.byte(0x1E)
                    try features.writeJSON(row, to: &writer)
                    writer.byte(10)
                default: try features.writeLine(row, to: &writer)
                }
            }
            count += 1
            noteRead()
            if writer.count >= FeatureStream.pieceSize { break }
        }
        return .found
    }

    private func nextRows(_ deadline: Deadline) throws(QueryError) -> RowFeed.Refill {
        if feed.hasRows { return .found }
        return try feed.refill(deadline)
    }

    private func noteRead() {
        read += 1
        guard read >= rowsHeld else { return }
        read = 0
        source.file.letGoOfMemory()
    }

    // MARK: FlatGeobuf

    /// Sizes and boxes of some features.
    /// - Returns: whether all are measured.
    private func measure(_ deadline: Deadline) throws(QueryError) -> Bool {
        switch try nextRows(deadline) {
        case .found: break
        case .notYet: return false
        case .end:
            FlatGeobuf.writeHead(flatHeader, index: index, to: &writer)
            step = .leaves
            place = 0
            return true
        }
        var scratch = ByteWriter(capacity: 64 << 10)
        for _ in 0..<4096 {
            guard let row = feed.next() else { break }
            scratch.removeAll()
            try writing(source.layer) {
                try features.writeFlat(row, to: &scratch, written: &written)
                index.add(try features.envelope(row))
            }
            measured.append(Int32(truncatingIfNeeded: row))
            sizes.append(UInt32(scratch.count))
            noteRead()
        }
        return false
    }

    private func leaves() throws(QueryError) {
        while place < measured.count {
            try writing(source.layer) { FlatIndex.leaf(try features.envelope(Int(measured[place])), offset: offset, to: &writer) }
            offset += UInt64(sizes[place])
            place += 1
            noteRead()
            if writer.count >= FeatureStream.pieceSize { return }
        }
        step = .features
        place = 0
        sizes = []
    }

    private func flatBody() throws(QueryError) {
        while place < measured.count {
            try writing(source.layer) { try features.writeFlat(Int(measured[place]), to: &writer, written: &written) }
            place += 1
            count += 1
            noteRead()
            if writer.count >= FeatureStream.pieceSize { return }
        }
        step = .tail
    }
}

/// Rows one after another: those of a page, or all that a question holds for, found stretch by stretch.
struct RowFeed {
    private let question: RowQuestion?
    private let rowCount: Int
    private var rows: [Int32]
    private var place = 0
    /// The first row that was not looked at.
    private var looked = 0
    /// Rows looked at at a time: as many as take some milliseconds, so that others get their turn on the thread.
    private var stretch = 4096
    private static let longestStretch = 1 << 16
    private static let patience = Duration.milliseconds(20)

    /// The rows of a page.
    init(_ rows: [Int]) {
        question = nil
        rowCount = 0
        self.rows = rows.map { Int32(truncatingIfNeeded: $0) }
    }

    init(_ question: RowQuestion, rowCount: Int) {
        self.question = question
        self.rowCount = rowCount
        rows = []
    }

    /// How many rows there will be; nil when they are still to be found.
    var count: Int? { question == nil ? rows.count : nil }

    var hasRows: Bool { place < rows.count }

    @inline(__always)
    mutating func next() -> Int? {
        guard place < rows.count else { return nil }
        defer { place += 1 }
        return Int(rows[place])
    }

    enum Refill {
        case found
        /// None in the rows that were looked at; there are others.
        case notYet
        case end
    }

    /// Looks for more rows, in one stretch.
    mutating func refill(_ deadline: Deadline) throws(QueryError) -> Refill {
        guard let question, looked < rowCount else { return .end }
        let end = min(rowCount, looked + stretch)
        let start = ContinuousClock.now
        var sink = ListSink()
        try question.run(window: looked..<end, into: &sink, deadline: deadline)
        let time = ContinuousClock.now - start
        if time < RowFeed.patience / 4 { stretch = min(2 * stretch, RowFeed.longestStretch) }
        if time > RowFeed.patience { stretch = max(stretch / 2, 4096) }
        looked = end
        (rows, place) = (sink.rows, 0)
        return rows.isEmpty ? .notYet : .found
    }

    private struct ListSink: RowScan.Sink {
        var rows: [Int32] = []

        mutating func take(_ run: Range<Int>) {
            for row in run { rows.append(Int32(truncatingIfNeeded: row)) }
        }

        mutating func take(_ selected: UnsafeBufferPointer<Int32>) { rows += selected }
    }
}
