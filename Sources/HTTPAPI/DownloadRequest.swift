import CQL2
import Descriptions
public import LayerAtlas
public import Query

/// What `…/download` answers, asked for by its parameters: the same for the command line, so that both give the same bytes.
public struct DownloadRequest: Sendable {
    private let parameters: ItemsParameters
    private let format: FeatureFormat

    /// - Parameter parameters: `bbox`, `filter`, `crs` and the others, by name.
    /// - Throws: `Problem`.
    public init(
        _ parameters: [(name: String, value: String)], format: FeatureFormat, layer: VisibleLayer, engine: QueryEngine
    ) throws {
        let query = QueryString(pairs: parameters)
        // Cursors are for pages, which a download has none of.
        let key = CursorToken.Key(Array(repeating: 0, count: 32))
        do {
            self.parameters = try ItemsParameters(
                query, attributes: layer.attributes.map(\.name), filter: FilterParameters.filter(query, engine), hasPages: false,
                engine: engine, cursorKey: key)
        } catch {
            throw Problem(any: error)
        }
        self.format = format
    }

    public func stream(_ layer: VisibleLayer, _ engine: QueryEngine) throws -> FeatureStream {
        do {
            return try engine.everything(
                layer, parameters.request, form: parameters.form, format: format, encoding: parameters.encoding,
                deadline: Deadline(seconds: nil))
        } catch {
            throw Problem(any: error)
        }
    }

    /// How many features hold.
    public func count(_ layer: VisibleLayer, _ engine: QueryEngine) throws -> Int {
        do { return try engine.count(layer, parameters.request, deadline: Deadline(seconds: nil)) } catch { throw Problem(any: error) }
    }

    /// How the features would be found, in words; a line for each step of the filter.
    public func plan(_ layer: VisibleLayer, _ engine: QueryEngine) throws -> String {
        do {
            guard let filter = parameters.request.filter else { return "all features" }
            return try engine.plan(layer, filter)
        } catch {
            throw Problem(any: error)
        }
    }

    /// The same as JSON, and the filter in both forms of CQL2: `{"text": "…", "json": {…}, "plan": ["…", …]}`; the first two are null without a filter.
    public func planJSON(_ layer: VisibleLayer, _ engine: QueryEngine) throws -> String {
        let lines = try plan(layer, engine).split(separator: "\n").map { JSONTree.text(String($0)) }
        let (text, json) =
            parameters.request.filter.map { (JSONTree.text($0.text).string, String(decoding: $0.json, as: UTF8.self)) } ?? ("null", "null")
        // The filter's own JSON, byte for byte: it tells 2.0 from 2.
        return "{\"text\":\(text),\"json\":\(json),\"plan\":\(JSONTree.list(lines).string)}"
    }
}
