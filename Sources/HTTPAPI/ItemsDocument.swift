import CQL2
import Descriptions
import Geo
import LayerAtlas
import Query

/// `/collections/{layer}/items`: one page of features, its links and its HTML (OGC 17-069r4, 7.15 and 7.16).
struct ItemsDocument {
    var addresses: Addresses
    var layer: VisibleLayer
    var query: QueryString
    /// The body of a search; nil for an address.
    var search: JSONValue?
    var parameters: ItemsParameters
    var page: ItemsPage
    var form: Representation
    /// Goes on after this page; nil on the last.
    var nextCursor: String?

    /// The parameters that say which features, without those that say which page and which form.
    private var filter: [(name: String, value: String)] {
        query.pairs.filter { !["offset", "cursor", "limit", "f"].contains($0.name) }
    }

    private var size: [(name: String, value: String)] {
        query.pairs.filter { $0.name == "limit" }
    }

    var links: [Link] {
        let type = form == .html ? "text/html" : form.mediaType
        var links: [Link]
        if let search {
            let address = addresses.search(layer.id)
            links = [
                Link(href: address, rel: "self", type: type, title: LocalizedText(ja: "この検索", en: "This search"), body: JSONTree(search))
            ]
            if let nextCursor {
                links.append(
                    Link(
                        href: address, rel: "next", type: type, title: LocalizedText(ja: "次のページ", en: "Next page"),
                        body: JSONTree(search).with("cursor", .text(nextCursor), without: ["offset"])))
            }
        } else {
            let address = addresses.items(layer.id)
            links = Addresses.selfAndAlternates(
                address, parameters: query.pairs.filter { $0.name != "f" }, offered: LayerAPI.pageForms, chosen: form)
            if let nextCursor {
                links.append(
                    Link(
                        href: Addresses.with(address, filter + size + [("cursor", nextCursor), ("f", form.name)]), rel: "next", type: type,
                        title: LocalizedText(ja: "次のページ", en: "Next page")))
            }
            if case .offset(let offset) = parameters.request.position, offset > 0 {
                let before = String(max(0, offset - parameters.request.limit))
                links.append(
                    Link(
                        href: Addresses.with(address, filter + size + [("offset", before), ("f", form.name)]),
                        rel: "prev", type: type, title: LocalizedText(ja: "前のページ", en: "Previous page")))
            }
        }
        links.append(
            Link(href: addresses.collection(layer.id), rel: "collection", type: "application/json", title: layer.description.title))
        return links
    }

    func html(_ engine: QueryEngine) throws(QueryError) -> Markup {
        let wanted = parameters.form.attributes.map { Set($0) }
        let shown = layer.attributes.filter { wanted?.contains($0.name) ?? true }
        var rows: [Markup] = []
        for row in page.rows {
            let id = try engine.identifier(layer, row: row)
            let cells = try engine.values(layer, row: row).filter { wanted?.contains($0.attribute.name) ?? true }.map { pair -> Markup in
                "<td>\(layer.description.shown(pair.value, of: pair.attribute))</td>"
            }
            rows.append("<tr><th scope=\"row\"><a href=\"\(addresses.item(layer.id, id))?f=html\">\(id)</a></th>\(cells)</tr>\n")
        }
        let heads = shown.map { attribute -> Markup in
            "<th scope=\"col\">\(PageLayout.both(layer.description.attribute(attribute.name)?.title ?? LocalizedText(ja: attribute.name)))</th>"
        }
        let links = links
        let steps = links.filter { ["prev", "next"].contains($0.rel) }.map { link -> Markup in
            "<a rel=\"\(link.rel)\" href=\"\(link.href)\">\(PageLayout.both(link.title!))</a>"
        }
        let count: Markup =
            page.matched.map { PageLayout.both("\($0)件のうち\(page.rows.count)件", "\(page.rows.count) of \($0) features") }
            ?? PageLayout.both("\(page.rows.count)件", "\(page.rows.count) features")
        return PageLayout.page(
            title: layer.description.title.text("ja") + " / 地物", heading: PageLayout.both(layer.description.title),
            crumbs: addresses.crumbs([
                addresses.collectionsCrumb, (addresses.collection(layer.id), PageLayout.both(layer.description.title)),
            ]), alternates: links.filter { $0.rel != "self" && $0.rel != "collection" },
            body: """
                <p>\(count)</p>
                <nav class="pages" aria-label="ページ / pages">\(steps)</nav>
                <table><thead><tr><th scope="col">ID</th>\(heads)</tr></thead>
                <tbody>\(rows)</tbody></table>
                <nav class="pages" aria-label="ページ / pages">\(steps)</nav>
                """)
    }
}

