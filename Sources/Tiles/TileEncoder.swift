import Geo

/// Writes one layer of one vector tile (Mapbox Vector Tile 2.1): features one after another, then the bytes.
///
/// ```swift
/// var encoder = TileEncoder()
/// encoder.start(tile, layer: "roads", keys: ["name", "width"])
/// for row in rows where encoder.draw(shape(row), id: number(row)) {
///     encoder.tag(0, text: name(row))
///     encoder.tag(1, real: width(row))
///     encoder.endFeature()
/// }
/// let bytes = encoder.finish()
/// ```
/// `draw` comes before the attributes, so that those of a feature with nothing in the tile are never read. Attributes that are null are
/// left out; dates, times and JSON go as the text the caller has for them. Several layers make one tile when their bytes are joined.
/// Where there are many features, they are drawn a batch at a time, then given their attributes column by column, then ended together with
/// `endFeatures`: what is decided once for a column need not be decided for every value.
/// An encoder is reused from tile to tile on one thread; it allocates when its memory has to grow, never per feature.
///
/// Coordinates are rounded to a grid of `TileGrid.extent` units and cut `TileGrid.buffer` units outside the tile. Polygons are valid
/// (OGC 06-103r4, 6.1.11) after that, shells clockwise on the map. A geometry collection becomes up to three features with the same id:
/// its points, its lines, its polygons.
public struct TileEncoder: ~Copyable {
    /// The features written since `start`; a geometry collection may count up to three.
    public private(set) var featureCount = 0

    var grid = TileGrid(TileCoordinate(zoom: 0, column: 0, row: 0)!)
    var clipper = Clipper()
    var rings = GridRings()
    var check = SimpleCheck()
    var untangler = Untangler()
    var collapse = Collapse()
    var coverage = Coverage()
    var occupied = OccupiedCells()
    var drawn = DrawnVertices()
    var limit = WorkLimit()
    /// The zoom whose vertices are drawn; nil for all.
    var vertexZoom: Int?
    /// See `start`.
    var covers = false
    /// See `start`.
    var notesPlaces = false
    /// See `start`.
    var keepsStraight = false
    /// Of the polygon at hand; nil where none are known.
    var levels: UnsafePointer<VertexLevel>?
    /// Commands and steps of the pending features (MVT 2.1, 4.3), of each those of points, lines and polygons one after another.
    var geometry = Scratch<UInt8>(capacity: 32768)

    /// A feature that is drawn, but not written: its attributes may still come.
    struct Pending: BitwiseCopyable {
        var id: UInt64
        /// Where in `geometry` it begins, and its points end, its lines and all of it.
        var start: Int
        var pointsEnd: Int
        var linesEnd: Int
        var end: Int
    }

    private var layerName = ""
    private var keys: [String] = []
    /// For each key its index in the tile, or −1 until a feature has it.
    private var keyIndexes = Scratch<Int32>()
    private var keyBytes = Scratch<UInt8>()
    private var keyCount: Int32 = 0
    private var values = ValueTable()
    private var pending = Scratch<Pending>(capacity: batchLimit)
    /// For each pending feature and each key the tag.
    private var cells = Scratch<TagCell>(capacity: 4096)
    /// Numbers of the values of one column.
    private var numbers = Scratch<UInt32>(capacity: batchLimit)
    /// For each key with a dictionary where its entries begin in `entryCells`, else −1; there the tag of each entry that the tile has.
    private var dictionaries = Scratch<Int32>()
    private var entryCells = Scratch<TagCell>()
    private var features = Scratch<UInt8>(capacity: 65536)

    /// The most features between two calls of `endFeatures`.
    public static let batchLimit = 256

    public init() {}

