import Formats
import HTTPTypes
import Hummingbird
import LayerAtlas
import NIOCore
import Query
import Tiles

extension LayerAPI {
    /// Tiles of a layer and of several, in both sets, and the documents that say what there is.
    func addTileRoutes(to router: Router<APIContext>) {
        document(router, "collections/{layer}/tiles", [.json]) { api, exchange in
            exchange.answer(TileSetDocument(addresses: exchange.addresses, layers: [try api.layer(exchange)]).list())
        }
        document(router, "tiles", [.json], allowing: ["collections"]) { api, exchange in
            exchange.answer(TileSetDocument(addresses: exchange.addresses, layers: try api.namedLayers(exchange), areNamed: true).list())
        }
        for set in TileMatrixSet.allCases {
            document(router, "collections/{layer}/tiles/\(set.rawValue)", [.json, .tileJSON]) { api, exchange in
                exchange.answer(TileSetDocument(addresses: exchange.addresses, layers: [try api.layer(exchange)], set: set).json())
            }
            document(router, "tiles/\(set.rawValue)", [.json, .tileJSON], allowing: ["collections"]) { api, exchange in
                let layers = try api.namedLayers(exchange)
                return exchange.answer(TileSetDocument(addresses: exchange.addresses, layers: layers, set: set, areNamed: true).json())
            }
            // Also with `.mvt` after the column.
            addTileRoute(to: router, "collections/{layer}/tiles/\(set.rawValue)/{z}/{row}/{col}", set, allowing: ["v", "f"]) {
                api, exchange in
                let (layer, isNamed) = try api.tileLayer(exchange)
                return ([layer], isNamed)
            }
            addTileRoute(to: router, "tiles/\(set.rawValue)/{z}/{row}/{col}", set, allowing: ["collections", "f"]) { api, exchange in
                (try api.namedLayers(exchange), false)
            }
        }
    }

    private func addTileRoute(
        to router: Router<APIContext>, _ path: RouterPath, _ set: TileMatrixSet, allowing parameters: [String],
        _ layers: @escaping @Sendable (LayerAPI, Exchange) throws -> ([VisibleLayer], isNamed: Bool)
    ) {
        router.get(path) { request, context in
            let exchange = try Exchange(request, context, offered: [.tile], seconds: settings.deadline)
            try exchange.query.allowOnly(parameters)
            let tile = try LayerAPI.tile(set, exchange)
            let (layers, isNamed) = try await pool.run(exchange.deadline) { try layers(self, exchange) }
            return try await answer(
                tile, layers, isNamed: isNamed, exchange, gzip: Negotiation.acceptsGzip(request.headers[values: .acceptEncoding]))
        }
    }

    private func answer(
        _ tile: MapTile, _ layers: [VisibleLayer], isNamed: Bool, _ exchange: Exchange, gzip: Bool
    ) async throws -> Response {
        let thins = settings.thinsTiles
        let parts = layers.map {
            TileCache.Key.Layer(id: $0.id, version: $0.version, columns: $0.columns, policy: $0.tilePolicy)
        }
        let key = TileCache.Key(layers: parts, tile: tile, isCompressed: gzip)
        let tag = EntityTag(from: ["tile", "\(thins)", "\(tile)"] + parts.map { "\($0)" })
        let shown = gzip ? tag.compressed : tag
        var headers: HTTPFields = [.eTag: shown.text]
        // An address that names the version never answers anything else.
        if isNamed { headers[.cacheControl] = "public, max-age=31536000, immutable" }
        if exchange.has(tag) { return Response(status: .notModified, headers: headers) }

        let drawn = try await tiles.tile(key) {
            try await pool.run(exchange.deadline) {
                var drawn = try engine.drawnTile(layers, tile, thins: thins, deadline: exchange.deadline)
                if gzip && !drawn.bytes.isEmpty { drawn.bytes = Gzip.compress(drawn.bytes, level: 6) }
                return drawn
            }
        }
        if drawn.leftOut > 0 { headers[.leftOut] = String(drawn.leftOut) }
        guard !drawn.bytes.isEmpty else { return Response(status: .noContent, headers: headers) }
        headers[.contentType] = TileSetDocument.tileType
        if gzip { headers[.contentEncoding] = "gzip" }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: drawn.bytes)))
    }

    /// The layers that `collections` names, as far as the viewer may see them, in that order.
    private func namedLayers(_ exchange: Exchange) throws -> [VisibleLayer] {
        let names = (exchange.query["collections"] ?? "").split(separator: ",").map(String.init)
        guard (1...QueryEngine.layerLimit).contains(names.count), Set(names).count == names.count else {
            throw Problem(
                .invalidParameter, ja: "パラメーター「collections」には、異なるレイヤーのIDを1～\(QueryEngine.layerLimit)件、コンマで区切って指定してください。",
                en: "The parameter “collections” takes 1 to \(QueryEngine.layerLimit) different ids of layers, separated by commas.")
        }
        return try names.map { try atlas.layer($0, for: exchange.viewer) }
    }

    /// The version that the address names, where it is still there; else the published one.
    /// - Returns: also whether it is the one that the address names.
    private func tileLayer(_ exchange: Exchange) throws -> (VisibleLayer, isNamed: Bool) {
        let layer = try layer(exchange)
        guard let name = exchange.query["v"] else { return (layer, false) }
        // Drawn by another program than this one: the same version in other bytes.
        guard name.hasSuffix(Addresses.drawing) else { return (layer, false) }
        let version = String(name.dropLast(Addresses.drawing.count))
        if version == layer.version { return (layer, true) }
        do {
            return (try atlas.layer(layer.id, version: version, for: exchange.viewer), true)
        } catch AtlasError.noSuchVersion {
            return (layer, false)
        }
    }

    /// Decimal numbers without signs or leading zeros; anything else, and any tile that does not exist, is not found.
    static func tile(_ set: TileMatrixSet, _ exchange: Exchange) throws -> MapTile {
        var column = try exchange.capture("col")
        if column.hasSuffix(".mvt") { column.removeLast(4) }
        guard let z = number(try exchange.capture("z")), let row = number(try exchange.capture("row")), let column = number(column),
            let tile = MapTile(set, zoom: z, column: column, row: row)
        else {
            throw Problem(.notFound, ja: "そのようなタイルはありません。", en: "There is no such tile.")
        }
        return tile
    }

    private static func number(_ text: String) -> Int? {
        guard (1...8).contains(text.utf8.count), text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            text == "0" || !text.hasPrefix("0")
        else { return nil }
        return Int(text)
    }
}

extension HTTPField.Name {
    /// How many features have something in the tile but are not in it by themselves; absent when it is none.
    static let leftOut = HTTPField.Name("Kasane-Left-Out")!
}

extension Representation {
    static let tile = Representation(
        name: "mvt", mediaType: TileSetDocument.tileType, matches: [TileSetDocument.tileType, "application/x-protobuf"], title: "MVT")
}