/// `/collections/{layer}/items/{id}`: one feature.
struct ItemDocument {
    var addresses: Addresses
    var layer: VisibleLayer
    var row: Int
    var id: String
    var query: QueryString
    var form: Representation

    var links: [Link] {
        Addresses.selfAndAlternates(
            addresses.item(layer.id, id), parameters: query.pairs.filter { $0.name != "f" }, offered: [.geoJSON, .html], chosen: form
        ) + [
            Link(href: addresses.collection(layer.id), rel: "collection", type: "application/json", title: layer.description.title)
        ]
    }

    func html(_ engine: QueryEngine) throws(QueryError) -> Markup {
        var facts: [(name: Markup, value: Markup)] = try engine.values(layer, row: row).map { pair in
            let title = layer.description.attribute(pair.attribute.name)?.title ?? LocalizedText(ja: pair.attribute.name)
            return (PageLayout.both(title), layer.description.shown(pair.value, of: pair.attribute))
        }
        if let geometry = try engine.geometry(layer, row: row) {
            let box = geometry.envelope
            facts.append((PageLayout.both("図形", "Geometry"), "\(geometry.kind.name)"))
            facts.append((PageLayout.both("範囲", "Extent"), "\("\(box.minX), \(box.minY), \(box.maxX), \(box.maxY)")"))
        }
        return PageLayout.page(
            title: id + " / " + layer.description.title.text("ja"), heading: "\(id)",
            crumbs: addresses.crumbs([
                addresses.collectionsCrumb, (addresses.collection(layer.id), PageLayout.both(layer.description.title)),
                (addresses.items(layer.id), PageLayout.both("地物", "Features")),
            ]), alternates: links.filter { $0.rel == "alternate" }, body: PageLayout.facts(facts))
    }
}

extension JSONTree {
    /// An object with another value for one member, and without some.
    fileprivate func with(_ name: String, _ value: JSONTree, without others: Set<String>) -> JSONTree {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { $0.name != name && !others.contains($0.name) } + [Member(name, value)])
    }
}

extension LayerDescription {
    /// A value as people read it: with the meaning of its code and its unit.
    fileprivate func shown(_ value: AttributeValue, of attribute: Attribute) -> Markup {
        let told = self.attribute(attribute.name)
        let plain: String =
            switch value {
            case .null: ""
            case .integer(let number): String(number)
            case .real(let number): String(number)
            case .boolean(let flag): flag ? "はい / yes" : "いいえ / no"
            case .date(let day): day.text
            case .time(let instant): instant.text
            case .text(let text), .json(let text): text
            }
        if let label = told?.codes?.label(for: value) { return "\(PageLayout.both(label)) <span class=\"note\">(\(plain))</span>" }
        guard let unit = told?.unit, value != .null else { return "\(plain)" }
        return "\(plain) \(unit)"
    }
}

extension Instant {
    /// As RFC 3339 writes it, in the zone it was written in, or Japan's.
    fileprivate var text: String {
        let zone = Int64(zoneMinutes ?? 540)
        let local = microseconds + zone * 60_000_000
        let second = Int64(1_000_000)
        let days = local >= 0 ? local / (86_400 * second) : -((-local + 86_400 * second - 1) / (86_400 * second))
        let seconds = Int((local - days * 86_400 * second) / second)
        func two(_ value: Int) -> String { (value < 10 ? "0" : "") + String(value) }
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(two).joined(separator: ":")
        let offset = Int(abs(zone))
        let suffix = zone == 0 ? "Z" : (zone < 0 ? "-" : "+") + two(offset / 60) + ":" + two(offset % 60)
        return Day(daysSince1970: Int32(truncatingIfNeeded: days)).text + "T" + clock + suffix
    }
}
