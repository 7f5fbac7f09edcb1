import Descriptions
import Formats
import Geo
import LayerAtlas
import Query

/// `/collections/{layer}`: one layer as a collection (OGC 17-069r4, 7.14), with what the map needs under `kasane`.
struct CollectionDocument {
    var addresses: Addresses
    var layer: VisibleLayer
    /// In which coordinates are given exactly as they came; CRS84 where that is nothing else.
    var sourceSystem: MapSystem
    /// From when to when its features are; nil where they have no time.
    var time: TimeSpan?

    static let crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

    /// - Parameter form: the form of the document it stands in, where it stands alone.
    func json(_ form: Representation?) -> JSONTree {
        let description = layer.description
        return .object([
            "id": .text(layer.id), "title": .text(description.title.text("ja")),
            "description": description.description.map { .text($0.text("ja")) },
            "attribution": description.attribution.map { .text($0.text("ja")) },
            "itemType": "feature",
            // OGC 18-058r1, 6.2: in the list of collections, one list stands for all. What is asked and counted are the longitudes and latitudes, so they are
            // what is stored; and GDAL takes boxes in the storage's system, which every user expects to be degrees.
            "crs": form == nil ? ["#/crs"] : CollectionDocument.systems, "storageCrs": .text(CollectionDocument.crs84),
            "extent": extent,
            "links": .list(links(form).map(\.json)), "kasane": kasane,
        ])
    }

    /// OGC 17-069r4, 7.13: in space and in time; nil where there is neither.
    private var extent: JSONTree? {
        let spatial: JSONTree? = layer.extent.map { ["bbox": [.box($0)], "crs": .text(CollectionDocument.crs84)] }
        let temporal: JSONTree? = time.map { span in
            [
                "interval": [.list([span.start, span.end].map { $0.flatMap(CollectionDocument.moment).map { .text($0) } ?? .null })],
                "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
            ]
        }
        return spatial == nil && temporal == nil ? nil : .object(["spatial": spatial, "temporal": temporal])
    }

    /// In Japan's zone; nil for a year that RFC 3339 cannot write.
    private static func moment(_ microseconds: Int64) -> String? {
        // 0001-01-01 and 9999-12-31, a day within either.
        guard (-62_135_510_400_000_000...253_402_214_400_000_000).contains(microseconds) else { return nil }
        var writer = ByteWriter(capacity: 40)
        writer.instant(Instant(microseconds: microseconds, zoneMinutes: nil))
        return String(decoding: writer.array(), as: UTF8.self)
    }

    static let systems = JSONTree.list(MapSystem.all.map { .text($0.uri) })

    private var kasane: JSONTree {
        let description = layer.description
        return .object([
            "theme": .text(description.theme), "department": description.department.map { .text($0) }, "version": .text(layer.version),
            "featureCount": .count(layer.featureCount), "baseDate": description.baseDate.map { .text($0.text) },
            "titles": .localized(description.title), "descriptions": description.description.map { .localized($0) },
            "attribution": description.attribution.map { .localized($0) }, "licence": description.licence.map { .text($0) },
            "surveyApproval": description.surveyApproval.map { .text($0) },
            "sourceCrs": .text(sourceSystem.uri),
            "geometryTypes": .list(layer.geometryKinds.map { .text($0.name) }),
            "hazard": hazard,
            "attributes": .list(
                layer.attributes.map { attribute in
                    let told = description.attribute(attribute.name)
                    return .object([
                        "name": .text(attribute.name), "type": .text(attribute.type.rawValue),
                        "titles": .localized(told?.title ?? LocalizedText(ja: attribute.name)), "unit": told?.unit.map { .text($0) },
                        "codes": told?.codes.map { list in
                            .list(list.codes.map { ["value": .text($0.value), "label": .localized($0.label)] })
                        },
                    ])
                }),
        ])
    }

    private var hazard: JSONTree {
        guard let hazard = layer.description.hazard else { return .null }
        return .object([
            "kind": .text(hazard.kind), "scenario": .optional(hazard.scenario), "river": hazard.river.map { .localized($0) } ?? .null,
            "scheme": .optional(hazard.scheme),
        ])
    }

