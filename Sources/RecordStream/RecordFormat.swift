/// The numbers that writer and reader agree on.
///
/// Everything is little-endian. A stream is the magic and then frames: payload length (4 bytes), type (1 byte), payload. A batch payload is the
/// number of features (4 bytes) and for each: source row (8), length of its well-known binary (4; all ones: no geometry), those bytes, and
/// one tagged value per field of the header.
public enum RecordFormat {
    public static let magic: [UInt8] = Array("KSNREC01".utf8)
    /// The most bytes a frame's payload may have: 64 MiB.
    public static let payloadLimit = 64 << 20
    /// The most bytes a JSON frame (header, problem, failure) may have: 4 MiB.
    public static let documentLimit = 4 << 20
    /// The most fields a layer may have.
    public static let fieldLimit = 4096
    /// A batch is sent when it has grown past this many bytes.
    static let batchTarget = 512 << 10
    /// The bytes of an empty feature without fields: row and geometry length.
    static let featureOverhead = 12

    @usableFromInline static let noGeometry = UInt32.max
    @usableFromInline static let noZone = Int16.max

    /// Days of the years 0 to 9999, which is what a date can be.
    static let days: ClosedRange<Int32> = -719_528...2_932_896
    /// Microseconds of the same years, and a day more either side for the zone.
    static let microseconds: ClosedRange<Int64> = (-719_529 * 86_400_000_000)...(2_932_898 * 86_400_000_000)
    /// Minutes east of UTC that a zone can be (XML Schema 1.1, part 2, 3.3.7).
    static let zones: ClosedRange<Int16> = -840...840

    enum Frame: UInt8 {
        case header = 0x48  // H
        case batch = 0x42  // B
        case problem = 0x50  // P
        case failure = 0x58  // X
        case end = 0x45  // E
    }

    @usableFromInline
    enum Tag: UInt8 {
        case null = 0
        case integer = 1
        case real = 2
        case boolean = 3
        case date = 4
        case time = 5
        case text = 6
        case json = 7
    }
}

/// Why a stream of records cannot be believed, or not be moved.
public enum RecordStreamError: Error, Equatable, Sendable {
    /// Reading or writing failed with this `errno`.
    case system(Int32)
    /// Nothing came for as long as the reader was told to wait.
    case silent(milliseconds: Int)
    case notAStream
    /// The bytes end inside a frame, or before the frame that says that this was all.
    case cutOff
    case frameTooLarge(bytes: Int)
    case unknownFrame(UInt8)
    /// A frame where the order of frames does not allow it.
    case unexpectedFrame(UInt8)
    case badDocument(String)
    /// A feature of a batch is not as the header says.
    case badFeature(index: UInt64, String)
    /// The end names another number of features than came.
    case wrongCount(said: UInt64, came: UInt64)
    /// One feature does not fit a frame.
    case featureTooLarge(bytes: Int)
}
