import CGDAL
import RecordStream

/// What a coordinate reference system is called, and which of its axes comes first.
enum CRSReading {
    /// A text that a person gave, such as `EPSG:6677`; well-known text is taken too. Neither files nor the network are asked.
    static func parse(_ text: String) throws(RecordFailure) -> SourceCRS {
        guard let reference = OSRNewSpatialReference(nil) else { throw RecordFailure(code: "unknown-crs", message: "no memory") }
        defer { OSRDestroySpatialReference(reference) }
        let status = isRegisteredName(text) || isWellKnownText(text) ? OSRSetFromUserInput(reference, text) : OGRERR_UNSUPPORTED_SRS
        guard status == OGRERR_NONE, let crs = describe(reference) else {
            throw RecordFailure(code: "unknown-crs", message: "no coordinate reference system is known by the name given")
        }
        return crs
    }

    /// `EPSG:6677`, `OGC:CRS84`. GDAL would also take names of files and addresses, which must not be asked.
    private static func isRegisteredName(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.count <= 16 && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
            }
    }

    /// `GEOGCRS[…]`, `PROJCS[…]`.
    private static func isWellKnownText(_ text: String) -> Bool {
        let keyword = text.prefix { $0.isASCII && $0.isLetter }
        return ["GEOGCS", "PROJCS", "COMPD_CS", "GEOGCRS", "GEODCRS", "PROJCRS", "COMPOUNDCRS", "BOUNDCRS"].contains(keyword.uppercased())
            && text.dropFirst(keyword.count).hasPrefix("[")
    }

    /// Nil when it has no form as text.
    static func describe(_ reference: OGRSpatialReferenceH) -> SourceCRS? {
        var wkt: UnsafeMutablePointer<CChar>?
        var options: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CSLAddString(nil, "FORMAT=WKT2_2019")
        defer {
            CSLDestroy(options)
            options = nil
            VSIFree(wkt)
        }
        let exported = options?.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: 2) { OSRExportToWktEx(reference, &wkt, $0) }
        guard exported == OGRERR_NONE, let wkt, wkt.pointee != 0 else { return nil }
        let name = OSRGetName(reference).map { String(cString: $0) } ?? ""
        let identity = identify(reference)
        return SourceCRS(
            wkt: String(cString: wkt), authority: identity?.authority, code: identity?.code, name: name,
            projected: OSRIsProjected(reference) != 0)
    }

    /// Coordinates of the data come with the northing (latitude) first.
    static func isNorthFirst(_ reference: OGRSpatialReferenceH) -> Bool {
        var count: Int32 = 0
        guard let mapping = OSRGetDataAxisToSRSAxisMapping(reference, &count), count >= 2 else { return false }
        let root = OSRIsProjected(reference) != 0 ? "PROJCS" : "GEOGCS"
        var orientation = OAO_Other
        OSRGetAxis(reference, root, abs(mapping[0]) - 1, &orientation)
        return orientation == OAO_North || orientation == OAO_South
    }

    private static func identify(_ reference: OGRSpatialReferenceH) -> (authority: String, code: String)? {
        if let authority = OSRGetAuthorityName(reference, nil), let code = OSRGetAuthorityCode(reference, nil) {
            return (String(cString: authority), String(cString: code))
        }
        return match(reference)
    }

    /// The one registered system that fits, when the match is beyond doubt: 90 of 100, and no other as good.
    private static func match(_ reference: OGRSpatialReferenceH) -> (authority: String, code: String)? {
        var confidences: UnsafeMutablePointer<Int32>?
        var count: Int32 = 0
        guard let matches = OSRFindMatches(reference, nil, &count, &confidences) else { return nil }
        defer {
            OSRFreeSRSArray(matches)
            VSIFree(confidences)
        }
        guard count > 0, let confidences, confidences[0] >= 90, count == 1 || confidences[1] < confidences[0], let best = matches[0],
            let authority = OSRGetAuthorityName(best, nil), let code = OSRGetAuthorityCode(best, nil)
        else { return nil }
        return (String(cString: authority), String(cString: code))
    }
}
