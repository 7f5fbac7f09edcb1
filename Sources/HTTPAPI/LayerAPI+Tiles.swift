import Formats
import Geo
import HTTPTypes
import Hummingbird
import LayerAtlas
import NIOCore

extension LayerAPI {
    /// `/collections/{layer}/tiles/WebMercatorQuad/{z}/{row}/{col}`, also with `.mvt` after it.
    func addTileRoute(to router: Router<APIContext>) {
        router.get("collections/{layer}/tiles/\(TileMatrixSet.id)/{z}/{row}/{col}") { request, context in
            let exchange = try Exchange(request, context, offered: [.tile], seconds: settings.deadline)
            try exchange.query.allowOnly(["v", "f"])
            return try await tile(exchange, gzip: Negotiation.acceptsGzip(request.headers[values: .acceptEncoding]))
        }
    }

    private func tile(_ exchange: Exchange, gzip: Bool) async throws -> Response {
        let coordinate = try LayerAPI.coordinate(exchange)
        let (layer, isNamed) = try await pool.run(exchange.deadline) { try self.tileLayer(exchange) }
        let key = TileCache.Key(layer: layer.id, version: layer.version, columns: layer.columns, tile: coordinate, isCompressed: gzip)
        let tag = EntityTag(from: ["tile", layer.id, layer.version, "\(layer.columns)", "\(coordinate)"])
        let shown = gzip ? tag.compressed : tag
        var headers: HTTPFields = [.eTag: shown.text]
        // An address that names the version never answers anything else.
        if isNamed { headers[.cacheControl] = "public, max-age=31536000, immutable" }
        if exchange.has(tag) { return Response(status: .notModified, headers: headers) }

        let bytes = try await tiles.tile(key) {
            try await pool.run(exchange.deadline) {
                let bytes = try engine.tile(layer, coordinate, deadline: exchange.deadline)
                return gzip && !bytes.isEmpty ? Gzip.compress(bytes, level: 6) : bytes
            }
        }
        guard !bytes.isEmpty else { return Response(status: .noContent, headers: headers) }
        headers[.contentType] = TileSetDocument.tileType
        if gzip { headers[.contentEncoding] = "gzip" }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// The version that the address names, where it is still there; else the published one.
    /// - Returns: also whether it is the one that the address names.
    private func tileLayer(_ exchange: Exchange) throws -> (VisibleLayer, isNamed: Bool) {
        let layer = try layer(exchange)
        guard let version = exchange.query["v"] else { return (layer, false) }
        if version == layer.version { return (layer, true) }
        do {
            return (try atlas.layer(layer.id, version: version, for: exchange.viewer), true)
        } catch AtlasError.noSuchVersion {
            return (layer, false)
        }
    }

    /// Decimal numbers without signs or leading zeros; anything else, and any tile that does not exist, is not found.
    static func coordinate(_ exchange: Exchange) throws -> TileCoordinate {
        var column = try exchange.capture("col")
        if column.hasSuffix(".mvt") { column.removeLast(4) }
        guard let z = number(try exchange.capture("z")), let row = number(try exchange.capture("row")), let column = number(column),
            let tile = TileCoordinate(zoom: z, column: column, row: row)
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

extension Representation {
    static let tile = Representation(
        name: "mvt", mediaType: TileSetDocument.tileType, matches: [TileSetDocument.tileType, "application/x-protobuf"], title: "MVT")
}
