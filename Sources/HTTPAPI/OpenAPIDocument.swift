import Descriptions
import Geo
import Query
import Tiles

/// `/api`: the routes in OpenAPI 3.0, for the layers that the viewer sees and no others.
///
/// Every layer has its own paths as long as there are not too many, because only then can its attributes be declared as parameters and an unknown one be
/// told from them. The conformance suite reads `bbox`, `limit` and the paths from here (see http-conformance: traps).
struct OpenAPIDocument {
    var addresses: Addresses
    var town: LocalizedText?
    /// Id, title and visible attributes of each layer.
    var layers: [(id: String, title: LocalizedText, attributes: [Attribute])]

    /// With more layers than this, one path with a parameter stands for all of them.
    private static let layersWithOwnPaths = 300

    func json() -> JSONTree {
        var paths: [(name: String, value: JSONTree)] = [
            ("/", operation("getLandingPage", "Server", ja: "トップページ", parameters: [.reference("f")], answers: .json)),
            ("/conformance", operation("getConformance", "Server", ja: "適合する規格", parameters: [.reference("f")], answers: .json)),
            ("/api", operation("getAPI", "Server", ja: "この定義", parameters: [.reference("f")], answers: .openAPI)),
            ("/collections", operation("getCollections", "Data", ja: "レイヤーの一覧", parameters: [.reference("f")], answers: .json)),
        ]
        if layers.count <= OpenAPIDocument.layersWithOwnPaths {
            for (number, layer) in layers.enumerated() {
                let path = "/collections/" + PercentCoding.encode(layer.id)
                paths += layerPaths(path, name: String(number + 1), title: layer.title.text("ja"), own: [], attributes: layer.attributes)
            }
        } else {
            paths += layerPaths("/collections/{collectionId}", name: "", title: "レイヤー", own: [.reference("collectionId")], attributes: [])
        }
        paths.append(
            (
                "/at",
                operation(
                    "getHazards", "Hazard", ja: "ある地点の災害リスク", parameters: [.reference("point"), .reference("fJSON")], answers: .document)
            ))
        paths += townPaths + processPaths + serverPaths
        return [
            "openapi": "3.0.3",
            "info": .object([
                "title": .text((town?.text("ja") ?? "Kasane") + " 統合型GIS API"), "version": "1.0.0",
                "description": "OGC API – Features 1.0 (1, 2, 3, 5), CQL2 1.0, OGC API – Tiles 1.0, OGC API – Processes 1.0",
            ]),
            "servers": [["url": .text(addresses.base)]],
            "tags": [
                ["name": "Server"], ["name": "Data"], ["name": "Tiles"], ["name": "Hazard"], ["name": "Processes"], ["name": "Pages"],
                ["name": "Operations"],
            ],
            "paths": .object(paths.map { .init($0.name, $0.value) }),
            "components": ["parameters": parameters, "responses": problems, "schemas": schemas],
        ]
    }

