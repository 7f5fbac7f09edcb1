import Descriptions
import Geo
import HTTPTypes
import Hummingbird
import LayerAtlas
import Query

extension LayerAPI {
    static let legendForms: [Representation] = [.json, .svg, .png]
    /// Pixels of a PNG for one of the SVG.
    static let legendScales = 1...4

    /// `/collections/{layer}/legend`, and `/styles/town/legend` of all layers that the viewer may see: as a list, and as a picture.
    func addLegendRoutes(to router: Router<APIContext>) {
        addLegendRoute(to: router, "collections/{layer}/legend", allowing: []) { api, exchange in
            let style = try api.layer(exchange).mapStyle
            return LegendDocument(json: style.legendJSON, picture: LegendPicture(parts: [style.legendPart]))
        }
        addLegendRoute(to: router, "styles/town/legend", allowing: ["collections"]) { api, exchange in
            let layers = try api.legendLayers(exchange)
            let name = api.atlas.town?.name ?? LocalizedText(ja: "全レイヤー", en: "All layers")
            let styles = layers.map(\.mapStyle)
            let legends = zip(layers, styles).map { JSONTree.Member($0.id, $1.legendJSON) }
            return LegendDocument(
                json: ["title": .localized(name), "legends": .object(legends)],
                picture: LegendPicture(title: name, parts: styles.map(\.legendPart)))
        }
    }

    /// A legend in every form.
    private struct LegendDocument {
        var json: JSONTree
        var picture: LegendPicture
    }

    private func addLegendRoute(
        to router: Router<APIContext>, _ path: RouterPath, allowing parameters: [String],
        _ make: @escaping @Sendable (LayerAPI, Exchange) throws -> LegendDocument
    ) {
        router.get(path) { request, context in
            let exchange = try Exchange(request, context, offered: LayerAPI.legendForms, seconds: settings.deadline)
            try exchange.query.allowOnly(parameters + ["f", "lang", "scale"])
            let language = try LayerAPI.language(exchange.query["lang"]) ?? "ja"
            let scale = try LayerAPI.legendScale(exchange.query["scale"], exchange.form)
            let (document, drawing) = try await pool.run(exchange.deadline) { () throws -> (JSONTree, LegendDrawing?) in
                let document = try make(self, exchange)
                return (document.json, exchange.form == .json ? nil : document.picture.svg(language: language))
            }
            guard let drawing else { return exchange.answer(document) }
            if exchange.form == .svg { return exchange.answer(Array(drawing.svg.utf8), type: exchange.form.mediaType) }
            return exchange.answer(try await picture(drawing, scale: scale, exchange), type: exchange.form.mediaType)
        }
    }

    /// The layers that `collections` names, or all; hazards first, then what was made for them, then what lies highest on the map.
    private func legendLayers(_ exchange: Exchange) throws -> [VisibleLayer] {
        guard let named = exchange.query["collections"] else {
            func rank(_ layer: VisibleLayer) -> Int { layer.description.hazard != nil ? 0 : layer.description.theme == "shelter" ? 1 : 2 }
            func sort(_ layer: VisibleLayer) -> (Int, Int, String) { (rank(layer), -(layer.description.style.order ?? 0), layer.id) }
            return atlas.layers(for: exchange.viewer).sorted { sort($0) < sort($1) }
        }
        let ids = named.split(separator: ",").map(String.init)
        guard (1...100).contains(ids.count), Set(ids).count == ids.count else {
            throw Problem.invalid(
                "collections", named, ja: "異なるレイヤーのIDを1～100件、コンマで区切って指定してください。",
                en: "It takes 1 to 100 different ids of layers, separated by commas.")
        }
        return try ids.map { try atlas.layer($0, for: exchange.viewer) }
    }

    /// What the parameter `lang` asks for; nil where it is not there.
    static func language(_ text: String?) throws(Problem) -> String? {
        guard let text else { return nil }
        guard text.utf8.count <= 35, text.wholeMatch(of: /[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*/) != nil else {
            throw .invalid("lang", text, ja: "言語タグ（ja、enなど）を指定してください。", en: "It takes a language tag such as ja or en.")
        }
        return text
    }

    private static func legendScale(_ text: String?, _ form: Representation) throws(Problem) -> Int {
        guard let text else { return 2 }
        guard form == .png else {
            throw .invalid("scale", text, ja: "PNGのときだけ使えます。", en: "It is for PNG only.")
        }
        guard let scale = Int(text), String(scale) == text, legendScales.contains(scale) else {
            throw .invalid("scale", text, ja: "1から4の整数です。", en: "It is a whole number from 1 to 4.")
        }
        return scale
    }

    /// The PNG, kept or made.
    private func picture(_ drawing: LegendDrawing, scale: Int, _ exchange: Exchange) async throws -> [UInt8] {
        guard let program = settings.pictures else {
            throw Problem(
                .notAvailable, ja: "このサーバーではPNGを作れません（rsvg-convertがありません）。f=svgを使ってください。",
                en: "This server cannot make PNGs: rsvg-convert is not installed. Take f=svg.")
        }
        let (width, height) = (drawing.width * scale, drawing.height * scale)
        guard max(width, height) <= PictureProgram.sideLimit, width * height <= PictureProgram.pixelLimit else {
            throw Problem(
                .limitExceeded, ja: "画像が大きすぎます。scaleを小さくするか、f=svgを使ってください。",
                en: "The picture is too large. Take a smaller scale, or f=svg.")
        }
        let key = EntityTag(from: ["\(scale)", drawing.svg]).text
        if let kept = pictures[key] { return kept }
        do {
            // One at a time, and apart from the pool that answers maps.
            return try await pictureThread.run(Deadline(seconds: settings.pictureDeadline)) { [pictures] in
                // Somebody who asked before may have had it made.
                if let kept = pictures[key] { return kept }
                let made = try program.png(drawing.svg, scale: scale, deadline: Deadline(seconds: nil))
                pictures.keep(made, as: key)
                return made
            }
        } catch let failure as PictureProgram.Failure {
            exchange.logger.error("rsvg-convert", metadata: ["reason": .string(failure.reason)])
            throw Problem(
                .failure, ja: "rsvg-convertが凡例の画像を作れませんでした。f=svgを使ってください。", en: "rsvg-convert could not make the picture. Take f=svg.")
        }
    }
}

extension Representation {
    static let svg = Representation(name: "svg", mediaType: "image/svg+xml", matches: ["image/svg+xml"], title: "SVG")
    static let png = Representation(name: "png", mediaType: "image/png", matches: ["image/png"], title: "PNG")
}
