import ArgumentParser
import Foundation
import Geo

/// `kasane`
struct Kasane: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kasane", abstract: "統合型GISのレイヤーサーバー / A GIS layer server for city halls.",
        subcommands: [
            ServeCommand.self, LoadCommand.self, CheckCommand.self, LayersCommand.self, ExportCommand.self, WarmCommand.self,
            QueryCommand.self,
            KeyCommand.self,
        ])
}

/// Runs a command and ends with 0 when all went well, 1 for findings or a refusal, 2 for wrong use.
@main
enum Program {
    static func main() async {
        // Writing to a pipe that nobody reads any more is an error to report and not an end by a signal.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try Kasane.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            exit(end(error))
        }
    }

    private static func end(_ error: any Error) -> Int32 {
        switch error {
        case let refusal as Refusal:
            Program.say(refusal.message)
            return refusal.status
        case let code as ExitCode:
            return code.rawValue
        default:
            // Help and version are asked for this way too.
            let code = Kasane.exitCode(for: error)
            let text = Kasane.fullMessage(for: error) + "\n"
            let handle = code == .success ? FileHandle.standardOutput : FileHandle.standardError
            try? handle.write(contentsOf: Data(text.utf8))
            if code == .success { return 0 }
            return code == .validationFailure ? 2 : 1
        }
    }

    /// To standard error, in Japanese and English.
    static func say(_ message: LocalizedText) {
        let lines = [message.text("ja"), message.texts["en"]].compactMap(\.self).joined(separator: "\n") + "\n"
        try? FileHandle.standardError.write(contentsOf: Data(lines.utf8))
    }

    /// To standard output.
    static func print(_ text: String) throws { try write(Data(text.utf8)) }

    /// To standard output; somebody may have closed it, as `head` does.
    static func write(_ bytes: Data) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: bytes)
        } catch {
            throw Refusal(ja: "標準出力に書けません。", en: "Standard output cannot be written.")
        }
    }
}

/// Why a command did not do what it was told.
struct Refusal: Error {
    var message: LocalizedText
    /// 1 for a refusal, 2 for wrong use.
    var status: Int32 = 1

    init(_ message: LocalizedText, status: Int32 = 1) {
        self.message = message
        self.status = status
    }

    init(ja: String, en: String, status: Int32 = 1) {
        self.init(LocalizedText(ja: ja, en: en), status: status)
    }
}
