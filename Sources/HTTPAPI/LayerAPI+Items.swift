import CQL2
import Descriptions
import Geo
import HTTPTypes
import Hummingbird
import LayerAtlas
import Query

extension LayerAPI {
    /// Forms of a page.
    static let pageForms: [Representation] = [.geoJSON, .html, .geoJSONSequence, .csv, .flatGeobuf]
    /// Forms of a whole layer; the last two where GDAL's program is installed.
    static let fileForms: [Representation] =
        [.geoJSONFile, .geoJSONSequence, .csv, .flatGeobuf] + (GDALProgram.path == nil ? [] : [.geoPackage, .shapefile])
    private static let searchForms = pageForms.filter { $0 != .html }

    func addItemsRoutes(to router: Router<APIContext>) {
        router.get("collections/{layer}/items") { request, context in
            let exchange = try Exchange(request, context, offered: LayerAPI.pageForms, seconds: settings.deadline)
            return try await respond(exchange) {
                try items(exchange, exchange.query, filter: FilterParameters.filter(exchange.query, engine), search: nil)
            }
        }
        router.post("collections/{layer}/search") { request, context in
            var exchange = try Exchange(request, context, offered: LayerAPI.searchForms, seconds: settings.deadline)
            try exchange.query.allowOnly(["f"])
            try LayerAPI.requireJSON(request.headers[.contentType])
            let bytes = try await request.body.collect(upTo: RequestBodies.question)
            let (query, filter, document) = try await pool.run(exchange.deadline) {
                try FilterParameters.body(Array(buffer: bytes), engine)
            }
            if exchange.query["f"] == nil { try exchange.take(query, offered: LayerAPI.searchForms) }
            let asked = exchange
            return try await respond(asked) { try items(asked, query, filter: filter, search: document) }
        }
        router.get("collections/{layer}/download") { request, context in
            // A file takes as long as it takes.
            let exchange = try Exchange(request, context, offered: LayerAPI.fileForms, seconds: nil)
            if let form = GDALForm(rawValue: exchange.form.name) {
                return try await converted(exchange, form, isHead: request.method == .head)
            }
            return try await respond(exchange) { try download(exchange) }
        }
    }

    static func requireJSON(_ type: String?) throws(Problem) {
        let essence = (type ?? "application/json").prefix { $0 != ";" }.lowercased()
        guard essence == "application/json" || essence.hasSuffix("+json") else {
            throw Problem(.badRequest, ja: "本文はapplication/jsonです。", en: "The body is application/json.")
        }
    }

    /// `/collections/{layer}/items` and `/collections/{layer}/search`
    /// - Parameter search: the body of a search.
    private func items(_ exchange: Exchange, _ query: QueryString, filter: Expression?, search: JSONValue?) throws -> Answer {
        let id = try exchange.capture("layer")
        var layer = try atlas.layer(id, for: exchange.viewer)
        let parameters = try ItemsParameters(
            query, attributes: layer.attributes.map(\.name), filter: filter, engine: engine, cursorKey: cursorKey)
        if let cursor = parameters.cursor {
            guard cursor.layer == id else {
                throw Problem.invalid("cursor", "…", ja: "別のレイヤーの続きです。", en: "It goes on in another layer.")
            }
            if cursor.version != layer.version { layer = try atlas.layer(id, version: cursor.version, for: exchange.viewer) }
        }
        let tag = tag(layer, exchange, search == nil ? "items" : "search", LayerAPI.parts(query, filter))
        if search == nil, exchange.has(tag) { return .whole(exchange.notModified(tag)) }

        var page = try engine.items(layer, parameters.request, deadline: exchange.deadline)
        page.matched = page.matched ?? parameters.cursor?.matched
        let next = page.next.map { row in
            CursorToken(layer: id, version: layer.version, row: row, matched: page.matched, filter: parameters.filterTag)
                .sealed(with: cursorKey)
        }
        let document = ItemsDocument(
            addresses: exchange.addresses, layer: layer, query: query, search: search, parameters: parameters, page: page,
            form: exchange.form, nextCursor: next)
        // A page whose count could not be had in time is not what the same address answers the next time.
        let kept = page.matched == nil || search != nil ? nil : tag
        if exchange.form == .html {
            let bytes = Array(try document.html(engine).text.utf8)
            return .whole(exchange.answer(bytes, type: exchange.form.mediaType, tag: kept))
        }
        var headers = headers(parameters, tag: kept)
        headers[values: .link] = document.links.filter { $0.body == nil && ["next", "prev"].contains($0.rel) }.map(\.field)
        let stream: FeatureStream
        if exchange.form == .geoJSON {
            // A strong tag promises the same bytes, so the time in them is that of the version and not of the answer.
            let time = layer.facts.loadedAt ?? "1970-01-01T00:00:00Z"
            stream = try engine.collection(layer, page, form: parameters.form, links: document.links.json, timeStamp: time)
        } else {
            if let matched = page.matched { headers[.numberMatched] = String(matched) }
            headers[.numberReturned] = String(page.rows.count)
            stream = try engine.page(
                layer, page, form: parameters.form, format: exchange.form.format, encoding: parameters.encoding)
        }
        return .streamed(StreamedAnswer(layer: layer, stream: stream, type: exchange.form.type(parameters.encoding), headers: headers))
    }

