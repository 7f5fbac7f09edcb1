import Descriptions
import Foundation
import FoundationXML
import Geo
import TestKit
import Testing

private func layer(_ more: String) throws -> LayerDescription {
    try LayerDescription.parse(yaml: "id: a\ntitle: {ja: 題, en: Title}\n" + more, file: "layer.yaml")
}

private func picture(_ more: String, _ kinds: MapStyle.GeometryKinds = .areas, visible: Set<String> = ["rank"]) throws -> LegendPicture {
    LegendPicture(parts: [MapStyle(try layer(more), kinds: kinds, visibleAttributes: visible).legendPart])
}

/// The elements of a document, read by another reader than ours.
private final class Elements: NSObject, XMLParserDelegate {
    var all: [(name: String, fields: [String: String], text: String)] = []
    private var open: [Int] = []

    init?(_ svg: String) {
        super.init()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = self
        guard parser.parse() else { return nil }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String] = [:]
    ) {
        open.append(all.count)
        all.append((name, attributes, ""))
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        if let at = open.last { all[at].text += text }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    func texts(_ name: String) -> [String] { all.filter { $0.name == name }.map(\.text) }
}

private let flood = "hazard: {kind: flood, scheme: depth-6, class: rank, coverage: a.geojson}\n"

@Test(arguments: ["ja", "en"])
func `a legend's picture has every class with its colour, its pattern and its words`(language: String) throws {
    let drawing = try picture(flood).svg(language: language)
    let elements = try #require(Elements(drawing.svg))
    let fills = elements.all.filter { $0.name == "rect" }.compactMap { $0.fields["fill"] }
    let written = elements.texts("text").joined().filter { $0 != " " }
    for item in ClassScheme.depth6.classes {
        #expect(fills.filter { $0 == item.color.description }.count == 1)
        #expect(fills.contains("url(#\(item.pattern.rawValue))"))
        #expect(elements.all.contains { $0.name == "pattern" && $0.fields["id"] == item.pattern.rawValue })
        #expect(written.contains(item.label.text(language).filter { $0 != " " }))
    }
    #expect(written.contains(language == "ja" ? "題" : "Title"))
    #expect(written.contains(language == "ja" ? "安全とは限りません" : "notnecessarilysafe"))
    let root = elements.all[0]
    #expect(root.fields["role"] == "img" && root.fields["lang"] == language)
    #expect(root.fields["width"] == "\(drawing.width)" && root.fields["viewBox"] == "0 0 \(drawing.width) \(drawing.height)")
    // Who cannot see it is told all of it.
    let spoken = elements.texts("desc").joined()
    #expect(elements.texts("title") == [language == "ja" ? "凡例：題" : "Legend: Title"])
    for item in ClassScheme.depth6.classes { #expect(spoken.contains(item.label.text(language))) }
}

@Test func `text can be read and samples stand out`() throws {
    for more in [flood, "style: {by: rank, colors: {1: \"#FFFFF0\", 2: \"#000000\", 3: \"#FFFFFF\"}, outline: \"#FFFFFF\"}"] {
        for kinds in [MapStyle.GeometryKinds.areas, .lines, .points] {
            let elements = try #require(Elements(try picture(more, kinds).svg(language: "ja").svg))
            for text in elements.all where text.name == "text" {
                #expect(Int(text.fields["font-size"] ?? "") ?? 0 >= 14)
                #expect(try #require(Color(text.fields["fill"] ?? "")).contrast(with: .white) >= 7)
            }
            // WCAG 1.4.11: what is drawn has an edge of 3 to 1, or is as dark itself.
            for shape in elements.all
            where ["rect", "circle"].contains(shape.name) && shape.fields["width"] != elements.all[0].fields["width"] {
                guard let edge = shape.fields["stroke"] else { continue }
                #expect(try #require(Color(edge)).contrast(with: .white) >= 3, "\(shape.fields)")
            }
            let strokes = elements.all.filter { $0.name == "path" && $0.fields["d"] == "M0 12H44" }.compactMap {
                $0.fields["stroke"].flatMap { Color($0) }
            }
            if kinds == .lines {
                #expect(strokes.filter { $0.contrast(with: .white) >= 3 }.count >= strokes.filter { $0.contrast(with: .white) < 3 }.count)
            }
        }
    }
}

@Test func `what is written in a layer's description stays text`() throws {
    let hostile = "</text><script>alert(1)</script>\"'&<![CDATA[x]]><!--\u{1}\u{8}\u{202E}\u{FFFE}\n&#0;<image href=\"http://x/\"/>"
    var description = try layer(flood)
    description.title = LocalizedText(ja: hostile, en: hostile)
    description.style.by = "rank"
    description.style.colors = [.init(value: hostile, color: .black)]
    let style = MapStyle(description, kinds: .areas, visibleAttributes: ["rank"])
    for language in ["ja", "en", "\"><script>"] {
        let svg = LegendPicture(title: description.title, parts: [style.legendPart]).svg(language: language).svg
        let elements = try #require(Elements(svg), "not well-formed")
        #expect(Set(elements.all.map(\.name)).isSubset(of: ["svg", "title", "desc", "defs", "pattern", "g", "path", "rect", "text"]))
        #expect(!svg.contains("http://x/\"/>") && !svg.contains("<script") && !svg.unicodeScalars.contains("\u{202E}"))
        #expect(elements.all.allSatisfy { !$0.fields.keys.contains { $0.hasPrefix("on") || $0.contains("href") } })
    }
}

@Test(arguments: 0..<20)
func `a picture holds whatever texts and numbers of classes there are`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    func text() -> String {
        let letters = Array("あ漢字ー。（）abc WWW mm 、😀\u{3099}ｱ12")
        return String((0..<Int.random(in: 0...400, using: &random)).map { _ in letters.randomElement(using: &random)! })
    }
    let count = [0, 1, 5, 199, 200, 201, 500].randomElement(using: &random)!
    let entries = (0..<count).map { _ in
        LegendPicture.Entry(
            label: LocalizedText(ja: text()), color: Bool.random(using: &random) ? .black : nil, outline: .black,
            pattern: FillPattern.allCases.randomElement(using: &random)!)
    }
    let part = LegendPicture.Part(
        title: LocalizedText(ja: text()), shape: [.area, .line, .point].randomElement(using: &random)!, width: 100, entries: entries)
    let drawing = LegendPicture(parts: Array(repeating: part, count: Int.random(in: 0...3, using: &random))).svg(language: "ja")
    let elements = try #require(Elements(drawing.svg))
    #expect(drawing.width < 2200)
    var last = 0
    for line in elements.all where line.name == "text" {
        let (x, y) = (Int(line.fields["x"] ?? "") ?? -1, Int(line.fields["y"] ?? "") ?? -1)
        #expect(x >= 0 && y > 0 && x < drawing.width && y < drawing.height)
        last = max(last, y)
    }
    if count > 200, drawing.height > 100 { #expect(elements.texts("text").contains { $0.contains("ほか\(count - 200)区分") }) }
}

@Test func `a town's legend stands in columns that share nothing`() throws {
    let part = MapStyle(try layer(flood), kinds: .areas, visibleAttributes: ["rank"]).legendPart
    let drawing = LegendPicture(title: LocalizedText(ja: "町"), parts: Array(repeating: part, count: 9)).svg(language: "ja")
    #expect(drawing.height < 1600 && drawing.width < 2200)
    let elements = try #require(Elements(drawing.svg))
    #expect(elements.texts("text").filter { $0 == "題" }.count == 9)
    let places = elements.all.filter { $0.name == "g" }.compactMap { $0.fields["transform"] }.filter { !$0.contains(".") }
    #expect(places.count == 9 * 8 && Set(places).count == places.count, "two samples in one place")
}
