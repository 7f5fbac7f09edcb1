import CXXHash
import Geo

/// The bytes of a layer file, version 1. All numbers are little-endian.
///
/// ```
/// header      128 bytes
/// sections    each at a multiple of 64 bytes
/// checksums   one XXH3 (64 bits) for every 64 KiB of every section, in the order of the directory
/// directory   64 bytes a section
/// ```
/// A section whose kind is unknown is passed over when it is marked optional, and refused otherwise.
enum LayerFileFormat {
    static let magic: UInt64 = 0x52_45_59_41_4C_4E_53_4B  // "KSNLAYER"
    static let version: UInt32 = 1
    static let headerSize = 128
    static let entrySize = 64
    static let alignment = 64
    /// Bytes that share one checksum.
    static let blockSize = 1 << 16
    /// Entries of a step table that share one 64-bit base.
    static let stepShift = 9
    /// Rows that share one statistic.
    static let statisticRows = 4096

    static func blocks(_ length: Int) -> Int { (length + blockSize - 1) / blockSize }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        XXH3_64bits(bytes.baseAddress, bytes.count)
    }

    /// What a section holds. *Row* arrays have an entry for each row with a geometry, *all-row* arrays one for each row.
    enum Kind: UInt32, CaseIterable {
        /// JSON: `LayerFileHeader`.
        case metadata = 1
        /// A packed index of the rows with a geometry.
        case index = 2
        /// `UInt8` a row: the geometry's kind.
        case geometryKind = 3
        /// Hilbert keys, `UInt64` a row.
        case hilbertKey = 4
        /// Step tables: where a row's vertices, rings and parts begin; a last entry says where all end.
        case vertexSteps = 5
        case vertexBases = 6
        case ringSteps = 7
        case ringBases = 8
        case partSteps = 9
        case partBases = 10
        /// `UInt32` a ring: vertices of its feature up to its end.
        case ringEnds = 11
        /// `UInt32` a part: rings of its feature up to its end.
        case partEnds = 12
        /// `UInt8` a part, only in layers with a geometry collection.
        case partKinds = 13
        /// Longitude and latitude, `Int32` (7 decimals) or `Int64` (8 or 9).
        case degrees = 14
        /// Web Mercator world units, `Int32`.
        case mercator = 15
        /// x and y of the source, `Double`, for projected sources.
        case source = 16
        /// `UInt64` a row (all-row): the feature's number.
        case number = 17
        /// `UInt32`: rows (all-row) in ascending order of their number.
        case numberOrder = 18
        /// `UInt64`, ascending: hashes of the identifiers' text; and the rows they belong to.
        case identifierHash = 19
        case identifierRow = 20
        /// 16 bytes a row (all-row): hash of the public content; and the rows in ascending order of it.
        case contentHash = 21
        case contentOrder = 22
        /// `UInt64` a row (all-row): the feature's row or id in the source.
        case sourceRow = 23
        /// `FeatureDetail` a row, 16 bytes.
        case detail = 24
        /// `VertexLevel` a vertex, only in layers that are simplified for far zooms.
        case vertexLevel = 25
        /// `UInt8` a row: how grave its class is, only in layers of hazards.
        case hazardRank = 26

        // For each column, all-row:
        /// One bit a row, set when the value is null; absent when none is.
        case nulls = 32
        /// `Int64`, `Double`, `UInt8` (boolean), `Int32` (date), `Int64` (time).
        case values = 33
        /// `Int16` minutes east, `Int16.max` when the source gave none.
        case zones = 34
        /// Text: a step table and the bytes; for a dictionary, of its entries, sorted by their bytes.
        case textSteps = 35
        case textBases = 36
        case text = 37
        /// `UInt8`, `UInt16` or `UInt32` a row: which entry of the dictionary.
        case codes = 38
        /// For each 4,096 rows the least and the greatest value (8 bytes each) and the number of nulls (8 bytes).
        case statistics = 39
    }

    /// A line of the directory.
    struct Entry {
        var kind: UInt32
        /// The column, or `UInt32.max`.
        var column: UInt32 = .max
        var isOptional = false
        /// Bytes an element.
        var width: Int
        var offset: Int
        var length: Int
        /// The number of its first checksum.
        var firstSum: Int
    }
}

/// The metadata section.
struct LayerFileHeader: Codable, Equatable {
    var attributes: [Attribute]
    var rowCount: Int
    var geometryCount: Int
    var extent: Envelope?
    /// Decimals of a degree that are kept, 7 to 9.
    var decimals: Int
    var identity: LayerFile.IdentityKind
    var idColumn: Int?
    var nextNumber: UInt64
    var geometryKinds: [UInt8]
    var facts: LayerFacts
    /// See `LayerFile.leastZoomCounts`.
    var leastZoomCounts: [Int]?
    /// See `LayerFile.ownZoomCounts`.
    var ownZoomCounts: [Int]?
}
