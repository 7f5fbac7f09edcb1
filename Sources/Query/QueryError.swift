public import Geo

/// Why a question has no answer. Each case has its own code in the problem that the client gets.
public enum QueryError: Error, Sendable, Equatable {
    /// The layer has no attribute of that name that the viewer may see.
    case unknownProperty(String)
    /// The value cannot be compared with the attribute: a text for a number.
    case invalidValue(property: String, value: String)
    /// The attribute has no order: a list or an object.
    case notSortable(String)
    /// PROJ knows no way to the system.
    case noTransform(String)
    /// Something that was asked for, or is to be answered, lies where the system has no places.
    case noPlace(String)
    /// The system's library does not know CP932.
    case noEncoding
    /// The filter cannot be asked of this layer: operands that do not fit together, a polygon that crosses itself. The message says which.
    case invalidFilter(LocalizedText)
    /// More than one question may take; what was too much, in words.
    case limitExceeded(ja: String, en: String)
    /// The time for the request ran out.
    case overdue
    /// The client went away.
    case cancelled
    /// A part of the layer file does not agree with its checksum. What it holds is unknown, not absent.
    case damaged(layer: String, detail: String)
}
