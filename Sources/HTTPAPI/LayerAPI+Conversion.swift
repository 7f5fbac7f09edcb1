import HTTPTypes
import Hummingbird
import NIOCore
import Query

extension LayerAPI {
    /// A download in a form that GDAL writes: made whole before anything is sent, one at a time.
    func converted(_ exchange: Exchange, _ form: GDALForm, isHead: Bool) async throws -> Response {
        exchange.client?.watch(exchange.deadline)
        defer { exchange.client?.rest() }
        let answer = try await pool.run(exchange.deadline) { () throws -> (Answer, TableEncoding, String) in
            let layer = try layer(exchange)
            let encoding = exchange.query["encoding"].flatMap { TableEncoding(rawValue: $0) } ?? .utf8
            if form == .shapefile, encoding == .utf8WithMark {
                throw Problem.invalid(
                    "encoding", encoding.rawValue, ja: "シェープファイルではutf-8かcp932です。", en: "For a shapefile it is utf-8 or cp932.")
            }
            return (try download(exchange), encoding, layer.facts.loadedAt ?? "1970-01-01T00:00:00Z")
        }
        let (streamed, encoding, time): (StreamedAnswer, TableEncoding, String)
        switch answer.0 {
        case .whole(let response): return response
        case .streamed(let made): (streamed, encoding, time) = (made, answer.1, answer.2)
        }
        var headers = streamed.headers
        headers[.contentType] = streamed.type
        // The length would take the whole conversion.
        if isHead { return Response(status: .ok, headers: headers, body: ResponseBody { try await $0.finish(nil) }) }
        guard let program = GDALProgram.path else { preconditionFailure("Offered without the program") }
        let conversion = Conversion(
            program: program, form: form, encoding: encoding, layer: try exchange.capture("layer"), time: time, deadline: exchange.deadline)
        let file: ConvertedFile
        do {
            file = try await conversions.run(exchange.deadline) { try conversion.file(streamed.stream) }
        } catch let failure as Conversion.Failure {
            exchange.logger.error("ogr2ogr", metadata: ["layer": .string(conversion.layer), "reason": .string(failure.reason)])
            throw Problem(
                .failure, ja: "ogr2ogrが、このレイヤーをこの形式で書けませんでした。FlatGeobufかGeoJSONを使ってください。",
                en: "ogr2ogr could not write this layer in this format. Take FlatGeobuf or GeoJSON.")
        }
        let (client, permit) = (exchange.client, streamed.permit)
        let body = ResponseBody(contentLength: file.size) { [pool] writer in
            // Kept as long as the answer is sent, and given up with it.
            defer { withExtendedLifetime(permit) {} }
            let deadline = Deadline(seconds: nil)
            var sent = 0
            while sent < file.size {
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
}
