internal import CGEOS
public import Geo

/// Which rule of the simple features standard (OGC 06-103r4, 6.1.11) a geometry breaks.
public enum ValidityRule: String, Sendable, Codable, CaseIterable {
    case selfIntersection = "self-intersection"
    /// A ring touches itself in a point or along a line.
    case ringSelfIntersection = "ring-self-intersection"
    case holeOutsideShell = "hole-outside-shell"
    case nestedHoles = "nested-holes"
    case nestedShells = "nested-shells"
    case disconnectedInterior = "disconnected-interior"
    case duplicateRings = "duplicate-rings"
    case tooFewPoints = "too-few-points"
    case notFinite = "not-finite"
    case ringNotClosed = "ring-not-closed"
    /// A message of GEOS that is none of the above.
    case other = "invalid-geometry"

    /// From the words of GEOS (TopologyValidationError.cpp).
    init(reason: String) {
        self =
            switch reason {
            case "Self-intersection": .selfIntersection
            case "Ring Self-intersection": .ringSelfIntersection
            case "Hole lies outside shell": .holeOutsideShell
            case "Holes are nested", "Nested holes": .nestedHoles
            case "Nested shells": .nestedShells
            case "Interior is disconnected": .disconnectedInterior
            case "Duplicate Rings", "Duplicated rings": .duplicateRings
            case "Too few distinct points in geometry component", "Too few points in geometry component": .tooFewPoints
            case "Invalid Coordinate": .notFinite
            case "Ring is not closed": .ringNotClosed
            default: .other
            }
    }
}

/// A broken rule and a place where it can be seen.
public struct ValidityProblem: Sendable, Equatable, Codable {
    public var rule: ValidityRule
    public var near: Point?

    public init(rule: ValidityRule, near: Point?) {
        self.rule = rule
        self.near = near
    }
}

extension NativeGeometry {
    public func isValid() throws(GEOSError) -> Bool {
        try context.predicate("is valid", GEOSisValid_r(context.handle, pointer))
    }

    /// The first rule that is broken, nil when none is.
    public func validityProblem() throws(GEOSError) -> ValidityProblem? {
        var reason: UnsafeMutablePointer<CChar>?
        var place: OpaquePointer?
        let answer = GEOSisValidDetail_r(context.handle, pointer, 0, &reason, &place)
        defer {
            if let reason { GEOSFree_r(context.handle, reason) }
            if let place { GEOSGeom_destroy_r(context.handle, place) }
        }
        guard try !context.predicate("is valid", answer) else { return nil }
        var near: Point?
        if let place {
            var x = 0.0
            var y = 0.0
            if GEOSGeomGetX_r(context.handle, place, &x) == 1, GEOSGeomGetY_r(context.handle, place, &y) == 1, x.isFinite, y.isFinite {
                near = Point(x: x, y: y)
            }
        }
        return ValidityProblem(rule: ValidityRule(reason: reason.map { String(cString: $0) } ?? ""), near: near)
    }

    /// A valid geometry that covers what the rings of this one meant: rings are repaired, shells merged, holes taken out. What collapses to a
    /// line or point goes. Nothing is moved, only cut.
    public func repaired() throws(GEOSError) -> NativeGeometry {
        let parameters = try context.repairParameters()
        return try make("make valid") { GEOSMakeValidWithParams_r($0, $1, parameters) }
    }

    /// The area that the lines of this one close off by the even-odd rule: the other reading of the same rings.
    public func evenOddRepaired() throws(GEOSError) -> NativeGeometry {
        try make("make valid") { GEOSMakeValid_r($0, $1) }
    }
}

extension NativeGeometry {
    /// Valid, with every vertex on a grid of `size`, in units of the coordinates; lines are cut where they cross, and what is smaller than the grid goes.
    public func snapped(toGrid size: Double) throws(GEOSError) -> NativeGeometry {
        try make("set precision") { GEOSGeom_setPrecision_r($0, $1, size, 0) }
    }
}