    /// Begins a tile's layer and forgets what was there.
    /// - Parameters:
    ///   - keys: the attributes' names by the numbers `tag` takes; only those that a feature has are written.
    ///   - expectedValues: about how many different values there will be, so that their table need not grow.
    ///   - simplifies: vertices that have a level are drawn from its zoom on only.
    ///   - keepsStraight: vertices that lie exactly straight between their neighbours on the grid are drawn too, for layers whose features share
    ///     borders: there the other one's border may turn.
    ///   - covers: gathered polygons cover all of what they are in truth, for hazards, see `TileEncoder+Gathering`.
    ///   - notesPlaces: `isOccupied` will be asked.
    ///   - mayGoOn: asked now and then where edges cross so often that it takes long, see `isStopped`.
    public mutating func start(
        _ tile: MapTile, layer: String, keys: [String], expectedValues: Int = 0, simplifies: Bool = true, keepsStraight: Bool = false,
        covers: Bool = false, notesPlaces: Bool = false,
        mayGoOn: @escaping () -> Bool = { true }
    ) {
        grid = TileGrid(tile)
        limit = WorkLimit(mayGoOn)
        vertexZoom = simplifies ? tile.levelZoom : nil
        self.covers = covers
        self.notesPlaces = notesPlaces
        self.keepsStraight = keepsStraight
        coverage.start(grid)
        occupied.removeAll()
        layerName = layer
        self.keys = keys
        keyIndexes.fill(-1, count: keys.count)
        dictionaries.fill(-1, count: keys.count)
        entryCells.removeAll()
        keyBytes.removeAll()
        keyCount = 0
        values.removeAll(expected: expectedValues)
        pending.removeAll()
        cells.removeAll()
        geometry.removeAll()
        features.removeAll()
        featureCount = 0
    }

    public mutating func start(_ tile: TileCoordinate, layer: String, keys: [String], expectedValues: Int = 0) {
        start(MapTile(tile), layer: layer, keys: keys, expectedValues: expectedValues)
    }

    /// Begins a feature with what of its geometry lies in the tile. False when that is nothing: then there is no feature, and neither
    /// `tag` nor `endFeature` may follow.
    /// - Parameters:
    ///   - levels: one for each vertex, where the layer has them.
    ///   - isInside: the shape is known to lie within the buffered tile; otherwise that is found out.
    ///   - owner: of its polygons, where they were gathered and arranged.
    ///   - keepsStraight: for this feature as `start` has it for all; of course where it has an owner.
    /// - Complexity: O(vertices), and for polygons of more than a few vertices O(vertices × log vertices) of those in the tile.
    public mutating func draw(
        _ stored: Shape, levels: UnsafePointer<VertexLevel>? = nil, id: UInt64, isInside: Bool = false, owner: Int? = nil,
        keepsStraight: Bool = false
    ) -> Bool {
        if let owner, stored.kind == .polygon || stored.kind == .multiPolygon {
            coverage.rings(of: owner, &untangler, within: &limit, into: &rings)
            // Its vertices are looked at only where nothing came of them.
            if !rings.rings.isEmpty {
                drawRings(id: id, keepsStraight: true)
                return true
            }
            if coverage.isSqueezedOut(owner) { return false }
        }
        let drawn = drawn.take(stored, levels, zoom: vertexZoom, isGeographic: grid.isGeographic)
        let shape = drawn.shape
        self.levels = drawn.levels
        let place = isInside ? .inside : place(of: shape)
        if place == .outside { return false }
        let start = geometry.count
        var pointsEnd = start
        var linesEnd = start
        switch shape.kind {
        case .point, .multiPoint:
            drawPoints(shape)
            pointsEnd = geometry.count
            linesEnd = pointsEnd
        case .lineString, .multiLineString:
            drawLines(shape, isInside: place == .inside)
            linesEnd = geometry.count
        case .polygon, .multiPolygon:
            drawPolygons(shape, isInside: place == .inside, owner: owner, keepsStraight: keepsStraight || owner != nil)
        case .geometryCollection:
            drawPoints(shape)
            pointsEnd = geometry.count
            drawLines(shape, isInside: place == .inside)
            linesEnd = geometry.count
            drawPolygons(shape, isInside: place == .inside, owner: owner, keepsStraight: keepsStraight || owner != nil)
        }
        if geometry.count == start { return false }
        add(Pending(id: id, start: start, pointsEnd: pointsEnd, linesEnd: linesEnd, end: geometry.count))
        return true
    }

    /// In WebMercatorQuad: begins a feature whose polygon of one ring lies within the buffered tile and is known to be simple when its vertices are rounded to the tile's
    /// grid and repeated ones left out: then nothing has to be looked at.
    /// - Parameters:
    ///   - ring: Web Mercator world units, x and y in turn, the first vertex repeated at the end; at least three others.
    ///   - isClockwise: on the map.
    ///   - keepsStraight: for this feature as `start` has it for all.
    public mutating func draw(safeRing ring: UnsafeBufferPointer<Int32>, isClockwise: Bool, id: UInt64, keepsStraight: Bool = false) {
        precondition(!grid.isGeographic)
        let start = geometry.count
        geometry.append(ring: ring, isClockwise: isClockwise, keepsStraight: keepsStraight || self.keepsStraight, grid)
        add(Pending(id: id, start: start, pointsEnd: start, linesEnd: start, end: geometry.count))
    }

