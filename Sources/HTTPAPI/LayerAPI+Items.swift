import Descriptions
import Geo
import Hummingbird
import LayerAtlas
import Query

extension LayerAPI {
    /// `/collections/{layer}/items`
    func items(_ exchange: Exchange) throws -> Response {
        let id = try exchange.capture("layer")
        var layer = try atlas.layer(id, for: exchange.viewer)
        let parameters = try ItemsParameters(exchange.query, attributes: layer.attributes.map(\.name), cursorKey: cursorKey)
        if let cursor = parameters.cursor {
            guard cursor.layer == id else {
                throw Problem.invalid("cursor", "…", ja: "別のレイヤーの続きです。", en: "It goes on in another layer.")
            }
            if cursor.version != layer.version { layer = try atlas.layer(id, version: cursor.version, for: exchange.viewer) }
        }
        let tag = tag(layer, exchange, "items", exchange.query.pairs.flatMap { [$0.name, $0.value] })
        if exchange.has(tag) { return exchange.notModified(tag) }

        var page = try engine.items(layer, parameters.request, deadline: exchange.deadline)
        page.matched = page.matched ?? parameters.cursor?.matched
        let next = page.next.map { row in
            CursorToken(layer: id, version: layer.version, row: row, matched: page.matched, filter: parameters.filterTag)
                .sealed(with: cursorKey)
        }
        let document = ItemsDocument(
            addresses: exchange.addresses, layer: layer, query: exchange.query, request: parameters.request, page: page,
            form: exchange.form,
            nextCursor: next)
        // A page whose count could not be had in time is not what the same address answers the next time.
        let kept = page.matched == nil ? nil : tag
        if exchange.form == .html {
            return exchange.answer(Array(try document.html(engine).text.utf8), type: exchange.form.mediaType, tag: kept)
        }
        // A strong tag promises the same bytes, so the time in them is that of the version and not of the answer.
        let time = layer.facts.loadedAt ?? "1970-01-01T00:00:00Z"
        let bytes = try engine.collection(layer, page, links: document.links.json, timeStamp: time).bytes(exchange.deadline)
        return exchange.answer(bytes, type: exchange.form.mediaType, tag: kept)
    }

    /// `/collections/{layer}/items/{id}`
    func item(_ exchange: Exchange) throws -> Response {
        let layer = try layer(exchange)
        let id = try exchange.capture("id")
        let tag = tag(layer, exchange, "item", [id])
        guard let row = try engine.row(layer, identifier: id) else { throw Problem.noFeature(id, layer: layer.id) }
        if exchange.has(tag) { return exchange.notModified(tag) }
        let document = ItemDocument(addresses: exchange.addresses, layer: layer, row: row, id: id, form: exchange.form)
        if exchange.form == .html {
            return exchange.answer(Array(try document.html(engine).text.utf8), type: exchange.form.mediaType, tag: tag)
        }
        return exchange.answer(try engine.feature(layer, row: row, links: document.links.json), type: exchange.form.mediaType, tag: tag)
    }

    /// Names an answer by what it is made from, so that it need not be made to be compared.
    private func tag(_ layer: VisibleLayer, _ exchange: Exchange, _ resource: String, _ parts: [String]) -> EntityTag {
        EntityTag(
            from: [LayerAPI.format, resource, exchange.addresses.base, layer.id, layer.version, "\(layer.columns)", exchange.form.name]
                + parts)
    }

    /// Counts up when the same question to the same version is answered in other bytes than before.
    private static let format = "1"
}

extension [Link] {
    /// As a JSON array.
    fileprivate var json: String {
        JSONTree.list(map(\.json)).string
    }
}