    private func layerPaths(
        _ path: String, name: String, title: String, own: [JSONTree], attributes: [Attribute]
    ) -> [(name: String, value: JSONTree)] {
        let filters = attributes.filter { !ItemsParameters.names.contains($0.name) }.map { attribute -> JSONTree in
            [
                "name": .text(attribute.name), "in": "query", "required": false, "style": "form", "explode": true,
                "schema": ["type": .text(OpenAPIDocument.type(of: attribute.type))],
                "description": "値が等しい地物だけ / only features with this value",
            ]
        }
        let selection = ItemsParameters.selectionNames.map { JSONTree.reference($0) }
        let form = ["crs", "properties", "skipGeometry", "encoding"].map { JSONTree.reference($0) }
        let paging = ItemsParameters.pageNames.map { JSONTree.reference($0) }
        let tile: [JSONTree] = ["z", "row", "col", "v", "fTile"].map { .reference($0) }
        return [
            (path, operation("getCollection" + name, "Data", ja: title, parameters: own + [.reference("f")], answers: .json)),
            (
                path + "/items",
                operation(
                    "getItems" + name, "Data", ja: title + "の地物",
                    parameters: own + selection + form + paging + [.reference("fItems")] + filters,
                    answers: .features)
            ),
            (path + "/search", search(name, title: title, own: own)),
            (
                path + "/download",
                operation(
                    "download" + name, "Data", ja: title + "の全件", parameters: own + selection + form + [.reference("fFile")] + filters,
                    answers: .features)
            ),
            (
                path + "/schema",
                operation(
                    "getSchema" + name, "Data", ja: title + "の属性の定義", parameters: own + ["langTitles", "fJSON"].map { .reference($0) },
                    answers: .schema)
            ),
            (
                path + "/queryables",
                operation(
                    "getQueryables" + name, "Data", ja: title + "の検索に使える属性",
                    parameters: own + ["langTitles", "fJSON"].map { .reference($0) }, answers: .schema)
            ),
            (
                path + "/sortables",
                operation(
                    "getSortables" + name, "Data", ja: title + "の並べ替えに使える属性",
                    parameters: own + ["langTitles", "fJSON"].map { .reference($0) }, answers: .schema)
            ),
            (
                path + "/items/{featureId}",
                operation(
                    "getItem" + name, "Data", ja: title + "の地物ひとつ",
                    parameters: own + ["featureId", "crs", "properties", "skipGeometry", "f"].map { .reference($0) },
                    answers: .geoJSON)
            ),
            (
                path + "/style",
                operation("getStyle" + name, "Tiles", ja: title + "の地図の表現", parameters: own + [.reference("fJSON")], answers: .document)
            ),
            (
                path + "/legend",
                operation("getLegend" + name, "Tiles", ja: title + "の凡例", parameters: own + legendParameters, answers: .legend)
            ),
            (
                path + "/tiles",
                operation("getTileSets" + name, "Tiles", ja: title + "のタイルの一覧", parameters: own + [.reference("fJSON")], answers: .document)
            ),
        ]
            + TileMatrixSet.allCases.flatMap { set in
                let suffix = set == .webMercatorQuad ? name : set.rawValue + name
                return [
                    (
                        path + "/tiles/\(set.rawValue)",
                        operation(
                            "getTileSet" + suffix, "Tiles", ja: title + "のタイルの説明", parameters: own + [.reference("fTiles")],
                            answers: .document)
                    ),
                    (
                        path + "/tiles/\(set.rawValue)/{z}/{row}/{col}",
                        operation("getTile" + suffix, "Tiles", ja: title + "のタイル", parameters: own + tile, answers: .tile)
                    ),
                ]
            }
    }

    private static func type(of type: AttributeType) -> String {
        switch type {
        case .integer: "integer"
        case .real: "number"
        case .boolean: "boolean"
        case .date, .time, .text, .json: "string"
        }
    }

    enum Answers {
        /// JSON, and a page.
        case json
        /// JSON alone.
        case document
        case geoJSON, features, schema, openAPI, tile, legend
    }

    func operation(_ id: String, _ tag: String, ja: String, parameters: [JSONTree], answers: Answers) -> JSONTree {
        let html: JSONTree = ["schema": ["type": "string"]]
        let content: JSONTree =
            switch answers {
            case .json: ["application/json": ["schema": .schema("document")], "text/html": html]
            case .document: ["application/json": ["schema": .schema("document")]]
            case .geoJSON: ["application/geo+json": ["schema": .schema("geoJSON")], "text/html": html]
            case .features: features
            case .schema: ["application/schema+json": ["schema": .schema("document")]]
            case .openAPI: [Representation.openAPI.mediaType: ["schema": .schema("document")], "text/html": html]
            case .tile: ["application/vnd.mapbox-vector-tile": ["schema": ["type": "string", "format": "binary"]]]
            case .legend:
                [
                    "application/json": ["schema": .schema("document")], "image/svg+xml": ["schema": ["type": "string"]],
                    "image/png": ["schema": ["type": "string", "format": "binary"]],
                ]
            }
        var responses: [(name: String, value: JSONTree)] = [("200", ["description": .text(ja), "content": content])]
        if answers == .tile { responses.append(("204", ["description": "何もないタイル / a tile with nothing in it"])) }
        if answers == .legend { responses.append(("501", ["$ref": "#/components/responses/501"])) }
        for status in ["400", "404", "503"] { responses.append((status, ["$ref": .text("#/components/responses/\(status)")])) }
        return [
            "get": [
                "operationId": .text(id), "tags": [.text(tag)], "summary": .text(ja), "parameters": .list(parameters),
                "responses": .object(responses.map { .init($0.name, $0.value) }),
            ]
        ]
    }