    /// Begins a feature with the polygons in `rings`, which are valid.
    mutating func drawRings(id: UInt64, keepsStraight: Bool = false) {
        let start = geometry.count
        writeRings(keepsStraight: keepsStraight)
        add(Pending(id: id, start: start, pointsEnd: start, linesEnd: start, end: geometry.count))
    }

    /// Whether it was said that it may not go on, or edges cross so often that there is not memory for it: then the tile is not to be used.
    public var isStopped: Bool { limit.isReached }

    /// About how many bytes the layer takes so far, those of pending features left out.
    public var byteCount: Int { features.count + values.wire.count + keyBytes.count }

    @inline(__always)
    private mutating func add(_ feature: Pending) {
        pending.append(feature)
        cells.append(repeating: .none, count: keys.count)
    }

    /// Ends the feature at hand.
    public mutating func endFeature() {
        if pending.count >= TileEncoder.batchLimit { endFeatures() }
    }

    /// Ends all features drawn since this was called last; at most `batchLimit`, their attributes given column by column.
    public mutating func endFeatures() {
        let stride = keys.count
        for number in 0..<pending.count {
            let feature = pending[number]
            let tags = number * stride..<(number + 1) * stride
            write(type: 1, feature.id, tags, feature.start..<feature.pointsEnd)
            write(type: 2, feature.id, tags, feature.pointsEnd..<feature.linesEnd)
            write(type: 3, feature.id, tags, feature.linesEnd..<feature.end)
        }
        pending.removeAll()
        cells.removeAll()
        geometry.removeAll()
    }

    @inline(__always)
    private mutating func write(type: UInt8, _ id: UInt64, _ tags: Range<Int>, _ commands: Range<Int>) {
        if commands.isEmpty { return }
        features.append(feature: id, type: type, tags: cells, tags, geometry: geometry, commands)
        featureCount += 1
    }

    /// The layer's bytes, uncompressed; none when no feature was drawn.
    public mutating func finish() -> [UInt8] {
        var bytes: [UInt8] = []
        finish { pieces in
            bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
            for piece in pieces { bytes.append(contentsOf: piece) }
        }
        return bytes
    }

    /// As `finish()`, where the bytes lie: `take` is given the pieces that they are one after another, valid until it returns. It is not called when no
    /// feature was drawn.
    public mutating func finish(_ take: ([UnsafeRawBufferPointer]) -> Void) {
        endFeatures()
        if featureCount == 0 { return }
        var name = Scratch<UInt8>()
        name.append(0x78)
        name.append(2)
        name.append(0x0A)
        name.append(varint: UInt64(layerName.utf8.count))
        name.append(text: layerName)
        var tail = Scratch<UInt8>()
        tail.append(0x28)
        tail.append(varint: UInt64(TileGrid.extent))
        var head = Scratch<UInt8>()
        head.append(0x1A)
        head.append(varint: UInt64(name.count + features.count + keyBytes.count + values.wire.count + tail.count))
        head.append(name, 0..<name.count)
        take([head.bytes, features.bytes, keyBytes.bytes, values.wire.bytes, tail.bytes])
    }
}

// MARK: Attributes

extension TileEncoder {
    /// Adds a text, given as UTF-8, to the feature at hand.
    public mutating func tag(_ key: Int, text: UnsafeRawBufferPointer) {
        tag(key, value: values.index(text: text))
    }

    public mutating func tag(_ key: Int, text: String) {
        var text = text
        let value = text.withUTF8 { values.index(text: UnsafeRawBufferPointer($0)) }
        tag(key, value: value)
    }

    /// Every Int64 arrives exactly: as `int_value`, and the negative ones as `sint_value`, which is shorter.
    public mutating func tag(_ key: Int, integer: Int64) {
        tag(key, value: values.index(integer < 0 ? .negative : .natural, bits: UInt64(bitPattern: integer)))
    }

    public mutating func tag(_ key: Int, real: Double) {
        tag(key, value: values.index(.real, bits: real.bitPattern))
    }

