import Foundation
import Geo
import GeoNative
import RecordStream

/// The reference system that a source's coordinates are taken to be in, and how that came.
struct SourceSystem {
    enum Origin: String {
        case given
        case file
        /// The values are degrees, and those of Japan.
        case assumed
    }

    var id: String?
    var how: Origin
    let transform: CoordinateTransform
    /// As the file gave it.
    var text: String?

    /// - Parameter given: what the person said; wins over the file.
    init(given: String?, header: RecordHeader, gridDirectories: [String]) throws(LoadError) {
        if let given {
            guard let reference = CRSReference(given) else {
                throw LoadError(
                    "bad-crs", ja: "座標参照系「\(given)」が分かりません。EPSG:6677 のように書いてください。",
                    en: "“\(given)” is no reference system. Write it like EPSG:6677.",
                    isUsage: true)
            }
            transform = try Self.open(reference, gridDirectories)
            (id, how, text) = (reference.name, .given, header.crs?.wkt)
            return
        }
        if let crs = header.crs {
            let registered = crs.authority.flatMap { authority in crs.code.map { CRSReference.registered(authority: authority, code: $0) } }
            (id, how, text) = (registered?.name, .file, crs.wkt)
            // A registry newer or older than the importer's may not know the number; the text then does.
            if let registered, let known = try? CoordinateTransform(from: registered, gridDirectories: gridDirectories) {
                transform = known
            } else {
                transform = try Self.open(.wkt(crs.wkt), gridDirectories)
            }
            return
        }
        guard header.notes.contains(where: { $0.code == "csv-degrees" }) else { throw Self.missing(header) }
        transform = try Self.open(.registered(authority: "EPSG", code: "6668"), gridDirectories)
        (id, how) = ("EPSG:6668", .assumed)
    }

    private static func open(_ reference: CRSReference, _ grids: [String]) throws(LoadError) -> CoordinateTransform {
        do throws(TransformError) {
            return try CoordinateTransform(from: reference, gridDirectories: grids)
        } catch {
            let what =
                switch error {
                case .unknownReference(let name): name
                case .refusedText(let word): word
                case .notHorizontal(let name): name
                case .noOperation(let name): name
                }
            throw LoadError(
                "bad-crs", ja: "座標参照系を使えません（\(what)）。--crs EPSG:6677 のように指定してください。",
                en: "The reference system cannot be used (\(what)). Name one, like --crs EPSG:6677.")
        }
    }

    private static func missing(_ header: RecordHeader) -> LoadError {
        LoadError(
            "no-crs",
            ja: """
                元データに座標参照系の指定がありません。--crs を付けてください（layer.yaml では source.crs）。
                  平面直角座標系 第IX系（東京・福島・栃木・茨城・埼玉・千葉・群馬・神奈川）: --crs EPSG:6677
                  平面直角座標系 第X系（青森・秋田・山形・岩手・宮城）: --crs EPSG:6678
                  他の系: EPSG:6669（第I系）から EPSG:6687（第XIX系）。JGD2000 なら EPSG:2443～2461、日本測地系なら EPSG:30161～30179
                  経緯度: JGD2011 は --crs EPSG:6668、JGD2000 は EPSG:4612、日本測地系は EPSG:4301
                """,
            en: """
                The source names no coordinate reference system. Add --crs (in layer.yaml: source.crs):
                  plane rectangular zone IX (Tokyo, Fukushima, Tochigi, Ibaraki, Saitama, Chiba, Gunma, Kanagawa): --crs EPSG:6677
                  zone X (Aomori, Akita, Yamagata, Iwate, Miyagi): --crs EPSG:6678
                  other zones: EPSG:6669 (I) to EPSG:6687 (XIX); JGD2000 EPSG:2443 to 2461; Tokyo Datum EPSG:30161 to 30179
                  longitude and latitude: JGD2011 --crs EPSG:6668, JGD2000 EPSG:4612, Tokyo Datum EPSG:4301
                """)
    }

    var report: LoadReport.ReferenceSystem {
        var grids: [String] = []
        let shift: String
        switch transform.shift {
        case .none: shift = "none"
        case .grid(let names): (shift, grids) = ("grid", names)
        case .assumedEqual: shift = "assumed-equal"
        case .threeParameter: shift = "three-parameter"
        case .found: shift = "found"
        }
        return LoadReport.ReferenceSystem(
            id: id, name: transform.sourceName, how: how.rawValue, projected: transform.isProjected, pipeline: transform.pipeline,
            shift: shift,
            grids: grids)
    }

    /// What the datum shift means for a feature here: a code and how much it weighs, nil when nothing.
    func doubt(_ envelope: Envelope) -> (FindingCode, Severity)? {
        switch transform.shift {
        case .none, .grid: return nil
        case .assumedEqual:
            if envelope.intersects(DatumShift.movedFar) { return (.datumShiftUnknown, .blocking) }
            return envelope.intersects(DatumShift.movedIn2011) ? (.datumAccuracy, .warning) : nil
        case .threeParameter:
            return envelope.minY < DatumShift.remoteIslandLatitude ? (.datumShiftUnknown, .blocking) : (.datumAccuracy, .warning)
        case .found(let accuracy):
            guard let accuracy else { return (.datumShiftUnknown, .blocking) }
            return accuracy > 2 ? (.datumAccuracy, .warning) : nil
        }
    }
}
