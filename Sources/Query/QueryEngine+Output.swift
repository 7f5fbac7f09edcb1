import Formats
import Geo
public import LayerAtlas
import LayerStore

extension QueryEngine {
    /// A page as a FeatureCollection (OGC 17-069r4, 7.16).
    ///
    /// - Parameters:
    ///   - links: a JSON array.
    ///   - timeStamp: RFC 3339.
    public func collection(
        _ layer: VisibleLayer, _ page: ItemsPage, form: FeatureForm = FeatureForm(), links: String, timeStamp: String
    ) throws(QueryError) -> FeatureStream {
        try source(layer).collection(page, form: form, links: links, timeStamp: timeStamp, transforms: transforms)
    }

    /// A page in another form.
    public func page(
        _ layer: VisibleLayer, _ page: ItemsPage, form: FeatureForm, format: FeatureFormat, encoding: TableEncoding = .utf8
    ) throws(QueryError) -> FeatureStream {
        try stream(layer, RowFeed(page.rows), form, format, encoding)
    }

    /// All features that hold, in the order of the layer file; limit, order and position of the request are not looked at.
    ///
    /// - Parameter deadline: of making the conditions ready; each piece of the stream has its own.
    public func everything(
        _ layer: VisibleLayer, _ request: ItemsRequest, form: FeatureForm, format: FeatureFormat, encoding: TableEncoding = .utf8,
        deadline: Deadline
    ) throws(QueryError) -> FeatureStream {
        let source = source(layer)
        let question = try RowQuestion(request, in: source, deadline: deadline)
        return try stream(layer, RowFeed(question, rowCount: source.file.rowCount), form, format, encoding)
    }

    private func stream(
        _ layer: VisibleLayer, _ feed: RowFeed, _ form: FeatureForm, _ format: FeatureFormat, _ encoding: TableEncoding
    ) throws(QueryError) -> FeatureStream {
        var frame = FeatureStream.Frame()
        // GeoJSON has no word of its own for a system; this is that of JSON-FG (OGC 21-045).
        let system = form.system == .crs84 ? "" : "\"coordRefSys\":\"\(form.system.uri)\","
        frame.head = "{\"type\":\"FeatureCollection\",\(system)\"features\":[\n"
        frame.between = ",\n"
        frame.tail = "\n]}\n"
        let description = layer.description
        return try FeatureStream(
            source(layer), feed: feed, form: form, format: format, encoding: encoding, frame: frame, title: description.title.text("ja"),
            titles: { description.attribute($0)?.title?.text("ja") }, transforms: transforms)
    }

    /// One feature with links beside its members (OGC 17-069r4, 7.16.2).
    public func feature(_ layer: VisibleLayer, row: Int, form: FeatureForm = FeatureForm(), links: String) throws(QueryError) -> [UInt8] {
        try source(layer).feature(row, form: form, links: links, transforms: transforms)
    }

    /// The system in which the layer's coordinates are given exactly as they came.
    public func sourceSystem(_ layer: VisibleLayer) -> MapSystem { source(layer).sourceSystem }
}

extension RowSource {
    func collection(
        _ page: ItemsPage, form: FeatureForm, links: String, timeStamp: String, transforms: TransformPool
    ) throws(QueryError) -> FeatureStream {
        var writer = ByteWriter()
        writer.literal("],\"numberReturned\":")
        writer.integer(Int64(page.rows.count))
        if let matched = page.matched {
            writer.literal(",\"numberMatched\":")
            writer.integer(Int64(matched))
        }
        writer.literal(",\"timeStamp\":")
        writer.jsonString(timeStamp)
        writer.literal(",\"links\":")
        writer.text(links)
        writer.byte(125)
        var frame = FeatureStream.Frame()
        frame.tail = String(decoding: writer.array(), as: UTF8.self)
        return try FeatureStream(self, feed: RowFeed(page.rows), form: form, format: .geoJSON, frame: frame, transforms: transforms)
    }
}

extension FeatureStream {
    /// Everything at once, for what is known to be small.
    public func bytes(_ deadline: Deadline) throws(QueryError) -> [UInt8] {
        var result: [UInt8] = []
        while try next(deadline, { result += $0 }) {}
        return result
    }
}
