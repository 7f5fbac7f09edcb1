/// Who asks: the public, or the holder of a key.
///
/// A viewer is made here for the public, and by the catalogue from a key it has verified; nobody outside this package can make another.
public struct Viewer: Sendable, Equatable {
    /// The name of the key; nil for the public and the command line.
    public let name: String?
    /// The id of the key, for the audit log.
    public let keyID: String?
    /// The departments whose layers the viewer may see.
    public let departments: Set<String>
    /// Sees layers and attributes that are `internal`.
    public let mayReadInternal: Bool
    /// Sees the layers of every department.
    public let mayReadEverything: Bool

    /// Anybody: sees public attributes of public layers.
    public static let publicViewer = Viewer(name: nil, keyID: nil, departments: [], mayReadInternal: false, mayReadEverything: false)

    /// Whoever may run commands in the data directory can read its files anyhow.
    package static let commandLine = Viewer(name: nil, keyID: nil, departments: [], mayReadInternal: true, mayReadEverything: true)

    package init(name: String?, keyID: String?, departments: Set<String>, mayReadInternal: Bool, mayReadEverything: Bool) {
        self.name = name
        self.keyID = keyID
        self.departments = departments
        self.mayReadInternal = mayReadInternal
        self.mayReadEverything = mayReadEverything
    }

    /// Needs no key: answers to such viewers are everybody's.
    public var isPublic: Bool { self == .publicViewer }

    /// Belongs to one of these departments, or sees all.
    public func belongs(toOneOf departments: [String]) -> Bool {
        mayReadEverything || departments.contains { self.departments.contains($0) }
    }
}