    private func links(_ form: Representation?) -> [Link] {
        let own = addresses.collection(layer.id)
        let here =
            form.map { Addresses.selfAndAlternates(own, offered: [.json, .html], chosen: $0) } ?? [
                Link(href: own, rel: "self", type: "application/json", title: layer.description.title)
            ]
        return here + [
            Link(
                href: addresses.items(layer.id), rel: "items", type: Representation.geoJSON.mediaType,
                title: LocalizedText(ja: "地物（GeoJSON）", en: "Features as GeoJSON")),
            Link(
                href: addresses.items(layer.id) + "?f=html", rel: "items", type: "text/html",
                title: LocalizedText(ja: "地物（HTML）", en: "Features as HTML")),
            Link(
                href: addresses.items(layer.id) + "?f=csv", rel: "items", type: "text/csv",
                title: LocalizedText(ja: "地物（CSV）", en: "Features as CSV")),
            Link(
                href: addresses.items(layer.id) + "?f=flatgeobuf", rel: "items", type: Representation.flatGeobuf.mediaType,
                title: LocalizedText(ja: "地物（FlatGeobuf）", en: "Features as FlatGeobuf")),
            Link(
                href: addresses.items(layer.id) + "?f=geojsonseq", rel: "items", type: Representation.geoJSONSequence.mediaType,
                title: LocalizedText(ja: "地物（GeoJSONテキスト列）", en: "Features as GeoJSON text sequence")),
        ]
            + LayerAPI.fileForms.map { form in
                Link(
                    href: addresses.download(layer.id) + "?f=" + form.name, rel: "enclosure",
                    type: form == .csv ? "text/csv" : form.mediaType,
                    title: LocalizedText(ja: "全件のダウンロード（\(form.title)）", en: "Download of everything as \(form.title)"))
            } + [
                Link(
                    href: addresses.schema(layer.id), rel: "http://www.opengis.net/def/rel/ogc/1.0/schema",
                    type: Representation.schema.mediaType,
                    title: LocalizedText(ja: "属性の定義", en: "Schema")),
                Link(
                    href: addresses.queryables(layer.id), rel: "http://www.opengis.net/def/rel/ogc/1.0/queryables",
                    type: Representation.schema.mediaType, title: LocalizedText(ja: "検索に使える属性", en: "Queryables")),
                Link(
                    href: addresses.sortables(layer.id), rel: "http://www.opengis.net/def/rel/ogc/1.0/sortables",
                    type: Representation.schema.mediaType, title: LocalizedText(ja: "並べ替えに使える属性", en: "Sortables")),
                Link(
                    href: addresses.tileSets(layer.id), rel: "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
                    type: "application/json",
                    title: LocalizedText(ja: "ベクトルタイル", en: "Vector tiles")),
                Link(
                    href: addresses.style(layer.id), rel: "stylesheet", type: "application/vnd.mapbox.style+json",
                    title: LocalizedText(ja: "地図の表現", en: "Style")),
                Link(
                    href: addresses.legend(layer.id), rel: "describedby", type: "application/json",
                    title: LocalizedText(ja: "凡例", en: "Legend")),
            ]
            + LayerAPI.legendForms.map { form in
                Link(
                    href: addresses.legend(layer.id) + "?f=" + form.name, rel: "http://www.opengis.net/def/rel/ogc/1.0/legend",
                    type: form.mediaType, title: LocalizedText(ja: "凡例（\(form.title)）", en: "Legend as \(form.title)"))
            }
    }

    /// Files for people; a spreadsheet in Japan takes CP932, or UTF-8 with a mark.
    private var downloads: [Markup] {
        let address = addresses.download(layer.id)
        let converted =
            GDALProgram.path == nil
            ? []
            : [
                ("GeoPackage", "?f=gpkg"), ("Shapefile（UTF-8）", "?f=shapefile"),
                ("Shapefile（Shift_JIS, CP932）", "?f=shapefile&encoding=cp932"),
            ]
        let own = [
            ("GeoJSON", "?f=geojson"), ("FlatGeobuf", "?f=flatgeobuf"), ("CSV（UTF-8）", "?f=csv&encoding=utf-8-bom"),
            ("CSV（Shift_JIS, CP932）", "?f=csv&encoding=cp932"), ("GeoJSON Text Sequences", "?f=geojsonseq"),
        ]
        return (own + converted).map { name, query in "<li><a href=\"\(address + query)\">\(name)</a></li>\n" }
    }

    /// The legend’s classes, for those who cannot see it.
    private var legendWords: String {
        let style = layer.mapStyle
        return (style.legend.prefix(100).map(\.label) + [style.blank].compactMap(\.self)).map { $0.text("ja") }.joined(separator: "、")
    }

