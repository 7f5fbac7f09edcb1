internal import CPROJ
import Foundation

/// A coordinate reference system as a person or a file names it.
public enum CRSReference: Sendable, Equatable {
    /// A registered one: `EPSG`, `6677`.
    case registered(authority: String, code: String)
    /// Well-known text, from a file nobody has checked.
    case wkt(String)

    /// From what people write: `EPSG:6677`, `epsg:6677`, `6677`, `urn:ogc:def:crs:EPSG::6677`, `http://www.opengis.net/def/crs/EPSG/0/6677`; nil for all else.
    public init?(_ text: String) {
        let trimmed = text.trimmingCharacters(in: .whitespaces)
        let parts = trimmed.split(whereSeparator: { $0 == ":" || $0 == "/" }).map(String.init)
        guard let code = parts.last, !code.isEmpty, code.count <= 12, code.utf8.allSatisfy({ $0.isASCIIAlphanumeric }) else { return nil }
        if parts.count == 1 {
            guard Int(code) != nil else { return nil }
            self = .registered(authority: "EPSG", code: code)
            return
        }
        // A URN names OGC as the maker of the name before it names the authority.
        guard let authority = parts.dropLast().map({ $0.uppercased() }).last(where: { ["EPSG", "ESRI", "OGC"].contains($0) }) else {
            return nil
        }
        self = .registered(authority: authority, code: authority == "OGC" ? code.uppercased() : code)
    }

    /// `EPSG:6677`; nil for text.
    public var name: String? {
        guard case .registered(let authority, let code) = self else { return nil }
        return "\(authority):\(code)"
    }
}

extension UInt8 {
    fileprivate var isASCIIAlphanumeric: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
    }
}

/// Why there is no way from one reference system to another.
public enum TransformError: Error, Equatable, Sendable {
    case unknownReference(String)
    /// The text asks for files of its own choosing, or is too long.
    case refusedText(String)
    /// Not a system of places on the ground: heights only, a building's own axes, …
    case notHorizontal(String)
    case noOperation(String)
}

/// From one reference system to longitude and latitude on JGD2011, in degrees; for one thread.
///
/// Input is x = east and y = north whatever the axes of the system are, as `kasane-import` hands them out. A system with heights is taken without them.
/// First the system's own projection is undone, which is exact, and then the datum is shifted where that is needed: two steps, so that the report can
/// say which grid was used or missed. PROJ's network access is off.
///
/// Reference: PROJ 9.1 (`proj_create_crs_to_crs_from_pj`, `proj_normalize_for_visualization`); EPSG operations 6712 and 6713 (grids), 15483 (three parameters).
public final class CoordinateTransform {
    private let context: OpaquePointer
    /// The steps, each owned; none when coordinates are right as they are.
    private var steps: [OpaquePointer] = []

    /// The system's name as registered: `JGD2011 / Japan Plane Rectangular CS IX`.
    public let sourceName: String
    /// Coordinates are metres on a plane, not degrees.
    public let isProjected: Bool
    public let datum: Datum
    public let shift: DatumShift
    /// What PROJ runs, as one string a step; empty when nothing.
    public let pipeline: [String]

    /// - Parameter gridDirectories: folders to look for `tky2jgd.gsb` and `touhokutaiheiyouoki2011.gsb` in, before PROJ's own.
    public init(from reference: CRSReference, gridDirectories: [String] = []) throws(TransformError) {
        guard let context = proj_context_create() else { preconditionFailure("PROJ has no memory for a context") }
        var steps: [OpaquePointer] = []
        do throws(TransformError) {
            proj_context_set_enable_network(context, 0)
            proj_log_level(context, PJ_LOG_NONE)
            Self.search(gridDirectories, context)
            let system = try ReferenceSystem(reference, context)
            defer { system.destroy() }
            sourceName = system.name
            isProjected = system.isProjected
            datum = system.datum
            var shift = DatumShift.none
            switch system.datum {
            case .current, .jgd2000, .tokyo:
                if let step = try system.toGeodetic() { steps.append(step) }
                let (step, kind) = try Self.shiftStep(system.datum, context)
                if let step { steps.append(step) }
                shift = kind
            case .other:
                let step = try system.toWGS84()
                let accuracy = proj_pj_info(step).accuracy
                shift = .found(accuracyMetres: accuracy >= 0 ? accuracy : nil)
                steps.append(step)
            }
            self.shift = shift
        } catch {
            for step in steps { proj_destroy(step) }
            proj_context_destroy(context)
            throw error
        }
        self.context = context
        self.steps = steps
        pipeline = steps.map { Self.definition($0) }
    }

    deinit {
        for step in steps { proj_destroy(step) }
        proj_context_destroy(context)
    }

    /// The source's coordinates are longitude and latitude on JGD2011 already.
    public var isIdentity: Bool { steps.isEmpty }

