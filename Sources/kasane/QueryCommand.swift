import Access
import ArgumentParser
import Descriptions
import Foundation
import Geo
import HTTPAPI
import LayerAtlas
import LayerCatalog
import Query

/// `kasane query LAYER [--filter CQL2] [--explain] [--overlay LAYER …]`
struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "レイヤーに質問する / Ask a layer, or two layers together.",
        discussion: """
            条件に合う地物をGeoJSONで書き出します。--countは件数だけ、--explainは探し方だけを示します。
            --explain --format jsonは、条件そのものもCQL2の2つの形（textとjson）で示します。
            --overlayを付けると、もう一つのレイヤーと重ねて集計します（サーバーの /processes/overlay と同じ内容です）。
            Writes the features that hold as GeoJSON; --count only how many, --explain only how they would be found.
            With --explain --format json it shows the condition too, in both forms of CQL2 (text and json).
            With --overlay it is /processes/overlay of the server.

            kasane query buildings --overlay flood-l2 --group-by overlay.rank --aggregate count --aggregate sum:target.people
            """)

    @Argument(help: "レイヤーのID / The layer's id.")
    var layer: String

    @Option(help: ArgumentHelp("CQL2の条件（テキストかJSON） / A condition in CQL2, as text or JSON.", valueName: "cql2"))
    var filter: String?

    @Flag(help: "探し方を示す / Show how features would be found.")
    var explain = false

    @Flag(help: "件数だけ / Only how many.")
    var count = false

    @Option(help: ArgumentHelp("重ねるレイヤーのID / The layer to lay over it.", valueName: "id"))
    var overlay: String?

    @Option(help: ArgumentHelp("重ねる側の条件 / A condition on the overlay.", valueName: "cql2"))
    var overlayFilter: String?

    @Option(help: "intersects, within, contains, distance or nearest.")
    var predicate = "intersects"

    @Option(help: ArgumentHelp("メートル / Metres, for distance and nearest.", valueName: "m"))
    var distance: Double?

    @Option(help: ArgumentHelp("最も近い何件か / How many, for nearest.", valueName: "n"))
    var nearest: Int?

    @Option(help: ArgumentHelp("集計の単位（overlay.rankなど、複数可） / To group by; may be given several times.", valueName: "side.attribute"))
    var groupBy: [String] = []

    @Option(
        help: ArgumentHelp("count, area, length, sum:target.people など（複数可） / Figures; may be given several times.", valueName: "figure"))
    var aggregate: [String] = []

    @Option(help: "json, geojson か csv（重ね合わせの結果） / Of an overlay.")
    var format = "csv"

    @Flag(name: .customLong("public"), help: "だれでも見られるものだけ / Only what everybody may see.")
    var isPublic = false

    @OptionGroup var options: DataOptions

    func run() throws {
        do {
            let atlas = try LayerAtlas(
                dataDirectory: options.directory, catalogue: Catalogue(directory: options.directory, readOnly: true))
            let engine = QueryEngine(gridDirectories: [options.directory.appendingPathComponent("grids").path])
            if let overlay {
                try ask(across: overlay, atlas, engine)
            } else {
                try ask(try atlas.layer(layer, for: viewer), engine)
            }
        } catch let problem as Problem {
            throw Refusal(problem.detail)
        } catch let error as AtlasError {
            throw Refusal(Problem(any: error).detail)
        } catch let error as QueryError {
            throw Refusal(Problem(any: error).detail)
        } catch let error as CatalogueError {
            throw Refusal(error.message)
        }
    }

    private var viewer: Viewer { isPublic ? .publicViewer : .commandLine }

    private func ask(_ layer: VisibleLayer, _ engine: QueryEngine) throws {
        // No text of CQL2 begins with a brace.
        let language = filter?.drop(while: \.isWhitespace).first == "{" ? "cql2-json" : "cql2-text"
        let parameters = filter.map { [(name: "filter", value: $0), (name: "filter-lang", value: language)] } ?? []
        let request = try DownloadRequest(parameters, format: .geoJSON, layer: layer, engine: engine)
        if explain {
            try Program.print((format == "json" ? request.planJSON(layer, engine) : request.plan(layer, engine)) + "\n")
        } else if count {
            try Program.print("\(request.count(layer, engine))\n")
        } else {
            let stream = try request.stream(layer, engine)
            let deadline = Deadline(seconds: nil)
            while !stream.isDone {
                var piece = Data()
                _ = try stream.next(deadline) { piece = Data($0) }
                try Program.write(piece)
            }
        }
    }

    private func ask(across other: String, _ atlas: LayerAtlas, _ engine: QueryEngine) throws {
        let question = try OverlayQuestion(body(other).bytes)
        let (target, overlay) = (try atlas.layer(question.target, for: viewer), try atlas.layer(question.overlay, for: viewer))
        let answer = try question.answer(target: target, overlay: overlay, engine, format: format, deadline: Deadline(seconds: nil))
        try Program.write(Data(answer.bytes + (format == "csv" ? [] : Array("\n".utf8))))
        for note in answer.notes { Program.say(note.text) }
    }

    /// The body that the server would be sent.
    private func body(_ other: String) throws -> JSONTree {
        func side(_ collection: String, _ filter: String?) -> JSONTree {
            .object(["collection": .text(collection), "filter": filter.map { .text($0) }])
        }
        let figures = try aggregate.map { text -> JSONTree in
            let parts = text.split(separator: ":", maxSplits: 1)
            guard let function = parts.first else { throw wrong("aggregate", text) }
            guard parts.count == 2 else { return .object(["function": .text(String(function))]) }
            guard case .object(let members) = try property(String(parts[1]), "aggregate") else { throw wrong("aggregate", text) }
            return .object([.init("function", .text(String(function)))] + members)
        }
        return .object([
            "inputs": .object([
                "target": side(layer, filter), "overlay": side(other, overlayFilter), "predicate": .text(predicate),
                "distance": distance.map { .number($0) }, "nearest": nearest.map { .integer(Int64($0)) },
                "groupBy": .list(try groupBy.map { try property($0, "group-by") }), "aggregates": .list(figures),
            ])
        ])
    }

    /// `overlay.rank`
    private func property(_ text: String, _ option: String) throws -> JSONTree {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2 else { throw wrong(option, text) }
        return .object(["side": .text(String(parts[0])), "property": .text(String(parts[1]))])
    }

    private func wrong(_ option: String, _ text: String) -> Refusal {
        Refusal(
            ja: "--\(option) \(text) は読めません。target.属性 か overlay.属性 の形で書きます。",
            en: "--\(option) \(text) cannot be read: it is target.attribute or overlay.attribute.", status: 2)
    }
}