    func page() -> Markup {
        let description = layer.description
        var rows: [(name: Markup, value: Markup)] = [
            (PageLayout.both("ID", "Id"), "<code>\(layer.id)</code>"), (PageLayout.both("分類", "Theme"), "\(description.theme)"),
            (PageLayout.both("地物数", "Features"), "\(layer.featureCount)"),
        ]
        func add(_ ja: String, _ en: String, _ value: String?) {
            if let value { rows.append((PageLayout.both(ja, en), "\(value)")) }
        }
        add("担当", "Department", description.department)
        add("基準日", "Base date", description.baseDate?.text)
        add("出典", "Attribution", description.attribution?.text("ja"))
        add("利用条件", "Licence", description.licence)
        add("測量法の承認番号", "Survey approval", description.surveyApproval)
        add("範囲", "Extent", layer.extent.map { "\($0.minX), \($0.minY), \($0.maxX), \($0.maxY)" })
        if let time {
            let ends = [time.start, time.end].map { $0.flatMap(CollectionDocument.moment) ?? "‥" }
            add("期間", "Time", ends.joined(separator: " – "))
        }
        add("版", "Version", layer.version)
        let attributes = layer.attributes.map { attribute -> Markup in
            let told = description.attribute(attribute.name)
            return """
                <tr><th scope="row"><code>\(attribute.name)</code></th><td>\(told?.title.map(PageLayout.both) ?? "")</td>\
                <td>\(attribute.type.rawValue)</td><td>\(told?.unit ?? "")</td></tr>

                """
        }
        return PageLayout.page(
            title: description.title.text("ja"), heading: PageLayout.both(description.title),
            crumbs: addresses.crumbs([addresses.collectionsCrumb]), alternates: links(.html).filter { $0.rel != "self" },
            body: """
                <p>\(description.description.map(PageLayout.both) ?? "")</p>
                <p class="pages"><a href="\(addresses.items(layer.id))?f=html">\(PageLayout.both("地物を見る", "Features"))</a>
                <a href="\(addresses.map)">\(PageLayout.both("地図で見る", "Map"))</a></p>
                <h2>\(PageLayout.both("凡例", "Legend"))</h2>
                <p><img src="\(addresses.legend(layer.id))?f=svg" alt="\(legendWords)"></p>
                <h2>\(PageLayout.both("ダウンロード", "Downloads"))</h2>
                <ul>\(downloads)</ul>
                \(PageLayout.facts(rows))
                <h2>\(PageLayout.both("属性", "Attributes"))</h2>
                <table><thead><tr><th scope="col">\(PageLayout.both("名前", "Name"))</th><th scope="col">\(PageLayout.both("題名", "Title"))</th>\
                <th scope="col">\(PageLayout.both("型", "Type"))</th><th scope="col">\(PageLayout.both("単位", "Unit"))</th></tr></thead>
                <tbody>\(attributes)</tbody></table>
                """)
    }
}

/// `/collections`: the layers the viewer may see (OGC 17-069r4, 7.13).
struct CollectionsDocument {
    var addresses: Addresses
    var layers: [CollectionDocument]

    func json(_ form: Representation) -> JSONTree {
        let links = Addresses.selfAndAlternates(addresses.collections, offered: [.json, .html], chosen: form)
        return [
            "links": .list(links.map(\.json)), "crs": CollectionDocument.systems,
            "collections": .list(layers.map { $0.json(nil) }),
        ]
    }

    func page() -> Markup {
        let rows = layers.map(\.layer).map { layer -> Markup in
            """
            <tr><th scope="row"><a href="\(addresses.collection(layer.id))?f=html">\(PageLayout.both(layer.description.title))</a></th>\
            <td>\(layer.description.theme)</td><td>\(layer.description.department ?? "")</td>\
            <td>\(layer.description.baseDate?.text ?? "")</td><td>\(layer.featureCount)</td></tr>

            """
        }
        return PageLayout.page(
            title: "レイヤー / Layers", heading: PageLayout.both("レイヤー", "Layers"), crumbs: addresses.crumbs(),
            alternates: Addresses.selfAndAlternates(addresses.collections, offered: [.json, .html], chosen: .html).filter {
                $0.rel != "self"
            },
            body: """
                <table><thead><tr><th scope="col">\(PageLayout.both("レイヤー", "Layer"))</th><th scope="col">\(PageLayout.both("分類", "Theme"))</th>\
                <th scope="col">\(PageLayout.both("担当", "Department"))</th><th scope="col">\(PageLayout.both("基準日", "Base date"))</th>\
                <th scope="col">\(PageLayout.both("地物数", "Features"))</th></tr></thead>
                <tbody>\(rows)</tbody></table>
                """)
    }
}

extension Day {
    /// As RFC 3339 writes a day.
    var text: String {
        let civil = civil
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return padded(civil.year, 4) + "-" + padded(civil.month, 2) + "-" + padded(civil.day, 2)
    }
}
