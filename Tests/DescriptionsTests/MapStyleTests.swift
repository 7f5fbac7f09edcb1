import Descriptions
import Foundation
import Geo
import Testing

private func layer(_ more: String) throws -> LayerDescription {
    try LayerDescription.parse(yaml: "id: a\ntitle: {ja: 題, en: Title}\n" + more, file: "layer.yaml")
}

private let flood = """
    hazard: {kind: flood, scheme: depth-6, class: rank}
    style: {min-zoom: 8, max-zoom: 16, opacity: 0.5, label: rank}
    """

private let here = MapStyle.Surroundings(tiles: "http://h/{z}/{y}/{x}")

/// What the expression answers for an attribute's value, by the rules of the style specification.
private func evaluate(_ expression: JSONTree, _ attributes: [String: String]) -> JSONTree {
    guard case .list(let parts) = expression, case .text(let operation)? = parts.first else { return expression }
    switch operation {
    case "get":
        guard case .text(let name) = parts[1] else { return .null }
        return attributes[name].map { .text($0) } ?? .null
    case "to-string": return evaluate(parts[1], attributes) == .null ? .text("") : evaluate(parts[1], attributes)
    case "concat":
        return .text(
            parts.dropFirst().map { part in
                if case .text(let text) = evaluate(part, attributes) { text } else { "" }
            }.joined())
    case "match":
        let input = evaluate(parts[1], attributes)
        var index = 2
        while index + 1 < parts.count {
            if parts[index] == input { return parts[index + 1] }
            index += 2
        }
        return parts[index]
    default: return .null
    }
}

@Test func `areas have the colour of their class, and a colour of its own where the class is not known`() throws {
    let style = MapStyle(try layer(flood), kinds: .areas, visibleAttributes: ["rank"])
    let json = style.styleJSON(here)
    guard case .list(let layers)? = json["layers"] else { throw CocoaError(.featureUnsupported) }
    let colour = try #require(layers[0]["paint"]?["fill-color"])
    for item in ClassScheme.depth6.classes {
        #expect(evaluate(colour, ["rank": item.value]) == .text(item.color.description))
    }
    let official = ClassScheme.depth6.classes.map(\.color.description)
    for value in [["rank": "7"], [:], ["rank": ""]] {
        guard case .text(let other) = evaluate(colour, value) else { throw CocoaError(.featureUnsupported) }
        #expect(!official.contains(other))
        #expect(style.legend.contains { $0.color.description == other })
    }
    #expect(layers.map { $0["type"] } == [.text("fill"), .text("line")])
    #expect(layers.allSatisfy { $0["source-layer"] == .text("a") && $0["minzoom"] == .number(8) })
}

@Test func `far out, borders of areas that have a colour have it too; other borders stay`() throws {
    for (more, fades) in [(flood, true), ("style: {opacity: 0}", false), ("style: {color: \"#FF0000\"}", true)] {
        let json = MapStyle(try layer(more), kinds: .areas, visibleAttributes: ["rank"]).styleJSON(here)
        guard case .list(let layers)? = json["layers"] else { throw CocoaError(.featureUnsupported) }
        let border = try #require(layers.first { $0["id"] == .text("a-border") }?["paint"])
        guard fades, case .list(let steps)? = border["line-color"] else {
            #expect(!fades && border["line-opacity"] == nil)
            continue
        }
        #expect(steps.prefix(4) == [.text("interpolate"), .list([.text("linear")]), .list([.text("zoom")]), .number(10)])
        #expect(steps[4] == layers[0]["paint"]?["fill-color"] && steps[6] != steps[4])
    }
}

@Test func `zones of a hazard do not vanish when one comes near, other layers are drawn at their last zoom too`() throws {
    func greatest(_ more: String) throws -> [JSONTree?] {
        let json = MapStyle(try layer(more), kinds: .all, visibleAttributes: ["rank"]).styleJSON(here)
        guard case .list(let layers)? = json["layers"] else { throw CocoaError(.featureUnsupported) }
        return layers.map { $0["maxzoom"] }
    }
    // Whoever draws the style hides a layer from its `maxzoom` on.
    #expect(try greatest(flood).allSatisfy { $0 == nil })
    #expect(try greatest("style: {max-zoom: 16}").allSatisfy { $0 == .number(17) })
    #expect(try greatest("style: {max-zoom: 23.5}").allSatisfy { $0 == .number(24) })
    #expect(try greatest("style: {max-zoom: 24}").allSatisfy { $0 == nil })
    #expect(try greatest("").allSatisfy { $0 == nil })
}

@Test func `strokes are no wider than what tiles hold beyond their edge`() throws {
    var wide = try layer("style: {width: 16}")
    // As descriptions that were stored before may have it.
    wide.style.width = 40
    let json = MapStyle(wide, kinds: [.areas, .lines], visibleAttributes: []).styleJSON(here)
    guard case .list(let layers)? = json["layers"] else { throw CocoaError(.featureUnsupported) }
    #expect(layers.compactMap { $0["paint"]?["line-width"] } == [.number(16), .number(16)])
}

