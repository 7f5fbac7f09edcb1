/// Why a question has no answer. Each case has its own code in the problem that the client gets.
public enum QueryError: Error, Sendable, Equatable {
    /// The layer has no attribute of that name that the viewer may see.
    case unknownProperty(String)
    /// The value cannot be compared with the attribute: a text for a number.
    case invalidValue(property: String, value: String)
    /// The time for the request ran out.
    case overdue
    /// The client went away.
    case cancelled
    /// A part of the layer file does not agree with its checksum. What it holds is unknown, not absent.
    case damaged(layer: String, detail: String)
}
