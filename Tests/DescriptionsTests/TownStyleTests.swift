import Descriptions
import Geo
import Testing

@Suite struct TownStyleTests {
    private func part(_ id: String, _ kinds: MapStyle.GeometryKinds, order: Int = 0) throws -> TownStyle.Part {
        let description = try LayerDescription.parse(
            yaml: "id: \(id)\ntitle: {ja: 題, en: Title}\nstyle: {order: \(order)}\n", file: "layer.yaml")
        return TownStyle.Part(
            MapStyle(description, kinds: kinds, visibleAttributes: []), MapStyle.Surroundings(tiles: "http://h/\(id)/{z}/{y}/{x}"))
    }

    @Test func `areas lie below lines and lines below points, whatever order the layers come in`() throws {
        let style = TownStyle(
            name: LocalizedText(ja: "見本市"),
            parts: [
                try part("points", .points), try part("lines", .lines), try part("above", .areas, order: 2),
                try part("below", .areas, order: 1),
            ])
        guard case .list(let layers)? = style.json["layers"] else {
            Issue.record("no layers")
            return
        }
        #expect(
            layers.map { $0["id"] }
                == ["kasane-background", "below-fill", "below-border", "above-fill", "above-border", "lines-line", "points-circle"].map {
                    .text($0)
                })
        guard case .object(let sources)? = style.json["sources"] else {
            Issue.record("no sources")
            return
        }
        #expect(Set(sources.map(\.name)) == ["points", "lines", "above", "below"])
        for layer in layers.dropFirst() { #expect(sources.contains { .text($0.name) == layer["source"] }) }
    }

    @Test func `a town without layers has a style all the same`() {
        let style = TownStyle(name: LocalizedText(ja: "見本市"), parts: []).json
        #expect(style["version"] == .integer(8))
        #expect(style["sources"] == .object([JSONTree.Member]()))
    }
}
