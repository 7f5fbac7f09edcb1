import Formats
import LayerStore
import Tiles

/// Features of one tile that are drawn and wait for their attributes, which they are given column by column.
///
/// The one place of the tile path that owns pointers. What makes them sound: the memory belongs to one value that cannot be copied and is freed with it,
/// there is room for as many rows as are ever taken, and the columns are asked only for rows that were touched.
@safe
struct TileBatch: ~Copyable {
    private(set) var columns: [Column] = []
    /// The order in which columns are gone through: those with few values first, so that these get the small numbers, which most features carry.
    private var order: [Int] = []
    /// How many columns may have a value of their own for every feature.
    private(set) var variedColumns = 0
    private let rows = UnsafeMutableBufferPointer<Int32>.allocate(capacity: TileEncoder.batchLimit)
    private let places = UnsafeMutablePointer<Int32>.allocate(capacity: TileEncoder.batchLimit)
    private let bits = UnsafeMutablePointer<UInt64>.allocate(capacity: TileEncoder.batchLimit)
    private let texts = UnsafeMutablePointer<UnsafeRawBufferPointer>.allocate(capacity: TileEncoder.batchLimit)
    private var count = 0
    private var areAscending = true
    /// Dates and times on their way to the tile: it has no such type, so they go as text.
    private var written = ByteWriter()

    init() {
        rows.initialize(repeating: 0)
        places.initialize(repeating: 0, count: TileEncoder.batchLimit)
        bits.initialize(repeating: 0, count: TileEncoder.batchLimit)
        texts.initialize(repeating: UnsafeRawBufferPointer(start: nil, count: 0), count: TileEncoder.batchLimit)
    }

    deinit {
        rows.deallocate()
        places.deallocate()
        bits.deallocate()
        texts.deallocate()
    }

    /// Features are given the attributes that tell classes apart, and no others.
    var givesClassOnly = false
    private var classKeys: [Int] = []

    /// - Parameter classKeys: the places among `columns` of those that the style tells classes by.
    mutating func start(_ columns: [Column], classKeys: [Int]) {
        self.columns = columns
        self.classKeys = classKeys
        givesClassOnly = false
        order = columns.indices.sorted { (TileBatch.variety(columns[$0]), $0) < (TileBatch.variety(columns[$1]), $1) }
        variedColumns = columns.count { $0.entryCount == nil && $0.attribute.type != .boolean }
        count = 0
    }

    private static func variety(_ column: Column) -> Int {
        if column.entryCount != nil || column.attribute.type == .boolean { return 0 }
        return column.hasOwnTexts ? 2 : 1
    }

    var isFull: Bool { count == TileEncoder.batchLimit }

    /// Takes a row whose feature was drawn just now.
    mutating func add(_ row: Int) {
        let row = Int32(truncatingIfNeeded: row)
        if count > 0 && row <= rows[count - 1] { areAscending = false }
        rows[count] = row
        count += 1
    }

    // MARK: Frequent entries

    /// An entry of a dictionary that was seen in the sample.
    private struct Entry {
        var key: Int
        var code: Int
        /// Its place in `tallies`.
        var place: Int
    }

    private var seen: [Entry] = []
    /// For each entry of each dictionary how often it was seen; all zero between tiles.
    private var tallies: [Int32] = []

    /// Takes a row of the sample.
    mutating func sample(_ row: Int) {
        add(row)
        if isFull { tally() }
    }

    private mutating func tally() {
        let taken = UnsafeBufferPointer(rebasing: rows[..<count])
        var first = 0
        for key in order {
            guard let entryCount = columns[key].entryCount else { continue }
            if tallies.count < first + entryCount { tallies += repeatElement(0, count: first + entryCount - tallies.count) }
            let number = columns[key].gather(taken, areAscending: areAscending, places: places, bits: bits)
            for i in 0..<number {
                let code = Int(truncatingIfNeeded: bits[i])
                if tallies[first + code] == 0 { seen.append(Entry(key: key, code: code, place: first + code)) }
                tallies[first + code] += 1
            }
            first += entryCount
        }
        count = 0
        areAscending = true
    }

    /// Tells the encoder which entries of dictionaries were in the sample more than once, the most frequent first.
    mutating func expectFrequent(_ encoder: inout TileEncoder) {
        if count > 0 { tally() }
        seen.sort { (-tallies[$0.place], $0.place) < (-tallies[$1.place], $1.place) }
        for entry in seen {
            if tallies[entry.place] > 1, let entryCount = columns[entry.key].entryCount {
                encoder.expect(entry.key, code: entry.code, entryCount: entryCount, entry: columns[entry.key].entry(entry.code))
            }
            tallies[entry.place] = 0
        }
        seen.removeAll(keepingCapacity: true)
    }

    // MARK: Attributes

    /// Gives the features their attributes and ends them.
    mutating func end(_ encoder: inout TileEncoder) {
        if count == 0 { return }
        let taken = UnsafeBufferPointer(rebasing: rows[..<count])
        for key in order where !givesClassOnly || classKeys.contains(key) {
            let column = columns[key]
            if column.hasOwnTexts {
                let number = column.gatherTexts(taken, areAscending: areAscending, places: places, texts: texts)
                encoder.tag(key, texts: UnsafeBufferPointer(start: texts, count: number), places: places)
                continue
            }
            let number = column.gather(taken, areAscending: areAscending, places: places, bits: bits)
            let values = UnsafeBufferPointer(start: UnsafePointer(bits), count: number)
            if let entryCount = column.entryCount {
                encoder.tag(key, codes: values, places: places, entryCount: entryCount) { column.entry($0) }
                continue
            }
            switch column.attribute.type {
            case .integer: encoder.tag(key, .integer, bits: values, places: places)
            case .real: encoder.tag(key, .real, bits: values, places: places)
            case .boolean: encoder.tag(key, .boolean, bits: values, places: places)
            case .date, .time: tagDates(key, column, number, &encoder)
            case .text, .json: preconditionFailure("texts are gathered as such")
            }
        }
        encoder.endFeatures()
        count = 0
        areAscending = true
    }

    private mutating func tagDates(_ key: Int, _ column: Column, _ number: Int, _ encoder: inout TileEncoder) {
        for i in 0..<number {
            written.removeAll()
            switch column.value(Int(rows[Int(places[i])])) {
            case .date(let day): written.day(day)
            case .time(let instant): written.instant(instant)
            default: continue
            }
            written.withBytes { encoder.tag(key, text: $0, place: Int(places[i])) }
        }
    }
}