    /// Transforms x and y in turn, in place. What has no place on the ground becomes infinite.
    /// - Returns: how many vertices have no place.
    /// - Complexity: O(vertices); about 5 million a second for a plane rectangular zone
    public func transform(_ coordinates: inout [Double]) -> Int {
        coordinates.withUnsafeMutableBufferPointer { transform($0) }
    }

    /// `transform` for memory that is elsewhere than in an array.
    public func transform(_ coordinates: UnsafeMutableBufferPointer<Double>) -> Int {
        run(steps, PJ_FWD, over: coordinates)
    }

    /// The way back: from longitude and latitude to the source's system, x east and y north, for vertices that the source did not have.
    /// - Returns: how many vertices have no place in the source's system.
    public func inverse(_ coordinates: inout [Double]) -> Int {
        coordinates.withUnsafeMutableBufferPointer { run(steps.reversed(), PJ_INV, over: $0) }
    }

    /// `inverse` for memory that is elsewhere than in an array.
    public func inverse(_ coordinates: UnsafeMutableBufferPointer<Double>) -> Int {
        run(steps.reversed(), PJ_INV, over: coordinates)
    }

    // MARK: How

    private func run(_ steps: [OpaquePointer], _ direction: PJ_DIRECTION, over coordinates: UnsafeMutableBufferPointer<Double>) -> Int {
        guard !steps.isEmpty, let start = coordinates.baseAddress, coordinates.count >= 2 else { return 0 }
        let stride = 2 * MemoryLayout<Double>.stride
        let count = coordinates.count / 2
        for step in steps {
            _ = proj_trans_generic(step, direction, start, stride, count, start + 1, stride, count, nil, 0, 0, nil, 0, 0)
            proj_errno_reset(step)
        }
        var failures = 0
        for i in 0..<count where !(start[2 * i].isFinite && start[2 * i + 1].isFinite) { failures += 1 }
        return failures
    }

    private static func search(_ directories: [String], _ context: OpaquePointer) {
        guard !directories.isEmpty else { return }
        let known = proj_context_get_database_path(context).map {
            URL(fileURLWithPath: String(cString: $0)).deletingLastPathComponent().path
        }
        let all = directories + (known.map { [$0] } ?? [])
        let copies = all.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        var pointers = copies.map { UnsafePointer($0) }
        proj_context_set_search_paths(context, Int32(pointers.count), &pointers)
    }

    private static func shiftStep(_ datum: Datum, _ context: OpaquePointer) throws(TransformError) -> (OpaquePointer?, DatumShift) {
        let before = "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
        let after = " +step +proj=unitconvert +xy_in=rad +xy_out=deg"
        // Outside its grid, which covers what moved, the shift of 2011 is none.
        let moved = "+step +proj=hgridshift +grids=\(earthquakeGrid),null"
        let hasEarthquake = exists(earthquakeGrid, context)
        switch datum {
        case .current, .other: return (nil, .none)
        case .jgd2000:
            guard hasEarthquake else { return (nil, .assumedEqual) }
            return (try create(before + moved + after, context), .grid([earthquakeGrid]))
        case .tokyo:
            if exists(tokyoGrid, context) {
                let step = before + "+step +proj=hgridshift +grids=\(tokyoGrid) " + (hasEarthquake ? moved : "") + after
                return (try create(step, context), .grid(hasEarthquake ? [tokyoGrid, earthquakeGrid] : [tokyoGrid]))
            }
            let step =
                "+step +proj=push +v_3 +step +proj=cart +ellps=bessel +step +proj=helmert +x=-146.414 +y=507.337 +z=680.507 "
                + "+step +inv +proj=cart +ellps=GRS80 +step +proj=pop +v_3 " + (hasEarthquake ? moved : "")
            return (try create(before + step + after, context), .threeParameter)
        }
    }

    /// The grids as GSI's parameters are known to PROJ.
    private static let tokyoGrid = "tky2jgd.gsb"
    private static let earthquakeGrid = "touhokutaiheiyouoki2011.gsb"

    private static func exists(_ grid: String, _ context: OpaquePointer) -> Bool {
        guard let probe = proj_create(context, "+proj=hgridshift +grids=\(grid)") else { return false }
        proj_destroy(probe)
        return true
    }

    private static func create(_ pipeline: String, _ context: OpaquePointer) throws(TransformError) -> OpaquePointer {
        guard let step = proj_create(context, pipeline) else { throw .noOperation(pipeline) }
        return step
    }

    private static func definition(_ step: OpaquePointer) -> String {
        let info = proj_pj_info(step)
        let text = info.definition.map { String(cString: $0) } ?? ""
        return text.split(separator: " ").map { $0.hasPrefix("+") ? String($0) : "+" + $0 }.joined(separator: " ")
    }
}