    /// `/collections/{layer}/download`: all features that hold, as a file.
    func download(_ exchange: Exchange) throws -> Answer {
        let layer = try layer(exchange)
        let filter = try FilterParameters.filter(exchange.query, engine)
        let parameters = try ItemsParameters(
            exchange.query, attributes: layer.attributes.map(\.name), filter: filter, hasPages: false, engine: engine,
            cursorKey: cursorKey)
        let tag = tag(layer, exchange, "download", LayerAPI.parts(exchange.query, filter))
        if exchange.has(tag) { return .whole(exchange.notModified(tag)) }
        let permit = try downloads.enter(exchange.viewer, from: exchange.address)
        let stream = try engine.everything(
            layer, parameters.request, form: parameters.form, format: exchange.form.format, encoding: parameters.encoding,
            deadline: exchange.deadline)
        var headers = headers(parameters, tag: tag)
        // Ids of layers are plain ASCII.
        headers[.contentDisposition] = "attachment; filename=\"\(layer.id).\(exchange.form.fileExtension)\""
        return .streamed(
            StreamedAnswer(layer: layer, stream: stream, type: exchange.form.type(parameters.encoding), headers: headers, permit: permit))
    }

    /// `/collections/{layer}/items/{id}`
    func item(_ exchange: Exchange) throws -> Response {
        let layer = try layer(exchange)
        let id = try exchange.capture("id")
        try exchange.query.allowOnly(["crs", "properties", "skipGeometry", "f"])
        let parameters = try ItemsParameters(
            exchange.query, attributes: layer.attributes.map(\.name), hasPages: false, engine: engine, cursorKey: cursorKey)
        let tag = tag(layer, exchange, "item", [id] + LayerAPI.parts(exchange.query, nil))
        guard let row = try engine.row(layer, identifier: id) else { throw Problem.noFeature(id, layer: layer.id) }
        if exchange.has(tag) { return exchange.notModified(tag) }
        let document = ItemDocument(
            addresses: exchange.addresses, layer: layer, row: row, id: id, query: exchange.query, form: exchange.form)
        if exchange.form == .html {
            return exchange.answer(Array(try document.html(engine).text.utf8), type: exchange.form.mediaType, tag: tag)
        }
        var headers = headers(parameters, tag: tag)
        headers[.contentType] = exchange.form.mediaType
        let bytes = try engine.feature(layer, row: row, form: parameters.form, links: document.links.json)
        return Response(type: exchange.form.mediaType, bytes: bytes, headers: headers)
    }

    /// OGC 18-058r1, 6.2.4: the system of the coordinates is told with every answer that has some.
    private func headers(_ parameters: ItemsParameters, tag: EntityTag?) -> HTTPFields {
        var headers: HTTPFields = [.contentCRS: "<\(parameters.form.system.uri)>"]
        if let tag { headers[.eTag] = tag.text }
        return headers
    }

    private static func parts(_ query: QueryString, _ filter: Expression?) -> [String] {
        query.pairs.flatMap { [$0.name, $0.value] }
    }

    /// Names an answer by what it is made from, so that it need not be made to be compared.
    private func tag(_ layer: VisibleLayer, _ exchange: Exchange, _ resource: String, _ parts: [String]) -> EntityTag {
        EntityTag(
            from: [LayerAPI.format, resource, exchange.addresses.base, layer.id, layer.version, "\(layer.columns)", exchange.form.name]
                + parts)
    }

    /// Counts up when the same question to the same version is answered in other bytes than before.
    private static let format = "2"
}

extension Representation {
    /// How features are written in it.
    var format: FeatureFormat {
        switch name {
        case "geojsonseq": .geoJSONSequence
        case "csv": .csv
        // GDAL makes the others of it.
        case "flatgeobuf", GDALForm.geoPackage.rawValue, GDALForm.shapefile.rawValue: .flatGeobuf
        default: .geoJSON
        }
    }

    /// The media type, with the charset of a table.
    func type(_ encoding: TableEncoding) -> String {
        // The name of CP932 at IANA.
        self == .csv && encoding == .cp932 ? "text/csv; charset=windows-31j" : mediaType
    }
}

extension Representation {
    /// As GDAL knows them.
    fileprivate var fileExtension: String {
        switch GDALForm(rawValue: name) {
        case .geoPackage: return "gpkg"
        case .shapefile: return "shp.zip"
        case nil: break
        }
        switch format {
        case .geoJSON: return "geojson"
        case .geoJSONSequence: return "geojsons"
        case .csv: return "csv"
        case .flatGeobuf: return "fgb"
        }
    }
}

extension [Link] {
    /// As a JSON array.
    fileprivate var json: String {
        JSONTree.list(map(\.json)).string
    }
}

extension Link {
    /// As a header field has it (RFC 8288, 3); for forms that have no place for links.
    fileprivate var field: String { "<\(href)>; rel=\"\(rel)\"" + (type.map { "; type=\"\($0)\"" } ?? "") }
}

extension HTTPField.Name {
    static let contentCRS = HTTPField.Name("Content-Crs")!
    static let link = HTTPField.Name("Link")!
    static let numberMatched = HTTPField.Name("OGC-NumberMatched")!
    static let numberReturned = HTTPField.Name("OGC-NumberReturned")!
}