    public mutating func tag(_ key: Int, boolean: Bool) {
        tag(key, value: values.index(.boolean, bits: boolean ? 1 : 0))
    }

    private mutating func tag(_ key: Int, value: UInt32) {
        tag(key, value: value, place: pending.count - 1)
    }

    private mutating func tag(_ key: Int, value: UInt32, place: Int) {
        if keyIndexes[key] < 0 { number(key) }
        cells[place * keys.count + key] = TagCell(key: keyIndexes[key], value: value)
    }

    /// Adds a text to one of the pending features, by its place among them.
    public mutating func tag(_ key: Int, text: UnsafeRawBufferPointer, place: Int) {
        tag(key, value: values.index(text: text), place: place)
    }

    /// Adds a column of numbers or truth values to the pending features.
    /// - Parameters:
    ///   - bits: a value each, as 64 bits.
    ///   - places: for each value the feature it belongs to, by its place among those drawn since `endFeatures`.
    public mutating func tag(_ key: Int, _ type: NumberType, bits: UnsafeBufferPointer<UInt64>, places: UnsafePointer<Int32>) {
        if bits.isEmpty { return }
        values.indexes(type, bits: bits, into: &numbers)
        place(key, places)
    }

    public enum NumberType: Sendable {
        case integer
        case real
        case boolean
    }

    /// Adds a column of texts, given as UTF-8, to the pending features.
    public mutating func tag(_ key: Int, texts: UnsafeBufferPointer<UnsafeRawBufferPointer>, places: UnsafePointer<Int32>) {
        if texts.isEmpty { return }
        values.indexes(texts, into: &numbers)
        place(key, places)
    }

    /// Adds a column of texts from a dictionary to the pending features.
    /// - Parameters:
    ///   - codes: below `entryCount`, which is the same at each call for this key.
    ///   - entry: the text of a code; asked once for each in a tile.
    public mutating func tag(
        _ key: Int, codes: UnsafeBufferPointer<UInt64>, places: UnsafePointer<Int32>, entryCount: Int,
        entry: (Int) -> UnsafeRawBufferPointer
    ) {
        if codes.isEmpty { return }
        let first = firstEntry(key, entryCount)
        for i in 0..<codes.count {
            let code = Int(truncatingIfNeeded: codes[i])
            precondition(code >= 0 && code < entryCount)
            if entryCells[first + code].isNone {
                entryCells[first + code] = TagCell(key: keyIndexes[key], value: values.index(text: entry(code)))
            }
            cells[Int(places[i]) * keys.count + key] = entryCells[first + code]
        }
    }

    /// Gives a number to an entry that many features will have, before the values that only one has take the small numbers, which have the fewest bytes.
    /// - Parameters: see `tag`.
    public mutating func expect(_ key: Int, code: Int, entryCount: Int, entry: UnsafeRawBufferPointer) {
        precondition(code >= 0 && code < entryCount)
        let place = firstEntry(key, entryCount) + code
        if entryCells[place].isNone { entryCells[place] = TagCell(key: keyIndexes[key], value: values.index(text: entry)) }
    }

    /// Where the entries of a key's dictionary begin in `entryCells`.
    private mutating func firstEntry(_ key: Int, _ entryCount: Int) -> Int {
        if dictionaries[key] < 0 {
            dictionaries[key] = Int32(entryCells.count)
            entryCells.append(repeating: .none, count: entryCount)
        }
        if keyIndexes[key] < 0 { number(key) }
        return Int(dictionaries[key])
    }

    private mutating func place(_ key: Int, _ places: UnsafePointer<Int32>) {
        if keyIndexes[key] < 0 { number(key) }
        let stride = keys.count
        let index = keyIndexes[key]
        for i in 0..<numbers.count { cells[Int(places[i]) * stride + key] = TagCell(key: index, value: numbers[i]) }
    }

    private mutating func number(_ key: Int) {
        // The same name twice is one key.
        for other in 0..<keys.count where keyIndexes[other] >= 0 && keys[other] == keys[key] {
            keyIndexes[key] = keyIndexes[other]
            return
        }
        precondition(keyCount < TagCell.keyLimit)
        keyIndexes[key] = keyCount
        keyCount += 1
        keyBytes.append(0x1A)
        keyBytes.append(varint: UInt64(keys[key].utf8.count))
        keyBytes.append(text: keys[key])
    }
}