    /// OGC 18-062r2.
    private var processPaths: [(name: String, value: JSONTree)] {
        let form: JSONTree = [
            "name": "f", "in": "query", "required": false, "style": "form", "explode": false,
            "schema": ["type": "string", "enum": .list(OverlayDocument.forms.map { .text($0.name) })], "description": "形式。 / The format.",
        ]
        let job: JSONTree = ["name": "jobId", "in": "path", "required": true, "style": "simple", "schema": ["type": "string"]]
        let table: JSONTree = [
            "application/json": ["schema": .schema("document")], "application/geo+json": ["schema": .schema("geoJSON")],
            "text/csv": ["schema": ["type": "string"]],
        ]
        func responses(_ status: String, _ content: JSONTree) -> JSONTree {
            var all: [(name: String, value: JSONTree)] = [(status, ["description": "結果 / the result", "content": content])]
            if status == "200" {
                all.append(("201", ["description": "ジョブ / a job", "content": ["application/json": ["schema": .schema("document")]]]))
            }
            for problem in ["400", "404", "503"] { all.append((problem, ["$ref": .text("#/components/responses/\(problem)")])) }
            return .object(all.map { .init($0.name, $0.value) })
        }
        let results = operation("getResults", "Processes", ja: "ジョブの結果", parameters: [job, form], answers: .json)
        var status = [
            JSONTree.Member("get", operation("getStatus", "Processes", ja: "ジョブの状態", parameters: [job], answers: .document)["get"] ?? .null)
        ]
        status.append(
            .init(
                "delete",
                [
                    "operationId": "dismiss", "tags": ["Processes"], "summary": "ジョブの取り消し", "parameters": .list([job]),
                    "responses": [
                        "200": ["description": "取り消した / dismissed", "content": ["application/json": ["schema": .schema("document")]]],
                        "404": ["$ref": "#/components/responses/404"],
                    ],
                ]))
        return [
            ("/processes", operation("getProcesses", "Processes", ja: "処理の一覧", parameters: [.reference("fJSON")], answers: .document)),
            (
                "/processes/\(ProcessDocument.id)",
                operation("getProcess", "Processes", ja: "重ね合わせ集計の説明", parameters: [.reference("fJSON")], answers: .document)
            ),
            (
                "/processes/\(ProcessDocument.id)/execution",
                [
                    "post": [
                        "operationId": "execute", "tags": ["Processes"], "summary": "重ね合わせ集計の実行",
                        "description": "Prefer: respond-async でジョブになります。 / With Prefer: respond-async it becomes a job.",
                        "parameters": .list([form]),
                        "requestBody": ["required": true, "content": ["application/json": ["schema": .schema("document")]]],
                        "responses": responses("200", table),
                    ]
                ]
            ),
            ("/jobs", operation("getJobs", "Processes", ja: "ジョブの一覧", parameters: [.reference("fJSON")], answers: .document)),
            ("/jobs/{jobId}", .object(status)),
            ("/jobs/{jobId}/results", results),
        ]
    }

    private var features: JSONTree {
        let bytes: JSONTree = ["schema": ["type": "string", "format": "binary"]]
        let text: JSONTree = ["schema": ["type": "string"]]
        return [
            "application/geo+json": ["schema": .schema("geoJSON")], "text/html": text, "application/geo+json-seq": text, "text/csv": text,
            "application/flatgeobuf": bytes, "application/geopackage+sqlite3": bytes, "application/zip": bytes,
        ]
    }

    private func search(_ name: String, title: String, own: [JSONTree]) -> JSONTree {
        var responses: [(name: String, value: JSONTree)] = [("200", ["description": .text(title), "content": features])]
        for status in ["400", "404", "503"] { responses.append((status, ["$ref": .text("#/components/responses/\(status)")])) }
        return [
            "post": [
                "operationId": .text("search" + name), "tags": ["Data"], "summary": .text(title + "の検索"),
                "description": "itemsと同じ名前をJSONの本文（64 KiBまで）で受けます。 / The names of items in a JSON body of up to 64 KiB.",
                "parameters": .list(own + [.reference("fItems")]),
                "requestBody": ["required": true, "content": ["application/json": ["schema": .schema("search")]]],
                "responses": .object(responses.map { .init($0.name, $0.value) }),
            ]
        ]
    }

