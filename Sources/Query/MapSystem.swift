import Foundation
import GeoNative
import Synchronization

/// A reference system in which features are asked for and answered (OGC 18-058r1): the world's usual three, and those of Japan.
public struct MapSystem: Sendable, Hashable {
    /// In the registry of EPSG; nil for OGC's CRS84, longitude before latitude on WGS 84.
    public let code: Int?

    public static let crs84 = MapSystem(code: nil)

    /// All that are served, CRS84 first: WGS 84, Web Mercator, then JGD2011, JGD2000 and the Tokyo datum, each in degrees and in its 19 plane zones.
    public static let all: [MapSystem] =
        [crs84]
        + ([4326, 3857, 6668] + Array(6669...6687) + [4612] + Array(2443...2461) + [4301] + Array(30161...30179)).map {
            MapSystem(code: $0)
        }

    private init(code: Int?) {
        self.code = code
    }

    /// `http://www.opengis.net/def/crs/EPSG/0/6677`, also with `https`; the same as a URN, as `EPSG:6677` or `[EPSG:6677]`. Nil for a system that is not served.
    public init?(_ text: String) {
        var name = text[...]
        if name.hasPrefix("[") && name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        for prefix in [
            "http://www.opengis.net/def/crs/EPSG/0/", "https://www.opengis.net/def/crs/EPSG/0/", "urn:ogc:def:crs:EPSG::",
            "urn:ogc:def:crs:EPSG:0:", "EPSG:", "epsg:",
        ] where name.hasPrefix(prefix) {
            let digits = name.dropFirst(prefix.count)
            guard (4...5).contains(digits.utf8.count), digits.first != "0",
                digits.utf8.allSatisfy({ (48...57).contains($0) }), let code = Int(digits),
                MapSystem.codes.contains(code)
            else { return nil }
            self.code = code
            return
        }
        guard
            [
                "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "https://www.opengis.net/def/crs/OGC/1.3/CRS84",
                "urn:ogc:def:crs:OGC:1.3:CRS84",
                "OGC:CRS84",
            ].contains(String(name))
        else { return nil }
        code = nil
    }

    private static let codes = Set(all.compactMap(\.code))

    public var uri: String {
        code.map { "http://www.opengis.net/def/crs/EPSG/0/\($0)" } ?? "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    }

    /// The first axis points north, as its authority has it: latitude before longitude, X before Y of the plane zones.
    public var isNorthFirst: Bool { code != nil && code != 3857 }

    /// Its numbers are metres.
    public var isProjected: Bool { code.map { ![4326, 6668, 4612, 4301].contains($0) } ?? false }

    /// Longitude and latitude as they are stored: WGS 84 and JGD2011 are taken as the same (see `Datum`).
    public var isStored: Bool { [nil, 4326, 6668].contains(code) }

    /// The code that files without an order of axes carry: CRS84 is WGS 84 there.
    var fileCode: Int { code ?? 4326 }

    /// Decimals of a metre for so many of a degree, no coarser than those: 7 decimals are a centimetre.
    func decimals(stored: Int) -> Int { stored == 7 ? 3 : 4 }
}

/// Transformations that are not in use. Making one takes milliseconds, and it is for one thread at a time.
final class TransformPool: Sendable {
    private struct Idle: @unchecked Sendable {
        var transforms: [MapSystem: [CoordinateTransform]] = [:]
        var count = 0
    }

    private let idle = Mutex(Idle())
    private let gridDirectories: [String]
    private static let limit = 64

    /// - Parameter gridDirectories: folders to look for datum grids in, before PROJ's own.
    init(gridDirectories: [String]) {
        self.gridDirectories = gridDirectories
    }

    /// Between a system and longitude and latitude, while `body` runs.
    func with<R>(_ system: MapSystem, _ body: (CoordinateTransform) throws(QueryError) -> R) throws(QueryError) -> R {
        let transform = try take(system)
        defer {
            idle.withLock { idle in
                if idle.count < TransformPool.limit {
                    idle.transforms[system, default: []].append(transform)
                    idle.count += 1
                }
            }
        }
        return try body(transform)
    }

    private func take(_ system: MapSystem) throws(QueryError) -> CoordinateTransform {
        let kept = idle.withLock { idle -> SendableTransform? in
            guard let transform = idle.transforms[system]?.popLast() else { return nil }
            idle.count -= 1
            return SendableTransform(value: transform)
        }
        if let kept { return kept.value }
        do {
            return try CoordinateTransform(
                from: .registered(authority: "EPSG", code: String(system.fileCode)), gridDirectories: gridDirectories)
        } catch {
            throw .noTransform(system.uri)
        }
    }

    /// Handed from the pool to the thread that takes it, and to no other.
    private struct SendableTransform: @unchecked Sendable {
        var value: CoordinateTransform
    }
}
