/// Why a layer file cannot be used.
public enum LayerFileError: Error, Sendable, Equatable {
    /// The system refused: which call, and its reason.
    case system(call: String, path: String, code: Int32)
    /// Not a layer file, or of a version this program does not know.
    case notALayerFile(String)
    /// The file is shorter or longer than it says, or its directory does not fit.
    case malformed(String)
    /// A block does not agree with its checksum.
    case damaged(section: String, block: Int)
    /// Two features have the same identifier.
    case duplicateIdentifier(String, count: Int)
    /// A feature has no identifier.
    case missingIdentifier(count: Int)
    /// More than a layer file can hold.
    case tooLarge(String)
}