    private var parameters: JSONTree {
        func parameter(_ name: String, _ place: String, _ schema: JSONTree, ja: String, en: String) -> JSONTree {
            [
                "name": .text(name), "in": .text(place), "required": .boolean(place == "path"),
                "schema": schema, "style": place == "path" ? "simple" : "form", "explode": false, "description": .text(ja + " / " + en),
            ]
        }
        func choice(_ names: [String]) -> JSONTree { ["type": "string", "enum": .list(names.map { .text($0) })] }
        let system: JSONTree = ["type": "string", "format": "uri", "default": .text(MapSystem.crs84.uri)]
        let whole: JSONTree = ["type": "integer", "minimum": 0]
        return [
            "bbox": parameter(
                "bbox", "query",
                [
                    "type": "array", "items": ["type": "number"],
                    "oneOf": [["minItems": 4, "maxItems": 4], ["minItems": 6, "maxItems": 6]],
                ], ja: "西,南,東,北（度）。西＞東は180度線をまたぐ範囲。",
                en: "West, south, east, north in degrees; west of more than east crosses the antimeridian."),
            "datetime": parameter(
                "datetime", "query", ["type": "string"], ja: "日時か期間。", en: "A time or an interval, RFC 3339."),
            "bbox-crs": parameter(
                "bbox-crs", "query", system, ja: "bboxの座標系。", en: "The reference system of bbox, whose axes give the order of its numbers."),
            "filter": parameter("filter", "query", ["type": "string"], ja: "CQL2の条件。", en: "A condition in CQL2."),
            "filter-lang": parameter(
                "filter-lang", "query", ["type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"], ja: "filterの書き方。",
                en: "How the filter is written."),
            "filter-crs": parameter(
                "filter-crs", "query", system, ja: "filterの図形の座標系。", en: "The reference system of the filter’s geometries."),
            "crs": parameter("crs", "query", system, ja: "答えの座標系。", en: "The reference system of the answer."),
            "properties": parameter(
                "properties", "query", ["type": "array", "items": ["type": "string"]], ja: "返す属性。", en: "The attributes to answer."),
            "skipGeometry": parameter(
                "skipGeometry", "query", ["type": "boolean", "default": false], ja: "図形を返さない。", en: "Leave out geometries."),
            "sortby": parameter(
                "sortby", "query", ["type": "array", "items": ["type": "string", "pattern": "^[+-]?.+$"]],
                ja: "並べる順。-は降順。", en: "The order; - is descending."),
            "encoding": parameter(
                "encoding", "query",
                ["type": "string", "enum": .list(TableEncoding.allCases.map { .text($0.rawValue) }), "default": "utf-8"],
                ja: "CSVとシェープファイルの文字コード（シェープファイルはutf-8かcp932）。",
                en: "The character encoding of CSV and of shapefiles (utf-8 or cp932)."),
            "fItems": parameter("f", "query", choice(LayerAPI.pageForms.map(\.name)), ja: "形式。", en: "The format."),
            "fFile": parameter("f", "query", choice(LayerAPI.fileForms.map(\.name)), ja: "形式。", en: "The format."),
            "limit": parameter(
                "limit", "query",
                [
                    "type": "integer", "minimum": 1, "maximum": .count(ItemsParameters.greatestLimit),
                    "default": .count(ItemsParameters.defaultLimit),
                ], ja: "1ページの地物数。", en: "Features on a page."),
            "offset": parameter(
                "offset", "query", ["type": "integer", "minimum": 0, "maximum": .count(ItemsParameters.greatestOffset), "default": 0],
                ja: "飛ばす地物数。", en: "Features to pass over."),
            "cursor": parameter("cursor", "query", ["type": "string"], ja: "「next」リンクにある続きの位置。", en: "Where to go on, from a “next” link."),
            "f": parameter("f", "query", choice(["json", "html"]), ja: "形式。", en: "The format."),
            "fJSON": parameter("f", "query", choice(["json"]), ja: "形式。", en: "The format."),
            "fTile": parameter("f", "query", choice(["mvt"]), ja: "形式。", en: "The format."),
            "fLegend": parameter("f", "query", choice(LayerAPI.legendForms.map(\.name)), ja: "形式。", en: "The format."),
            "lang": parameter(
                "lang", "query", ["type": "string", "default": "ja"], ja: "凡例の画像の言語。JSONには全ての言語があります。",
                en: "The language of the picture; JSON has all languages."),
            "langTitles": parameter(
                "lang", "query", ["type": "string"], ja: "題名の言語（ja、enなど）。なければAccept-Languageによる。",
                en: "The language of titles, as ja or en; without it Accept-Language says which."),
            "scale": parameter(
                "scale", "query",
                [
                    "type": "integer", "minimum": .count(LayerAPI.legendScales.lowerBound),
                    "maximum": .count(LayerAPI.legendScales.upperBound),
                    "default": 2,
                ],
                ja: "PNGの倍率。", en: "Pixels of a PNG for one of the SVG."),
            "collections": parameter(
                "collections", "query", ["type": "array", "items": ["type": "string"]], ja: "レイヤーのID。", en: "Ids of layers."),
            "collectionsNeeded": .object([
                "name": "collections", "in": "query", "required": true, "style": "form", "explode": false,
                "schema": ["type": "array", "items": ["type": "string"], "minItems": 1, "maxItems": .count(QueryEngine.layerLimit)],
                "description": "レイヤーのID。 / Ids of layers.",
            ]),
            "fTiles": parameter("f", "query", choice(["json", "tilejson"]), ja: "形式。", en: "The format."),
            "v": parameter("v", "query", ["type": "string"], ja: "レイヤーの版。", en: "The layer’s version."),
            "point": .object([
                "name": "point", "in": "query", "required": true, "style": "form", "explode": false,
                "schema": ["type": "array", "items": ["type": "number"], "minItems": 2, "maxItems": 2],
                "description": "経度,緯度 / longitude, latitude",
            ]),
            "collectionId": parameter("collectionId", "path", ["type": "string"], ja: "レイヤーのID。", en: "The layer’s id."),
            "featureId": parameter("featureId", "path", ["type": "string"], ja: "地物のID。", en: "The feature’s id."),
            "z": parameter("z", "path", whole, ja: "ズーム。", en: "Zoom."),
            "row": parameter("row", "path", whole, ja: "行（北から）。", en: "Row, from the north."),
            "col": parameter("col", "path", whole, ja: "列（西から）。", en: "Column, from the west."),
        ]
    }

