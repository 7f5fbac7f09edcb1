import Geo

/// Why the catalogue does not do what it is asked. `code` is stable.
public enum CatalogueError: Error, Sendable, Equatable {
    case noSuchLayer(String)
    case noSuchVersion(layer: String, version: String)
    /// The version is published already, or was retired.
    case notPublishable(layer: String, version: String, state: VersionState)
    /// The layer has no earlier version to go back to.
    case nothingBefore(layer: String)
    /// The layer file is not where it should be, or is not as long as it was.
    case fileMissing(layer: String, version: String)
    case noSuchKey(String)
    /// An empty name, or a layer id of other than letters, digits, `-` and `_`.
    case badName(String)
    /// The catalogue was made by a newer program.
    case newerFormat
    case readOnly
    /// Another process kept the catalogue locked for longer than the busy timeout.
    case busy
    /// What the catalogue holds there is not what it should be; the column's name.
    case damaged(String)
    /// The database or the disk under it failed; nothing of the change was kept.
    case storage(String)

    public var code: String {
        switch self {
        case .noSuchLayer: "no-such-layer"
        case .noSuchVersion: "no-such-version"
        case .notPublishable: "not-publishable"
        case .nothingBefore: "nothing-before"
        case .fileMissing: "file-missing"
        case .noSuchKey: "no-such-key"
        case .badName: "bad-name"
        case .newerFormat: "newer-format"
        case .readOnly: "read-only"
        case .busy: "busy"
        case .damaged: "damaged-catalogue"
        case .storage: "storage"
        }
    }

    public var message: LocalizedText {
        switch self {
        case .noSuchLayer(let id): LocalizedText(ja: "レイヤー「\(id)」はありません。", en: "There is no layer “\(id)”.")
        case .noSuchVersion(let layer, let version):
            LocalizedText(ja: "レイヤー「\(layer)」に版「\(version)」はありません。", en: "The layer “\(layer)” has no version “\(version)”.")
        case .notPublishable(let layer, let version, let state):
            LocalizedText(
                ja: "「\(layer)」の版「\(version)」は公開できません（状態: \(state.rawValue)）。",
                en: "The version “\(version)” of “\(layer)” cannot be published: it is \(state.rawValue).")
        case .nothingBefore(let layer):
            LocalizedText(ja: "「\(layer)」には戻せる前の版がありません。", en: "“\(layer)” has no earlier version to go back to.")
        case .fileMissing(let layer, let version):
            LocalizedText(
                ja: "「\(layer)」の版「\(version)」のファイルがないか、長さが違います。",
                en: "The file of version “\(version)” of “\(layer)” is missing or not as long as it was.")
        case .noSuchKey(let id): LocalizedText(ja: "鍵「\(id)」はありません。", en: "There is no key “\(id)”.")
        case .badName(let name): LocalizedText(ja: "名前「\(name)」は使えません。", en: "The name “\(name)” cannot be used.")
        case .newerFormat:
            LocalizedText(
                ja: "このカタログは新しい版のプログラムで作られています。", en: "The catalogue was made by a newer version of this program.")
        case .readOnly: LocalizedText(ja: "カタログは読み取り専用です。", en: "The catalogue is read-only.")
        case .busy:
            LocalizedText(ja: "ほかの処理がカタログを使っています。しばらくしてやり直してください。", en: "Another process is using the catalogue. Try again shortly.")
        case .damaged(let column):
            LocalizedText(
                ja: "カタログの内容が壊れています（\(column)）。バックアップから復元してください。",
                en: "What the catalogue holds is damaged (\(column)). Restore it from a backup.")
        case .storage(let detail): LocalizedText(ja: "カタログを読み書きできません: \(detail)", en: "The catalogue cannot be read or written: \(detail)")
        }
    }
}
