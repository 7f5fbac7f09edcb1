import Descriptions
import Foundation
import Geo
import LayerAtlas
import LayerCatalog
import LayerStore
import Synchronization
import TestKit

/// A data directory for one test, with its catalogue and atlas, and a clock that the test moves.
public final class Office: Sendable {
    public let folder: TemporaryFolder
    public let catalogue: Catalogue
    public let atlas: LayerAtlas
    private let clock: Clock

    private final class Clock: Sendable {
        private let seconds: Mutex<Double>
        init(_ start: Date) { seconds = Mutex(start.timeIntervalSince1970) }
        var date: Date { Date(timeIntervalSince1970: seconds.withLock { $0 }) }
        func wait(_ more: Double) { seconds.withLock { $0 += more } }
    }

    /// One feature of a layer to load.
    public struct Row: Sendable {
        public var geometry: Geometry?
        public var values: [AttributeValue]

        public init(_ geometry: Geometry?, _ values: [AttributeValue] = []) {
            self.geometry = geometry
            self.values = values
        }
    }

    /// - Parameter start: what the clock shows at first; where a server runs over the directory, the present.
    public init(start: Date = Date(timeIntervalSince1970: 1_711_843_200)) throws {
        let folder = try TemporaryFolder()
        let clock = Clock(start)
        self.folder = folder
        self.clock = clock
        catalogue = try Catalogue(directory: folder.url) { clock.date }
        atlas = try LayerAtlas(dataDirectory: folder.url, catalogue: catalogue)
    }

    /// Moves the catalogue's clock on by so many seconds.
    public func wait(_ seconds: Double) { clock.wait(seconds) }

    /// Seals a version of a layer, publishes it unless told otherwise, and lets the atlas look.
    /// - Parameters:
    ///   - attributes: Of the rows, in order; those the description names take their visibility from it.
    ///   - idColumn: The attribute that identifies features.
    ///   - continuing: Features keep the numbers that they have in the published version.
    /// - Returns: The version's name.
    @discardableResult
    public func load(
        _ description: LayerDescription, attributes: [Attribute] = [], idColumn: Int? = nil, rows: [Row], facts: LayerFacts = LayerFacts(),
        publishing: Bool = true, continuing: Bool = false
    ) throws -> String {
        try catalogue.register(description)
        let version = try catalogue.reserveVersion(of: description.id)
        let scratch = folder.path("scratch-\(version)-\(description.id)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(at: catalogue.folder(of: description.id), withIntermediateDirectories: true)
        let columns = attributes.map { attribute in
            Attribute(
                name: attribute.name, type: attribute.type,
                visibility: description.attribute(attribute.name)?.visibility ?? attribute.visibility)
        }
        let builder = try LayerBuilder(settings: .init(attributes: columns, idColumn: idColumn, memoryLimit: 1 << 20), scratch: scratch)
        for (index, row) in rows.enumerated() {
            for (column, value) in row.values.enumerated() { try Office.set(builder, column, value) }
            var geometry = row.geometry
            geometry?.roundToStorage()
            try builder.endFeature(geometry: geometry, sourceRow: UInt64(index))
        }
        let file = catalogue.file(of: description.id, version: version)
        let before = try catalogue.layers().first { $0.id == description.id }?.current
        let previous = try before.map { try LayerFile.open(catalogue.file(of: description.id, version: $0)) }
        let identity = Identity(previous: continuing ? previous : nil, nextNumber: try catalogue.nextNumber(of: description.id))
        let sealed = try builder.seal(as: file, identity: identity, facts: facts)
        let size = try FileManager.default.attributesOfItem(atPath: file.path)[.size] as? NSNumber
        try catalogue.addVersion(
            NewVersion(
                layer: description.id, name: version, description: description, byteCount: size?.intValue ?? 0,
                featureCount: sealed.rowCount, nextNumber: sealed.nextNumber), publishing: publishing, by: "test")
        try atlas.refresh()
        return version
    }

    /// Overwrites bytes in the middle of a version's file, so that it cannot be trusted any more.
    public func damage(_ layer: String, version: String) throws {
        let file = catalogue.file(of: layer, version: version)
        var bytes = try Data(contentsOf: file)
        for index in bytes.indices { bytes[index] ^= 0x5A }
        try bytes.write(to: file)
    }

    private static func set(_ builder: LayerBuilder, _ column: Int, _ value: AttributeValue) throws {
        switch value {
        case .null: break
        case .integer(let number): builder.set(column, integer: number)
        case .real(let number): builder.set(column, real: number)
        case .boolean(let flag): builder.set(column, boolean: flag)
        case .date(let day): builder.set(column, date: day)
        case .time(let instant): builder.set(column, time: instant)
        case .text(let text): try builder.set(column, text: text)
        case .json(let text): try Array(text.utf8).withUnsafeBytes { try builder.set(column, json: $0) }
        }
    }
}

extension Geometry {
    /// A rectangle, in degrees.
    public static func box(_ minX: Double, _ minY: Double, _ maxX: Double, _ maxY: Double) -> Geometry {
        .polygon([
            [
                Point(x: minX, y: minY), Point(x: maxX, y: minY), Point(x: maxX, y: maxY), Point(x: minX, y: maxY),
                Point(x: minX, y: minY),
            ]
        ])
    }

    /// As well-known binary.
    public var wkb: Data {
        var bytes: [UInt8] = []
        WKBWriter.write(self, to: &bytes)
        return Data(bytes)
    }
}
