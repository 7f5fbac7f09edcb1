import Geo

/// One MapLibre style of several layers: the map of the whole town in one document.
public struct TownStyle: Sendable {
    /// A layer's style, and where its tiles lie.
    public struct Part: Sendable {
        public var style: MapStyle
        public var surroundings: MapStyle.Surroundings

        public init(_ style: MapStyle, _ surroundings: MapStyle.Surroundings) {
            self.style = style
            self.surroundings = surroundings
        }
    }

    public var name: LocalizedText
    public var parts: [Part]
    public var language: String

    public init(name: LocalizedText, parts: [Part], language: String = "ja") {
        self.name = name
        self.parts = parts
        self.language = language
    }

    /// A whole style: one source a layer, named as the layer. What is drawn lies in the order of `style.order`, then areas below their patterns, lines
    /// above areas, points above lines and letters above all, so that no layer hides what is smaller.
    public var json: JSONTree {
        var sources: [JSONTree.Member] = []
        var drawn: [(sort: [Int], layer: JSONTree)] = []
        for (place, part) in parts.enumerated() {
            let style = part.style.styleJSON(part.surroundings)
            if case .object(let members)? = style["sources"] { sources += members }
            guard case .list(let layers)? = style["layers"] else { continue }
            for (index, layer) in layers.enumerated() {
                drawn.append(([TownStyle.height(layer), part.style.description.style.order ?? 0, place, index], layer))
            }
        }
        drawn.sort { $0.sort.lexicographicallyPrecedes($1.sort) }
        let background = JSONTree.object([
            "id": .text("kasane-background"), "type": .text("background"),
            "paint": .object(["background-color": .text("#F7F5F0")]),
        ])
        let legends = JSONTree.object(parts.map { JSONTree.Member($0.style.description.id, $0.style.legendJSON) })
        return .object([
            "version": .integer(8), "name": .text(name.text(language)),
            "metadata": .object(["kasane:legends": legends]),
            "glyphs": parts.lazy.compactMap(\.surroundings.glyphs).first.map { .text($0) },
            "sources": .object(sources), "layers": .list([background] + drawn.map(\.layer)),
        ])
    }

    /// 0 for areas and their borders, 1 for lines, 2 for points, 3 for letters.
    private static func height(_ layer: JSONTree) -> Int {
        guard case .text(let type)? = layer["type"], case .text(let id)? = layer["id"] else { return 0 }
        switch type {
        case "line": return id.hasSuffix("-border") ? 0 : 1
        case "circle": return 2
        case "symbol": return 3
        default: return 0
        }
    }
}
