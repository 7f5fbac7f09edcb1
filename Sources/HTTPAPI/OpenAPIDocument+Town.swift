import Descriptions
import Query
import Tiles

/// The paths that belong to no single layer: styles, the legend and the tiles of several layers, pages, and what those ask who run the server.
extension OpenAPIDocument {
    var townPaths: [(name: String, value: JSONTree)] {
        let layers: JSONTree = .reference("collections")
        let named: JSONTree = .reference("collectionsNeeded")
        let json: JSONTree = .reference("fJSON")
        let tile: [JSONTree] = ["z", "row", "col"].map { .reference($0) }
        return [
            ("/functions", operation("getFunctions", "Data", ja: "フィルターの関数", parameters: [json], answers: .document)),
            ("/styles", operation("getStyles", "Tiles", ja: "スタイルの一覧", parameters: [json], answers: .document)),
            ("/styles/town", operation("getTownStyle", "Tiles", ja: "全レイヤーの地図の表現", parameters: [json], answers: .document)),
            (
                "/styles/town/legend",
                operation("getTownLegend", "Tiles", ja: "全レイヤーの凡例", parameters: [layers] + legendParameters, answers: .legend)
            ),
            ("/tiles", operation("getTileSetsOf", "Tiles", ja: "複数レイヤーのタイルの一覧", parameters: [named, json], answers: .document)),
        ]
            + TileMatrixSet.allCases.flatMap { set in
                [
                    (
                        "/tiles/\(set.rawValue)",
                        operation(
                            "getTileSet\(set.rawValue)Of", "Tiles", ja: "複数レイヤーのタイルの説明", parameters: [named, .reference("fTiles")],
                            answers: .document)
                    ),
                    (
                        "/tiles/\(set.rawValue)/{z}/{row}/{col}",
                        operation(
                            "getTile\(set.rawValue)Of", "Tiles", ja: "複数レイヤーのタイル", parameters: tile + [named, .reference("fTile")],
                            answers: .tile)
                    ),
                ]
            }
    }

    var legendParameters: [JSONTree] { ["lang", "scale", "fLegend"].map { .reference($0) } }

    /// Pages and operations: for people and for programs that watch; they take no part in the OGC’s standards.
    var serverPaths: [(name: String, value: JSONTree)] {
        func answers(_ id: String, _ tag: String, ja: String, type: String, statuses: [String] = ["200"], parameters: [JSONTree] = [])
            -> JSONTree
        {
            let responses = statuses.map { status in
                JSONTree.Member(status, ["description": .text(ja), "content": .object([.init(type, ["schema": ["type": "string"]])])])
            }
            return [
                "get": [
                    "operationId": .text(id), "tags": [.text(tag)], "summary": .text(ja), "parameters": .list(parameters),
                    "responses": .object(responses),
                ]
            ]
        }
        let language: JSONTree = [
            "name": "lang", "in": "query", "required": false, "style": "form", "explode": false,
            "schema": ["type": "string", "enum": ["ja", "en"], "default": "ja"], "description": "言語。 / The language.",
        ]
        func part(_ name: String, _ description: String) -> JSONTree {
            [
                "name": .text(name), "in": "path", "required": true, "style": "simple", "schema": ["type": "string"],
                "description": .text(description),
            ]
        }
        return [
            ("/map", answers("getMap", "Pages", ja: "地図のページ", type: "text/html", parameters: [language])),
            (
                "/map/assets/{assetsVersion}/{file}",
                answers(
                    "getAsset", "Pages", ja: "地図のページの部品", type: "application/octet-stream", statuses: ["200", "404"],
                    parameters: [
                        part("assetsVersion", "部品の版。 / Their version."), part("file", "/を含む名前。 / A name, which may have slashes."),
                    ])
            ),
            ("/healthz", answers("getHealth", "Operations", ja: "動いているか", type: "application/json")),
            ("/readyz", answers("getReadiness", "Operations", ja: "要求に答えられるか", type: "application/json", statuses: ["200", "503"])),
            ("/metrics", answers("getMetrics", "Operations", ja: "動作の記録（Prometheus）", type: "text/plain")),
        ]
    }
}