@Test func `patterns are for hazards: a legend has none that the map does not draw`() throws {
    var surroundings = here
    surroundings.patternPrefix = "kasane-"
    let uses = MapStyle(
        try layer("style: {by: use, colors: {a: \"#FF0000\", b: \"#00FF00\", c: \"#0000FF\"}}"), kinds: .areas, visibleAttributes: ["use"])
    #expect(uses.legend.count == 4 && uses.legend.allSatisfy { $0.pattern == .plain })
    #expect(!uses.styleJSON(surroundings).string.contains("fill-pattern"))
    let zones = MapStyle(try layer(flood), kinds: .areas, visibleAttributes: ["rank"])
    #expect(zones.legend.contains { $0.pattern != .plain } && zones.styleJSON(surroundings).string.contains("fill-pattern"))
}

@Test func `landslides are coloured by phenomenon and zone`() throws {
    let described = try layer("hazard: {kind: landslide, scheme: landslide, class: zone, phenomenon: what}")
    func colour(_ visible: Set<String>, _ attributes: [String: String]) throws -> JSONTree {
        let json = MapStyle(described, kinds: .areas, visibleAttributes: visible).styleJSON(here)
        guard case .list(let layers)? = json["layers"], let paint = layers[0]["paint"]?["fill-color"] else { return .null }
        return evaluate(paint, attributes)
    }
    #expect(try colour(["zone", "what"], ["what": "2", "zone": "2"]) == .text("#A50021"))
    #expect(try colour(["zone"], ["zone": "2"]) == .text("#FA2800"))
    #expect(try colour(["zone", "what"], ["zone": "2"]) == .text("#FA2800"), "a zone without its phenomenon is not “class not known”")
    let legend = MapStyle(described, kinds: .areas, visibleAttributes: ["zone", "what"]).legend
    #expect(legend.count == 13)
}

@Test func `an attribute the viewer may not see colours and labels nothing`() throws {
    var surroundings = here
    surroundings.glyphs = "http://h/fonts/{fontstack}/{range}.pbf"
    for more in [flood, "style: {by: rank, colors: {1: \"#000000\"}, label: rank}"] {
        let style = MapStyle(try layer(more), kinds: .all, visibleAttributes: [])
        #expect(style.legend.count == 1)
        #expect(!style.styleJSON(surroundings).string.contains("rank"))
    }
}

@Test func `text is drawn only where there are fonts for it`() throws {
    let style = MapStyle(try layer(flood), kinds: .points, visibleAttributes: ["rank"])
    #expect(!style.styleJSON(here).string.contains("text-field"))
    var surroundings = here
    surroundings.glyphs = "http://h/fonts/{fontstack}/{range}.pbf"
    #expect(style.styleJSON(surroundings).string.contains("text-field"))
}

@Test func `the legend has value, label, colour and pattern of each class`() throws {
    let json = MapStyle(try layer(flood), kinds: .areas, visibleAttributes: ["rank"]).legendJSON
    #expect(json["title"]?.string == #"{"ja":"題","en":"Title"}"#)
    guard case .list(let items)? = json["items"] else { throw CocoaError(.featureUnsupported) }
    #expect(items[1].string == ##"{"value":2,"label":{"ja":"0.5m以上3.0m未満","en":"0.5 to 3.0 m"},"color":"#FFD8C0","pattern":"dots"}"##)
    #expect(items.count == 7)
}

@Test func `an attribution cannot bring markup onto the map`() throws {
    let style = MapStyle(try layer("attribution: {ja: \"<img src=x>\"}"), kinds: .lines, visibleAttributes: [])
    #expect(style.styleJSON(here).string.contains("&lt;img src=x&gt;"))
    #expect(!style.styleJSON(here).string.contains("<img"))
}

@Test func `what is written as JSON is read back the same by another reader`() throws {
    let text = "引用\"\\/\u{0}\u{1F}\u{2028}\n\t😀<script>"
    let tree = JSONTree.object([
        "t": .text(text), "n": .number(0.1), "big": .number(1e300), "w": .number(3), "nan": .number(.nan), "i": .integer(.min),
        "l": .list([.null, .boolean(true)]), "left out": nil,
    ])
    let read = try #require(JSONSerialization.jsonObject(with: Data(tree.bytes)) as? [String: Any])
    #expect(read["t"] as? String == text)
    #expect(read["n"] as? Double == 0.1)
    #expect(read["big"] as? Double == 1e300)
    #expect(read["i"] as? Int64 == .min)
    #expect(read["nan"] is NSNull)
    #expect(read.count == 7)
    #expect(tree.string.contains("\"w\":3,"))
}
