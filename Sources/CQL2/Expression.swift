public import Geo

/// A CQL2 expression (OGC 21-065r2), as both its text and its JSON form say it: what a filter asks of a feature.
///
/// One type for all levels of the grammar: which operand fits where is checked when a filter is bound to a layer's schema. A tree that
/// came through a parser is at most `Limits.depth` levels deep, so that whoever walks it may do so by recursion, freeing included.
public indirect enum Expression: Sendable, Equatable {
    // Truth values of features (clause 6, basic CQL2)
    case and([Expression])
    case or([Expression])
    case not(Expression)
    case comparison(Comparison, Expression, Expression)
    case isNull(Expression)
    // Advanced comparison operators (clause 7.1)
    /// `%` stands for any run of characters, `_` for one, `\` takes the next as it is. The pattern may stand in `casei` or `accenti`.
    case like(Expression, pattern: Expression)
    case between(Expression, lower: Expression, upper: Expression)
    case isIn(Expression, [Expression])
    // Relations of places, times and lists (clauses 7.4 to 7.8)
    case spatial(SpatialRelation, Expression, Expression)
    case temporal(TemporalRelation, Expression, Expression)
    case array(ArrayRelation, Expression, Expression)
    // Values
    case property(String)
    case text(String)
    case integer(Int64)
    case real(Double)
    case boolean(Bool)
    case date(Day)
    case timestamp(Instant)
    /// Its ends are dates, timestamps, properties or functions; nil is open (`'..'`).
    case interval(start: Expression?, end: Expression?)
    /// In the coordinates of the filter's reference system, x first as that system's `filter-crs` has it.
    case geometry(Geometry)
    /// west, south, east, north; west > east crosses the antimeridian. Heights of a six-number box are not kept.
    case bbox(west: Double, south: Double, east: Double, north: Double)
    case list([Expression])
    case arithmetic(Arithmetic, Expression, Expression)
    /// The text without difference of case (Unicode full case folding).
    case casei(Expression)
    /// The text without accents.
    case accenti(Expression)
    case function(String, [Expression])
}

public enum Comparison: String, Sendable, CaseIterable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case greater = ">"
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
}

/// Raw values are the operators of the JSON form; the text form has them in capitals.
public enum SpatialRelation: String, Sendable, CaseIterable {
    case intersects = "s_intersects"
    case equals = "s_equals"
    case disjoint = "s_disjoint"
    case touches = "s_touches"
    case within = "s_within"
    case overlaps = "s_overlaps"
    case crosses = "s_crosses"
    case contains = "s_contains"
}

public enum TemporalRelation: String, Sendable, CaseIterable {
    case after = "t_after"
    case before = "t_before"
    case contains = "t_contains"
    case disjoint = "t_disjoint"
    case during = "t_during"
    case equals = "t_equals"
    case finishedBy = "t_finishedBy"
    case finishes = "t_finishes"
    case intersects = "t_intersects"
    case meets = "t_meets"
    case metBy = "t_metBy"
    case overlappedBy = "t_overlappedBy"
    case overlaps = "t_overlaps"
    case startedBy = "t_startedBy"
    case starts = "t_starts"
}

public enum ArrayRelation: String, Sendable, CaseIterable {
    case equals = "a_equals"
    case contains = "a_contains"
    case containedBy = "a_containedBy"
    case overlaps = "a_overlaps"
}

public enum Arithmetic: String, Sendable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"
    case power = "^"
    case integerDivide = "div"
}