    private var problems: JSONTree {
        let content: JSONTree = ["application/problem+json": ["schema": .schema("problem")]]
        return [
            "400": ["description": "要求が正しくない / the request is wrong", "content": content],
            "404": ["description": "ない / there is none", "content": content],
            "501": ["description": "このサーバーではその形式にできない / not in this form on this server", "content": content],
            "503": ["description": "今は答えられない / not now", "content": content],
        ]
    }

    private var schemas: JSONTree {
        let text: JSONTree = ["type": "string"]
        return [
            "document": ["type": "object"],
            "search": [
                "type": "object",
                "properties": .object(
                    (ItemsParameters.selectionNames + ItemsParameters.pageNames + ItemsParameters.formNames).map {
                        .init($0, JSONTree.object([JSONTree.Member]()))
                    }),
            ],
            "problem": [
                "type": "object", "required": ["type", "title", "status", "code"],
                "properties": ["type": text, "title": text, "status": ["type": "integer"], "detail": text, "code": text],
            ],
            "geoJSON": [
                "type": "object", "required": ["type"], "properties": ["type": text],
            ],
        ]
    }

    func page() -> Markup {
        let document = json()
        guard case .object(let paths)? = document["paths"] else { preconditionFailure("the document has paths") }
        let rows = paths.map { path -> Markup in
            let method = path.value["get"] == nil ? "POST" : "GET"
            guard case .text(let summary)? = (path.value["get"] ?? path.value["post"])?["summary"] else {
                preconditionFailure("every operation has a summary")
            }
            return "<tr><th scope=\"row\"><code>\(method) \(path.name)</code></th><td>\(summary)</td></tr>\n"
        }
        return PageLayout.page(
            title: "API", heading: PageLayout.both("APIの説明", "API documentation"), crumbs: addresses.crumbs(),
            alternates: [
                Link(
                    href: addresses.api + "?f=json", rel: "service-desc", type: Representation.openAPI.mediaType,
                    title: LocalizedText(ja: "OpenAPI 3.0", en: "OpenAPI 3.0"))
            ],
            body: """
                <p>\(PageLayout.both("OGC API – Features です。パラメーターの詳細はOpenAPIの定義にあります。", "This is OGC API – Features; the OpenAPI definition has the parameters."))</p>
                <p><code>curl '\(addresses.base)/collections/…/items?bbox=140.3,37.4,140.4,37.5&amp;limit=10'</code></p>
                <table><thead><tr><th scope="col">\(PageLayout.both("アドレス", "Address"))</th><th scope="col">\(PageLayout.both("内容", "Content"))</th></tr></thead>
                <tbody>\(rows)</tbody></table>
                """)
    }
}

extension JSONTree {
    static func reference(_ parameter: String) -> JSONTree { ["$ref": .text("#/components/parameters/" + parameter)] }
    fileprivate static func schema(_ name: String) -> JSONTree { ["$ref": .text("#/components/schemas/" + name)] }
}
