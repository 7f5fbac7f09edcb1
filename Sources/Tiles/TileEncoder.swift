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
/// An encoder is reused from tile to tile on one thread; it allocates when its memory has to grow, never per feature.
///
/// Coordinates are rounded to a grid of `TileGrid.extent` units and cut `TileGrid.buffer` units outside the tile. Polygons are valid
/// (OGC 06-103r4, 6.1.11) after that, shells clockwise on the map. A geometry collection becomes up to three features with the same id:
/// its points, its lines, its polygons.
public struct TileEncoder: ~Copyable {
    /// What could not be shown in a tile because the grid is too coarse for it.
    public struct Losses: Sendable, Equatable {
        /// Features with some area in the tile, but less than half a square grid unit, the least a polygon on the grid can have.
        public var polygons = 0
        /// Features with some line in the tile, all of it within one grid cell.
        public var lines = 0
    }

    /// What was lost since `start`.
    public internal(set) var losses = Losses()
    /// The features written since `start`; a geometry collection may count up to three.
    public private(set) var featureCount = 0

    var grid = TileGrid(TileCoordinate(zoom: 0, column: 0, row: 0)!)
    var clipper = Clipper()
    var rings = GridRings()
    var check = SimpleCheck()
    var untangler = Untangler()
    var collapse = Collapse()
    /// Commands and steps of the feature at hand (MVT 2.1, 4.3), those of points, lines and polygons one after another.
    var geometry = Scratch<UInt8>(capacity: 4096)

    private var layerName = ""
    private var keys: [String] = []
    /// For each key its index in the tile, or −1 until a feature has it.
    private var keyIndexes = Scratch<Int32>()
    private var keyBytes = Scratch<UInt8>()
    private var keyCount: Int32 = 0
    private var values = ValueTable()
    private var tags = Scratch<UInt8>(capacity: 256)
    private var features = Scratch<UInt8>(capacity: 65536)
    private var id: UInt64 = 0
    /// Where in `geometry` the points end, the lines and the polygons.
    private var pointsEnd = 0
    private var linesEnd = 0

    public init() {}

    /// Begins a tile's layer and forgets what was there.
    /// - Parameter keys: the attributes' names by the numbers `tag` takes; only those that a feature has are written.
    public mutating func start(_ tile: TileCoordinate, layer: String, keys: [String]) {
        grid = TileGrid(tile)
        layerName = layer
        self.keys = keys
        keyIndexes.fill(-1, count: keys.count)
        keyBytes.removeAll()
        keyCount = 0
        values.removeAll()
        features.removeAll()
        losses = Losses()
        featureCount = 0
    }

    /// Begins a feature with what of its geometry lies in the tile. False when that is nothing: then there is no feature, and neither
    /// `tag` nor `endFeature` may follow.
    /// - Parameter isInside: the shape is known to lie within the buffered tile; otherwise that is found out.
    /// - Complexity: O(vertices), and for polygons of more than a few vertices O(vertices × log vertices) of those in the tile.
    public mutating func draw(_ shape: Shape, id: UInt64, isInside: Bool = false) -> Bool {
        self.id = id
        geometry.removeAll()
        tags.removeAll()
        let place = isInside ? .inside : place(of: shape)
        if place == .outside { return false }
        switch shape.kind {
        case .point, .multiPoint:
            drawPoints(shape)
            pointsEnd = geometry.count
            linesEnd = pointsEnd
        case .lineString, .multiLineString:
            drawLines(shape, isInside: place == .inside)
            pointsEnd = 0
            linesEnd = geometry.count
        case .polygon, .multiPolygon:
            drawPolygons(shape, isInside: place == .inside)
            pointsEnd = 0
            linesEnd = 0
        case .geometryCollection:
            drawPoints(shape)
            pointsEnd = geometry.count
            drawLines(shape, isInside: place == .inside)
            linesEnd = geometry.count
            drawPolygons(shape, isInside: place == .inside)
        }
        return !geometry.isEmpty
    }

    public mutating func endFeature() {
        endFeature(type: 1, 0..<pointsEnd)
        endFeature(type: 2, pointsEnd..<linesEnd)
        endFeature(type: 3, linesEnd..<geometry.count)
    }

    private mutating func endFeature(type: UInt8, _ range: Range<Int>) {
        if range.isEmpty { return }
        let tagsLength = UInt64(tags.count)
        let geometryLength = UInt64(range.count)
        var length = 1 + varintLength(id) + 2 + 1 + varintLength(geometryLength) + geometryLength
        if tagsLength > 0 { length += 1 + varintLength(tagsLength) + tagsLength }
        features.append(0x12)
        features.append(varint: length)
        features.append(0x08)
        features.append(varint: id)
        if tagsLength > 0 {
            features.append(0x12)
            features.append(varint: tagsLength)
            features.append(tags, 0..<tags.count)
        }
        features.append(0x18)
        features.append(type)
        features.append(0x22)
        features.append(varint: geometryLength)
        features.append(geometry, range)
        featureCount += 1
    }

    /// The layer's bytes, uncompressed; none when no feature was drawn.
    public mutating func finish() -> [UInt8] {
        if featureCount == 0 { return [] }
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
        return .joined(head, features, keyBytes, values.wire, tail)
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

    /// The number of a text in this tile, for a caller that remembers it per dictionary code. Good until the next `start`.
    public mutating func intern(text: UnsafeRawBufferPointer) -> UInt32 {
        values.index(text: text)
    }

    /// Adds a value that `intern` numbered.
    @inline(__always)
    public mutating func tag(_ key: Int, value: UInt32) {
        if keyIndexes[key] < 0 { number(key) }
        tags.append(varint: UInt64(truncatingIfNeeded: keyIndexes[key]))
        tags.append(varint: UInt64(value))
    }

    private mutating func number(_ key: Int) {
        // The same name twice is one key.
        for other in 0..<keys.count where keyIndexes[other] >= 0 && keys[other] == keys[key] {
            keyIndexes[key] = keyIndexes[other]
            return
        }
        keyIndexes[key] = keyCount
        keyCount += 1
        keyBytes.append(0x1A)
        keyBytes.append(varint: UInt64(keys[key].utf8.count))
        keyBytes.append(text: keys[key])
    }
}
