import Formats
import HTTPTypes
import Hummingbird
import LayerAtlas
import NIOCore
import Query
import TileArchives
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
                api, exchange, atOnce in
                try api.tileLayer(exchange, atOnce: atOnce).map { ([$0.0], $0.isNamed) }
            }
            addTileRoute(to: router, "tiles/\(set.rawValue)/{z}/{row}/{col}", set, allowing: ["collections", "f"]) {
                api, exchange, atOnce in
                try api.namedLayers(exchange, atOnce: atOnce).map { ($0, false) }
            }
        }
    }

    private func addTileRoute(
        to router: Router<APIContext>, _ path: RouterPath, _ set: TileMatrixSet, allowing parameters: [String],
        _ layers: @escaping @Sendable (LayerAPI, Exchange, _ atOnce: Bool) throws -> (layers: [VisibleLayer], isNamed: Bool)?
    ) {
        router.get(path) { request, context in
            let exchange = try Exchange(request, context, offered: [.tile], seconds: settings.deadline)
            try exchange.query.allowOnly(parameters)
            let tile = try LayerAPI.tile(set, exchange)
            let coding = Negotiation.coding(request.headers[values: .acceptEncoding])
            // What is open already is asked here and now; a file that has to be opened is work for the pool.
            var found = try layers(self, exchange, true)
            if found == nil { found = try await pool.run(exchange.deadline) { try layers(self, exchange, false) } }
            guard let (layers, isNamed) = found else { preconditionFailure("layers are found when there is time for it") }
            return try await answer(tile, layers, isNamed: isNamed, exchange, coding)
        }
    }

    private func answer(
        _ tile: MapTile, _ layers: [VisibleLayer], isNamed: Bool, _ exchange: Exchange, _ coding: ContentCoding
    ) async throws -> Response {
        let thins = settings.thinsTiles
        let parts = layers.map { TileCache.Key.Layer($0, tile, history) }
        let key = TileCache.Key(layers: parts, tile: tile, coding: coding, thins: thins)
        let tag = EntityTag(from: key.origin)
        var headers: HTTPFields = [.eTag: tag.compressed(coding).text]
        // An address that names the version never answers anything else.
        if isNamed { headers[.cacheControl] = "public, max-age=31536000, immutable" }
        if exchange.has(tag) { return Response(status: .notModified, headers: headers) }

        // Surely empty in all layers: there is nothing to make, and nothing to keep.
        let presence = layers.map { engine.knownPresence($0, in: tile) }
        if presence.allSatisfy({ $0 == false }) { return Response(status: .noContent, headers: headers) }

        var entry = tiles.kept(key)
        if entry == nil {
            // Maps ask for much that they do not wait for.
            exchange.client?.watch(exchange.deadline)
            defer { exchange.client?.rest() }
            entry = try await tiles.tile(key) {
                try await pool.run(exchange.deadline) {
                    guard shelf != nil || coding != .identity else {
                        // As it leaves the encoder, so it is sent.
                        var body = ByteBuffer()
                        let leftOut = try engine.drawTile(layers, tile, thins: thins, deadline: exchange.deadline) { pieces in
                            body.reserveCapacity(minimumWritableBytes: pieces.reduce(0) { $0 + $1.count })
                            for piece in pieces { body.writeBytes(piece) }
                        }
                        return TileCache.Entry(body: body, leftOut: leftOut)
                    }
                    let digest = shelf == nil ? [] : key.digest
                    if let tile = shelf?.tile(digest) { return TileCache.Entry(body: ByteBuffer(bytes: tile.bytes), leftOut: tile.leftOut) }
                    let drawn = try engine.drawnTile(layers, tile, thins: thins, deadline: exchange.deadline)
                    let bytes = drawn.bytes.isEmpty ? [] : coding.compress(drawn.bytes, isKept: true)
                    shelf?.keep(digest, TileShelf.Tile(bytes: bytes, leftOut: drawn.leftOut))
                    return TileCache.Entry(body: ByteBuffer(bytes: bytes), leftOut: drawn.leftOut)
                }
            }
        }
        for (layer, known) in zip(layers, presence) where known == nil { learnEmptyTiles(of: layer, set: tile.matrixSet) }
        guard let entry else { preconditionFailure("a tile is kept or made") }
        if entry.leftOut > 0 { headers[.leftOut] = String(entry.leftOut) }
        guard entry.body.readableBytes > 0 else { return Response(status: .noContent, headers: headers) }
        headers[.contentType] = TileSetDocument.tileType
        if let name = coding.name { headers[.contentEncoding] = name }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: entry.body))
    }

    /// Finds out, once, which tiles of a layer are empty, when the pool has time for it.
    private func learnEmptyTiles(of layer: VisibleLayer, set: TileMatrixSet) {
        guard engine.shouldLearnPresence(layer, set) else { return }
        let (engine, pool) = (engine, pool)
        // It fails only when it is cancelled, which nobody does.
        Task { try await pool.runPatiently(Deadline(seconds: nil)) { engine.learnPresence(layer, set) } }
    }

    /// The layers that `collections` names, as far as the viewer may see them, in that order.
    private func namedLayers(_ exchange: Exchange) throws -> [VisibleLayer] {
        guard let layers = try namedLayers(exchange, atOnce: false) else {
            preconditionFailure("layers are found when there is time for it")
        }
        return layers
    }

    /// - Parameter atOnce: nil where the disk may have to be read.
    private func namedLayers(_ exchange: Exchange, atOnce: Bool) throws -> [VisibleLayer]? {
        let names = (exchange.query["collections"] ?? "").split(separator: ",").map(String.init)
        guard (1...QueryEngine.layerLimit).contains(names.count), Set(names).count == names.count else {
            throw Problem(
                .invalidParameter, ja: "パラメーター「collections」には、異なるレイヤーのIDを1～\(QueryEngine.layerLimit)件、コンマで区切って指定してください。",
                en: "The parameter “collections” takes 1 to \(QueryEngine.layerLimit) different ids of layers, separated by commas.")
        }
        if !atOnce { return try names.map { try atlas.layer($0, for: exchange.viewer) } }
        var layers: [VisibleLayer] = []
        for name in names {
            guard let layer = try atlas.layerAtOnce(name, for: exchange.viewer) else { return nil }
            layers.append(layer)
        }
        return layers
    }

    /// The version that the address names, where it is still there; else the published one.
    /// - Parameter atOnce: nil where the disk may have to be read.
    /// - Returns: also whether it is the one that the address names.
    private func tileLayer(_ exchange: Exchange, atOnce: Bool) throws -> (VisibleLayer, isNamed: Bool)? {
        let id = try exchange.capture("layer")
        guard let layer = atOnce ? try atlas.layerAtOnce(id, for: exchange.viewer) : try atlas.layer(id, for: exchange.viewer) else {
            return nil
        }
        guard let name = exchange.query["v"] else { return (layer, false) }
        // Drawn by another program than this one: the same version in other bytes.
        guard name.hasSuffix(Addresses.drawing) else { return (layer, false) }
        let version = String(name.dropLast(Addresses.drawing.count))
        if version == layer.version { return (layer, true) }
        if atOnce { return nil }
        do {
            // An earlier version may be withdrawn: what shows it is not kept for ever.
            return (try atlas.layer(layer.id, version: version, for: exchange.viewer), false)
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
