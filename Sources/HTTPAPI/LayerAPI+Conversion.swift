import HTTPTypes
import Hummingbird
import LayerAtlas
import NIOCore
import Query

extension LayerAPI {
    /// A download in a form that GDAL writes: made whole before anything is sent, one at a time.
    func converted(_ exchange: Exchange, _ form: GDALForm, isHead: Bool) async throws -> Response {
        exchange.client?.watch(exchange.deadline)
        defer { exchange.client?.rest() }
        let answer = try await pool.run(exchange.deadline) { () throws -> (Answer, TableEncoding, VisibleLayer) in
            let layer = try layer(exchange)
            let encoding = exchange.query["encoding"].flatMap { TableEncoding(rawValue: $0) } ?? .utf8
            if form == .shapefile, encoding == .utf8WithMark {
                throw Problem.invalid(
                    "encoding", encoding.rawValue, ja: "シェープファイルではutf-8かcp932です。", en: "For a shapefile it is utf-8 or cp932.")
            }
            return (try download(exchange), encoding, layer)
        }
        let (encoding, source) = (answer.1, answer.2)
        let streamed: StreamedAnswer
        switch answer.0 {
        case .whole(let response): return response
        case .streamed(let made): streamed = made
        }
        var headers = streamed.headers
        if form == .shapefile { headers[.shortNames] = LayerAPI.shortNames(streamed.stream.columnNames) }
        headers[.contentType] = streamed.type
        // The length would take the whole conversion.
        if isHead { return Response(status: .ok, headers: headers, body: ResponseBody { try await $0.finish(nil) }) }
        guard let program = GDALProgram.path else { preconditionFailure("Offered without the program") }
        let conversion = Conversion(
            program: program, form: form, encoding: encoding, layer: source.id, time: source.facts.loadedAt ?? "1970-01-01T00:00:00Z",
            deadline: exchange.deadline)
        let file: ConvertedFile
        do {
            file = try await ownThreads(of: exchange.viewer).conversions.run(exchange.deadline) { try conversion.file(streamed.stream) }
        } catch let failure as Conversion.Failure {
            exchange.logger.error("ogr2ogr", metadata: ["layer": .string(source.id), "reason": .string(failure.reason)])
            if form == .shapefile, Set(source.geometryKinds.map(\.dimension)).count > 1 {
                throw Problem.invalid(
                    "f", form.rawValue, ja: "シェープファイルに入るのは点・線・面のうち1種類だけです。このレイヤーには複数の種類があります。gpkgを使うか、filterで1種類に絞ってください。",
                    en:
                        "A shapefile holds points, lines or polygons, not several of them as this layer does. Take gpkg, or choose one kind with a filter."
                )
            }
            throw Problem(
                .failure, ja: "ogr2ogrが、このレイヤーをこの形式で書けませんでした。FlatGeobufかGeoJSONを使ってください。",
                en: "ogr2ogr could not write this layer in this format. Take FlatGeobuf or GeoJSON.")
        }
        let (client, permit) = (exchange.client, streamed.permit)
        let body = ResponseBody(contentLength: file.size) { writer in
            // Kept as long as the answer is sent, and given up with it.
            defer { withExtendedLifetime(permit) {} }
            let deadline = Deadline(seconds: nil)
            var sent = 0
            var looked = ContinuousClock.now
            while sent < file.size {
                if ContinuousClock.now - looked > LayerAPI.lookEvery {
                    looked = .now
                    guard mayGoOn(streamed, exchange) else { throw StreamEnded() }
                }
                client?.watch(deadline)
                let place = sent
                let piece = try await pool.runPatiently(deadline) {
                    ByteBuffer(bytes: try file.bytes(from: place, LayerAPI.pieceSize))
                }
                client?.rest()
                sent += piece.readableBytes
                // Returns when what was written before has left for the socket.
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    private static let pieceSize = 256 << 10

    /// The names that a shapefile has no room for, as `name=short` pairs with a comma between them, percent-encoded; nil when there are none.
    private static func shortNames(_ names: [String]) -> String? {
        let pairs = GDALProgram.shortNames(names).filter { $0.name != $0.short }
            .map { PercentCoding.encode($0.name) + "=" + PercentCoding.encode($0.short) }
        return pairs.isEmpty ? nil : pairs.joined(separator: ",")
    }
}

extension HTTPField.Name {
    /// Attributes that go by a shorter name in a shapefile.
    static let shortNames = HTTPField.Name("Kasane-Short-Names")!
}
