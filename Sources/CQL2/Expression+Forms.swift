extension Expression {
    /// Reads the text form (`filter-lang=cql2-text`).
    /// - Throws: where it is no CQL2 or beyond the limits; nothing deep or large exists by then.
    /// - Complexity: O(bytes)
    public init(text: String, limits: Limits = .address) throws(FilterError) {
        var parser = try TextParser(text, limits)
        self = try parser.filter()
    }

    /// Reads the JSON form (`filter-lang=cql2-json`).
    /// - Complexity: O(bytes)
    public init(json: [UInt8], limits: Limits = .address) throws(FilterError) {
        guard json.count <= limits.bytes else { throw .tooLong(limits.bytes) }
        // A level of the tree is at most three of JSON (object, args, list of `in`); a collection's coordinates are seven more.
        try self.init(json: try JSONValue(reading: json, depth: 3 * limits.depth + 8), limits: limits)
    }

    /// Takes the JSON form from a document that was read already, such as the body of a search.
    ///
    /// The document's reader bounded its bytes and depth; offsets of errors are those of the document.
    public init(json: JSONValue, limits: Limits = .body) throws(FilterError) {
        var parser = JSONParser(limits)
        self = try parser.filter(json)
    }

    /// The text form. Reading it gives the same expression again.
    ///
    /// For expressions that came through a parser, or could have: in one made by hand names must not be empty, numbers finite, days and
    /// instants within the years 0 to 9999 and instants of zone 0.
    public var text: String {
        var writer = TextWriter()
        writer.write(self)
        return writer.result
    }

    /// The JSON form in UTF-8, by the schema of the standard. Reading it gives the same expression again, as for `text`.
    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }
}
