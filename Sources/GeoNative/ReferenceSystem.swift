internal import CPROJ
import Foundation

/// A source's reference system opened by PROJ: only its horizontal part, and the geographic system under it.
struct ReferenceSystem {
    private let context: OpaquePointer
    private let horizontal: OpaquePointer
    private let geodetic: OpaquePointer
    let name: String
    let isProjected: Bool
    let datum: Datum

    /// The longest text that is looked at.
    private static let textLimit = 64 << 10

    init(_ reference: CRSReference, _ context: OpaquePointer) throws(TransformError) {
        self.context = context
        let opened = try Self.open(reference, context)
        let horizontal = Self.horizontal(of: opened, context)
        guard let horizontal else { throw .notHorizontal(Self.name(of: opened, destroying: true)) }
        proj_destroy(opened)
        guard let geodetic = proj_crs_get_geodetic_crs(context, horizontal) else {
            throw .notHorizontal(Self.name(of: horizontal, destroying: true))
        }
        self.horizontal = horizontal
        self.geodetic = geodetic
        name = Self.name(of: horizontal)
        let type = proj_get_type(horizontal)
        isProjected = type == PJ_TYPE_PROJECTED_CRS
        var datumName = name
        if let datum = proj_crs_get_datum_forced(context, geodetic) { datumName = Self.name(of: datum, destroying: true) }
        datum = Datum(name: datumName)
    }

    func destroy() {
        proj_destroy(horizontal)
        proj_destroy(geodetic)
    }

    /// Undoes the projection (and odd units or meridians): to degrees on the system's own datum; nil when there is nothing to undo.
    func toGeodetic() throws(TransformError) -> OpaquePointer? {
        if !isProjected && hasPlainDegrees { return nil }
        // The target has the same datum, so no shift comes with it.
        let plain =
            switch datum {
            case .tokyo: "4301"
            case .jgd2000: "4612"
            case .current, .other: "6668"
            }
        let target =
            hasPlainDegrees ? proj_clone(context, geodetic) : proj_create_from_database(context, "EPSG", plain, PJ_CATEGORY_CRS, 0, nil)
        guard let target else { throw .notHorizontal(name) }
        defer { proj_destroy(target) }
        return try operation(to: target)
    }

    /// The best that PROJ has to WGS 84, for systems that are not Japan's.
    func toWGS84() throws(TransformError) -> OpaquePointer {
        guard let target = proj_create_from_database(context, "EPSG", "4326", PJ_CATEGORY_CRS, 0, nil) else { throw .noOperation(name) }
        defer { proj_destroy(target) }
        return try operation(to: target)
    }

    private func operation(to target: OpaquePointer) throws(TransformError) -> OpaquePointer {
        guard let found = proj_create_crs_to_crs_from_pj(context, horizontal, target, nil, nil) else { throw .noOperation(name) }
        defer { proj_destroy(found) }
        guard let normal = proj_normalize_for_visualization(context, found) else { throw .noOperation(name) }
        return normal
    }

    /// Degrees east and north of Greenwich; a third axis does not matter.
    private var hasPlainDegrees: Bool {
        guard let system = proj_crs_get_coordinate_system(context, geodetic) else { return false }
        defer { proj_destroy(system) }
        for axis in Int32(0)..<2 {
            var factor = 0.0
            guard proj_cs_get_axis_info(context, system, axis, nil, nil, nil, &factor, nil, nil, nil) == 1, abs(factor - .pi / 180) < 1e-12
            else {
                return false
            }
        }
        guard let meridian = proj_get_prime_meridian(context, geodetic) else { return false }
        defer { proj_destroy(meridian) }
        var longitude = 1.0
        return proj_prime_meridian_get_parameters(context, meridian, &longitude, nil, nil) == 1 && longitude == 0
    }

    private static func open(_ reference: CRSReference, _ context: OpaquePointer) throws(TransformError) -> OpaquePointer {
        switch reference {
        case .registered(let authority, let code):
            guard let found = proj_create_from_database(context, authority, code, PJ_CATEGORY_CRS, 0, nil) else {
                throw .unknownReference("\(authority):\(code)")
            }
            return found
        case .wkt(let text):
            guard text.utf8.count <= textLimit else { throw .refusedText("longer than \(textLimit) bytes") }
            let folded = text.lowercased()
            for word in ["nadgrids=", "geoidgrids=", "grids=", "+init=", "tmpfile"] where folded.contains(word) {
                guard word == "nadgrids=", folded.contains("nadgrids=@null") else { throw .refusedText(word) }
            }
            guard let found = proj_create_from_wkt(context, text, nil, nil, nil) else { throw .unknownReference("WKT") }
            return found
        }
    }

    /// The system of the ground inside a compound or bound one; a new object. A third dimension stays and is given no heights.
    private static func horizontal(of system: OpaquePointer, _ context: OpaquePointer) -> OpaquePointer? {
        switch proj_get_type(system) {
        case PJ_TYPE_COMPOUND_CRS:
            guard let part = proj_crs_get_sub_crs(context, system, 0) else { return nil }
            defer { proj_destroy(part) }
            return horizontal(of: part, context)
        case PJ_TYPE_BOUND_CRS:
            guard let part = proj_get_source_crs(context, system) else { return nil }
            defer { proj_destroy(part) }
            return horizontal(of: part, context)
        case PJ_TYPE_PROJECTED_CRS, PJ_TYPE_GEOGRAPHIC_2D_CRS, PJ_TYPE_GEOGRAPHIC_3D_CRS: return proj_clone(context, system)
        default: return nil
        }
    }

    private static func name(of system: OpaquePointer, destroying: Bool = false) -> String {
        let name = proj_get_name(system).map { String(cString: $0) } ?? ""
        if destroying { proj_destroy(system) }
        return name
    }
}
