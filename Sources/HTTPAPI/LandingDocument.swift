import Descriptions
import Geo

/// `/`: what this is and where everything lies (OGC 17-069r4, 7.2).
struct LandingDocument {
    var addresses: Addresses
    /// The town; nil before one is told.
    var town: LocalizedText?

    private var title: LocalizedText {
        guard let town else { return LocalizedText(ja: "Kasane 統合型GIS", en: "Kasane GIS layer server") }
        return LocalizedText(ja: town.text("ja") + " 統合型GIS", en: town.text("en") + " GIS")
    }

    private var description: LocalizedText {
        LocalizedText(
            ja: "市の地図データを、レイヤーごとに公開しています。OGC API – Features と Tiles で読めます。",
            en: "The city’s map data, layer by layer, through OGC API – Features and Tiles.")
    }

    func json(_ form: Representation) -> JSONTree {
        [
            "title": .text(title.text("ja")), "description": .text(description.text("ja")),
            "links": .list(links(form).map(\.json)),
            "kasane": ["titles": .localized(title), "descriptions": .localized(description)],
        ]
    }

    private func links(_ form: Representation) -> [Link] {
        Addresses.selfAndAlternates(addresses.landing, offered: [.json, .html], chosen: form) + [
            Link(
                href: addresses.api + "?f=json", rel: "service-desc", type: Representation.openAPI.mediaType,
                title: LocalizedText(ja: "APIの定義（OpenAPI 3.0）", en: "API definition (OpenAPI 3.0)")),
            Link(
                href: addresses.api + "?f=html", rel: "service-doc", type: "text/html",
                title: LocalizedText(ja: "APIの説明", en: "API documentation")),
            Link(
                href: addresses.conformance, rel: "conformance", type: "application/json",
                title: LocalizedText(ja: "適合する規格", en: "Conformance")),
            Link(
                href: addresses.collections, rel: "data", type: "application/json",
                title: LocalizedText(ja: "レイヤーの一覧", en: "Layers")),
            Link(
                href: addresses.functions, rel: "http://www.opengis.net/def/rel/ogc/1.0/functions", type: "application/json",
                title: LocalizedText(ja: "フィルターの関数", en: "Functions of filters")),
            Link(
                href: addresses.styles, rel: "http://www.opengis.net/def/rel/ogc/1.0/styles", type: "application/json",
                title: LocalizedText(ja: "スタイル", en: "Styles")),
            Link(
                href: addresses.processes, rel: "http://www.opengis.net/def/rel/ogc/1.0/processes", type: "application/json",
                title: LocalizedText(ja: "レイヤーをまたぐ集計", en: "Questions across layers")),
            Link(
                href: addresses.jobs, rel: "http://www.opengis.net/def/rel/ogc/1.0/job-list", type: "application/json",
                title: LocalizedText(ja: "ジョブの一覧", en: "Jobs")),
            Link(
                href: addresses.map, rel: "related", type: "text/html", title: LocalizedText(ja: "ハザードマップ", en: "Hazard map")),
        ]
    }

    func page() -> Markup {
        let links = links(.html)
        let entries = links.filter { ["data", "related", "service-doc", "conformance"].contains($0.rel) }
            .map { link -> Markup in
                let href = link.rel == "related" || link.rel == "service-doc" ? link.href : Addresses.with(link.href, [("f", "html")])
                return "<li><a href=\"\(href)\">\(PageLayout.both(link.title!))</a></li>\n"
            }
        return PageLayout.page(
            title: title.text("ja"), heading: PageLayout.both(title), crumbs: [], alternates: links.filter { $0.rel != "self" },
            body: "<p>\(PageLayout.both(description))</p>\n<ul>\(entries)</ul>")
    }
}

/// `/conformance` (OGC 17-069r4, 7.4).
struct ConformanceDocument {
    var addresses: Addresses

    func json(_ form: Representation) -> JSONTree {
        let links = Addresses.selfAndAlternates(addresses.conformance, offered: [.json, .html], chosen: form)
        return ["links": .list(links.map(\.json)), "conformsTo": .list(Conformance.classes.map { .text($0) })]
    }

    func page() -> Markup {
        PageLayout.page(
            title: "適合する規格 / Conformance", heading: PageLayout.both("適合する規格", "Conformance"), crumbs: addresses.crumbs(),
            alternates: Addresses.selfAndAlternates(addresses.conformance, offered: [.json, .html], chosen: .html).filter {
                $0.rel != "self"
            },
            body: "<ul>\(Conformance.classes.map { uri -> Markup in "<li><code>\(uri)</code></li>\n" })</ul>")
    }
}

extension Addresses {
    /// The way from the landing page to a resource.
    func crumbs(_ steps: [(href: String, name: Markup)] = []) -> [PageLayout.Crumb] {
        [PageLayout.Crumb(href: landing + "?f=html", name: PageLayout.both("トップ", "Home"))]
            + steps.map { PageLayout.Crumb(href: Addresses.with($0.href, [("f", "html")]), name: $0.name) }
    }

    var collectionsCrumb: (href: String, name: Markup) { (collections, PageLayout.both("レイヤー", "Layers")) }
}
