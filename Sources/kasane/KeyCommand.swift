import ArgumentParser
import Foundation

/// `kasane key`
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "鍵を作る、一覧する、無効にする / Make, list and revoke keys.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "鍵を作って標準出力に出す / Make a key and print it, alone, on standard output.",
            discussion: "鍵は二度と表示されません。 / It is not shown again.")

        @Option(help: "だれの鍵か（課の名前など） / Whose key it is, such as a department.")
        var name: String

        @Option(help: "見られる課を加える / A department whose layers the holder may see besides.")
        var department: [String] = []

        @OptionGroup var options: DataOptions

        func run() throws {
            let key = try options.withCatalogue { try $0.createKey(name: name, departments: Set(department), by: NSUserName()) }
            try Program.print(key + "\n")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "鍵の一覧 / List the keys, without their secrets.")

        @OptionGroup var options: DataOptions

        func run() throws {
            let keys = try options.withCatalogue(changes: false) { try $0.keys() }
            let rows = keys.map { key in
                [key.id, key.name, key.createdAt.ISO8601Format(), key.revokedAt.map { "revoked " + $0.ISO8601Format() } ?? "good"]
            }
            try Program.print(Table.text(["id", "name", "created", "state"], rows))
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "鍵を無効にする / Make a key worthless.")

        @Argument(help: "鍵のID（一覧にある） / The key's id, as listed.")
        var id: String

        @OptionGroup var options: DataOptions

        func run() throws {
            try options.withCatalogue { try $0.revokeKey(id: id, by: NSUserName()) }
        }
    }
}

/// Columns for people: widths as terminals draw them, where a Japanese character takes two places.
enum Table {
    static func text(_ head: [String], _ rows: [[String]]) -> String {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { width($0[column]) }.max() ?? 0 }
        return all.map { row in
            let cells = row.indices.map { column in
                row[column] + String(repeating: " ", count: column == row.count - 1 ? 0 : widths[column] - width(row[column]))
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }

    private static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { sum, scalar in
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
                0x20000...0x3FFFD:
                sum + 2
            default: sum + (scalar.properties.generalCategory == .nonspacingMark ? 0 : 1)
            }
        }
    }
}
