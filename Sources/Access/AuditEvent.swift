import Foundation

/// Something that was done and has to be answered for.
public struct AuditEvent: Sendable, Equatable, Codable {
    public enum Action: String, Sendable, Codable, CaseIterable {
        case load
        case publish
        case rollback
        case retire
        case changeAccess = "change-access"
        case createKey = "create-key"
        case revokeKey = "revoke-key"
        /// A layer that is not public was read.
        case read
        case export
    }

    public var at: Date
    public var action: Action
    /// The name of the key, `public`, or `command line`.
    public var actor: String
    public var layer: String?
    public var version: String?
    /// A short remark; never rows, never secrets.
    public var detail: String?

    public init(at: Date, action: Action, actor: String, layer: String? = nil, version: String? = nil, detail: String? = nil) {
        self.at = at
        self.action = action
        self.actor = actor
        self.layer = layer
        self.version = version
        self.detail = detail
    }
}
