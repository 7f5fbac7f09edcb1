import Foundation
import RecordStream

/// The records of one source, from the jail, until they end or the jail fails.
final class SourceStream {
    let header: RecordHeader
    private let child: ChildProcess
    private let reader: RecordReader
    private let cancellation: Cancellation

    /// Starts the importer and reads what the source is.
    init(_ request: ImportJail.Request, in jail: ImportJail, cancellation: Cancellation) throws(LoadError) {
        self.cancellation = cancellation
        child = try jail.start(request, cancellation: cancellation)
        reader = RecordReader(descriptor: child.output, patience: Int(jail.limits.silentSeconds * 1000))
        switch try Self.next(reader, child, cancellation) {
        case .header(let header): self.header = header
        case .failure(let failure):
            child.finish()
            throw Self.error(failure)
        default: throw Self.broken("no header", child)
        }
    }

    /// The next batch or problem; nil when all has come.
    func next() throws(LoadError) -> RecordEvent? {
        try cancellation.check()
        guard let event = try Self.next(reader, child, cancellation) else { return nil }
        switch event {
        case .failure(let failure):
            child.finish()
            throw Self.error(failure)
        case .end:
            let ending = child.finish()
            guard ending == .exited(0) else { throw Self.broken("\(ending)", child) }
            return event
        default: return event
        }
    }

    private static func next(_ reader: RecordReader, _ child: ChildProcess, _ cancellation: Cancellation) throws(LoadError) -> RecordEvent?
    {
        do throws(RecordStreamError) {
            return try reader.next()
        } catch {
            child.terminate()
            let ending = child.finish()
            try cancellation.check()
            if child.wasOverdue { throw overdue }
            if case .silent = error { throw overdue }
            // SIGXCPU, or SIGKILL two seconds later.
            if ending == .signalled(SIGXCPU) { throw overdue }
            throw broken("\(error), \(ending)", child)
        }
    }

    private static let overdue = LoadError(
        "too-slow", ja: "読み込みが制限時間を超えたため打ち切りました。", en: "Reading took longer than allowed and was ended.")

    /// The importer died or said nonsense. Its words go to the report's reader, but not the data.
    private static func broken(_ what: String, _ child: ChildProcess) -> LoadError {
        child.terminate()
        child.finish()
        let words = child.diagnostics.split(whereSeparator: \.isNewline).last.map { ": \($0.prefix(300))" } ?? ""
        return LoadError(
            "import-broken", ja: "読み込みプログラムが途中で止まりました（\(what)\(words)）。", en: "The importer stopped before the end (\(what)\(words)).")
    }

    /// What the importer refuses, in both languages.
    private static func error(_ failure: RecordFailure) -> LoadError {
        let names = failure.names ?? []
        let list = names.joined(separator: ", ")
        switch failure.code {
        case "several-layers":
            return LoadError(
                failure.code, ja: "元データに複数のレイヤーがあります。--source-layer で選んでください: \(list)",
                en: "The source has several layers. Choose one with --source-layer: \(list)", isUsage: true)
        case "no-such-layer":
            return LoadError(
                failure.code, ja: "その名前のレイヤーはありません。ある名前: \(list)", en: "There is no layer of that name. There are: \(list)", isUsage: true)
        case "unknown-encoding":
            return LoadError(
                failure.code, ja: "文字コードが分かりません。--encoding CP932 または --encoding UTF-8 を指定してください。",
                en: "The encoding is not known (\(failure.message)). Use --encoding CP932 or --encoding UTF-8.")
        default: break
        }
        let ja =
            switch failure.code {
            case "bad-archive": "圧縮ファイルを受け付けられません"
            case "damaged": "ファイルが壊れています"
            case "changed": "読み込み中にファイルが変わりました"
            case "empty-file": "ファイルが空です"
            case "file-too-large", "record-too-large", "too-many-columns", "too-many-files": "大きすぎます"
            case "format-mismatch": "拡張子と中身が違います"
            case "no-confinement": "隔離できないため読みませんでした"
            case "no-layers": "地物のあるレイヤーがありません"
            case "no-room": "作業領域に書けません"
            case "unclosed-quote": "引用符が閉じていません"
            case "undecodable-text": "文字コードが違います"
            case "unknown-crs": "座標参照系が分かりません"
            case "unsupported-format", "unsupported-encoding": "対応していない形式です"
            case "unreadable": "読めません"
            case "xml-doctype": "文書型宣言のある XML は受け付けません"
            default: "読み込めません"
            }
        return LoadError(failure.code, ja: "\(ja)（\(failure.message)）。", en: "\(failure.message).")
    }
}
