import ArgumentParser
import Descriptions
import Foundation
import Geo
import LayerAtlas
import LayerCatalog

/// `kasane layers`
struct LayersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layers", abstract: "レイヤーと版を管理する / Look after layers and their versions.",
        subcommands: [List.self, Show.self, Publish.self, Rollback.self, Retire.self, Access.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "レイヤーの一覧 / List the layers.")

        @Flag(help: "JSON で出す / Print JSON.")
        var json = false

        @OptionGroup var options: DataOptions

        func run() throws {
            // The others are listed all the same.
            func title(_ version: VersionRecord?) throws(CatalogueError) -> String {
                do {
                    return try version?.description.title.text("ja") ?? "-"
                } catch {
                    if case .damaged = error { return "（\(error.code)）" }
                    throw error
                }
            }
            let rows = try options.withCatalogue(changes: false) { catalogue in
                try catalogue.layers().map { layer in
                    let version = try layer.current.map { try catalogue.version($0, of: layer.id) }
                    return [
                        layer.id, try title(version), "\(layer.access.word)", layer.current ?? "-",
                        version.map { String($0.featureCount) } ?? "-", version?.publishedAt?.ISO8601Format() ?? "-",
                    ]
                }
            }
            let head = ["id", "title", "access", "version", "features", "published"]
            try Program.print(json ? JSONRows.text(head, rows) : Table.text(head, rows))
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "レイヤーの版 / Show the versions of a layer.")

        @Argument(help: "レイヤーのID / The layer's id.")
        var layer: String

        @Flag(help: "JSON で出す / Print JSON.")
        var json = false

        @OptionGroup var options: DataOptions

        func run() throws {
            let versions = try options.withCatalogue(changes: false) { try $0.versions(of: layer) }
            let rows = versions.map { version in
                [
                    version.name, version.state.rawValue, String(version.featureCount), String(version.byteCount),
                    version.loadedAt.ISO8601Format(),
                    version.publishedAt?.ISO8601Format() ?? "-",
                ]
            }
            let head = ["version", "state", "features", "bytes", "loaded", "published"]
            try Program.print(json ? JSONRows.text(head, rows) : Table.text(head, rows))
        }
    }

    struct Publish: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "版を公開する / Publish a version.", discussion: "版を省くと最も新しい下書き / Without a version: the newest draft.")

        @Argument(help: "レイヤーのID / The layer's id.")
        var layer: String

        @Argument(help: "版（v12、12でもよい） / The version; v12 or 12 will do.")
        var version: String?

        @OptionGroup var options: DataOptions

        func run() throws {
            let (name, change) = try options.withCatalogue { catalogue in
                let before = try catalogue.layer(layer)?.access
                let draft = try version ?? catalogue.versions(of: layer).first { $0.state == .draft }?.name
                guard let draft else {
                    throw Refusal(ja: "「\(layer)」には下書きがありません。", en: "“\(layer)” has no draft.")
                }
                try Self.check(catalogue.version(draft, of: layer), catalogue)
                try catalogue.publish(layer, version: draft, by: NSUserName())
                let after = try catalogue.layer(layer)?.access
                let change = before == after ? "" : " \(before?.word ?? "-") → \(after?.word ?? "-")"
                return (try catalogue.version(draft, of: layer).name, change)
            }
            // That more people, or fewer, see the layer now is never silent.
            try Program.print("\(layer) \(name)\(change)\n")
        }

        /// A version that could not be read would answer nothing but errors.
        static func check(_ version: VersionRecord, _ catalogue: Catalogue) throws {
            do throws(AtlasError) {
                try VersionCheck.verify(version, in: catalogue)
            } catch {
                let name = "\(version.layer) \(version.name)"
                switch error {
                case .unreadable(_, let detail):
                    throw Refusal(
                        ja: "\(name) のファイルが壊れているか、ありません（\(detail)）。何も変えていません。ほかの版は kasane layers publish \(version.layer) 版 で公開できます。",
                        en:
                            "The file of \(name) is damaged or missing (\(detail)). Nothing was changed. Another version can be published: kasane layers publish \(version.layer) VERSION."
                    )
                case .catalogue(let error): throw error
                case .noSuchLayer, .noSuchVersion: throw CatalogueError.noSuchVersion(layer: version.layer, version: version.name)
                }
            }
        }
    }

    struct Rollback: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "前の版に戻す / Go back to the version before.",
            discussion: "今の版は、開いているページからもすぐに見えなくなります / The present one is gone at once, for open pages too.")

        @Argument(help: "レイヤーのID / The layer's id.")
        var layer: String

        @OptionGroup var options: DataOptions

        func run() throws {
            let name = try options.withCatalogue { catalogue in
                let target = try catalogue.versionBefore(layer)
                try Publish.check(target, catalogue)
                return try catalogue.rollback(layer, to: target.name, by: NSUserName())
            }
            try Program.print("\(layer) \(name)\n")
        }
    }

    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "公開をやめる / Withdraw a layer, or one version of it.")

        @Argument(help: "レイヤーのID / The layer's id.")
        var layer: String

        @Argument(help: "版 / The version; without it the whole layer.")
        var version: String?

        @OptionGroup var options: DataOptions

        func run() throws {
            try options.withCatalogue { catalogue in
                let wasPublic = try catalogue.layer(layer)?.access == .public
                try catalogue.retire(layer, version: version, by: NSUserName())
                if wasPublic { LayersCommand.tellOfCaches(layer) }
            }
        }
    }

    struct Access: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "だれが見られるかを変える / Change who may see a layer.",
            discussion: "すぐに効きます。以前の版にも効きます / At once, and for its earlier versions too.")

        @Argument(help: "レイヤーのID / The layer's id.")
        var layer: String

        @Argument(help: "public、internal、または課の名前（コンマ区切り） / public, internal, or names of departments with commas between.")
        var access: String

        @OptionGroup var options: DataOptions

        func run() throws {
            let names = access.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            guard !names.isEmpty else { throw Refusal(ja: "だれが見られるかを指定してください。", en: "Say who may see it.") }
            let value: LayerAccess = names == ["public"] ? .public : names == ["internal"] ? .internal : .departments(names)
            if case .departments = value, names.contains(where: { ["public", "internal"].contains($0) }) {
                throw Refusal(
                    ja: "publicとinternalは、ほかと一緒には指定できません。", en: "public and internal stand alone.")
            }
            try options.withCatalogue { catalogue in
                let wasPublic = try catalogue.layer(layer)?.access == .public
                try catalogue.setAccess(value, of: layer, by: NSUserName())
                if wasPublic && value != .public { LayersCommand.tellOfCaches(layer) }
            }
            try Program.print("\(layer) \(value.word)\n")
        }
    }

    /// What was sent to everybody cannot be called back from where others keep it; tiles of a version may be kept for a year.
    private static func tellOfCaches(_ layer: String) {
        Program.say(
            LocalizedText(
                ja: "公開していた間に配ったタイルは、CDNなどの共有キャッシュに最長1年残ることがあります。使っている場合は、そちらで /collections/\(layer)/ 以下を消してください。",
                en:
                    "Tiles sent while it was public may stay in shared caches, such as a CDN, for up to a year. If there are any, purge what is below /collections/\(layer)/ there."
            ))
    }
}

extension LayerAccess {
    /// As in a layer.yaml.
    fileprivate var word: String {
        switch self {
        case .public: "public"
        case .internal: "internal"
        case .departments(let names): names.joined(separator: ", ")
        }
    }
}

/// Rows as a JSON array of objects.
enum JSONRows {
    static func text(_ head: [String], _ rows: [[String]]) -> String {
        let objects = rows.map { row in JSONTree.object(zip(head, row).map { JSONTree.Member($0, value($1)) }) }
        return JSONTree.list(objects).string + "\n"
    }

    /// Numbers as numbers, `-` as null.
    private static func value(_ text: String) -> JSONTree {
        text == "-" ? .null : Int64(text).map { .integer($0) } ?? .text(text)
    }
}
