import Geo

extension TextParser {
    // MARK: Times

    /// `DATE('…')` or `TIMESTAMP('…')`, from the `(` on.
    mutating func instant(_ keyword: Keyword, at offset: Int) throws(FilterError) -> Node {
        try advance()
        guard current.kind == .text else { throw unexpected(ja: "'…' で囲んだ日時", en: "a date or time in '…'") }
        let text = tokens.text(of: current)
        let value: Expression =
            keyword == .date
            ? .date(try TemporalText.day(text, at: current.start)) : .timestamp(try TemporalText.instant(text, at: current.start))
        try advance()
        try close()
        return try tree.leaf(value, at: offset)
    }

    /// An end of `INTERVAL('…', '…')`; nil is open.
    mutating func intervalEnd() throws(FilterError) -> Node? {
        let offset = current.start
        guard current.kind == .text else {
            let node = try expression(.operand)
            guard node.expression.role == .reference else {
                throw .syntax(
                    offset, ja: "INTERVAL の両端は '2024-03-31'、'2024-03-31T12:00:00Z'、'..'、または項目名で書いてください。",
                    en: "The ends of INTERVAL are '2024-03-31', '2024-03-31T12:00:00Z', '..' or properties.")
            }
            return node
        }
        let value = try TemporalText.end(tokens.text(of: current), at: offset)
        try advance()
        guard let value else { return nil }
        return try tree.leaf(value, at: offset)
    }

    // MARK: Places

    /// `BBOX(west, south, east, north)`, from the `(` on; with six numbers the third and the sixth are heights, and dropped.
    mutating func box() throws(FilterError) -> Expression {
        let offset = previous.start
        try advance()
        var numbers: [Double] = []
        repeat {
            numbers.append(try coordinate())
            if numbers.count > 6 { break }
        } while try take(",")
        try close()
        guard let box = Expression.box(numbers) else {
            throw .syntax(offset, ja: "BBOX には数が4個(または6個)必要です。", en: "BBOX needs four numbers, or six.")
        }
        return box
    }

    /// A WKT geometry behind the name of its kind.
    ///
    /// Beyond the grammar: `EMPTY` for polygons and multi-geometries, which the JSON form has as `[]` (the grammar names an `emptySet` and
    /// does not define it), and `MULTIPOINT(1 2, 3 4)`, as GEOS before 3.12 writes it.
    mutating func geometry(_ kind: GeometryKind) throws(FilterError) -> Geometry {
        var builder = GeometryBuilder(kind)
        if kind == .geometryCollection {
            if keywordText == "z" { try advance() }
            try run { parser throws(FilterError) in
                let offset = parser.current.start
                guard case .geometry(let member)? = parser.keyword, member != .geometryCollection else {
                    throw .syntax(
                        offset, ja: "GEOMETRYCOLLECTION の中には POINT などの図形を書いてください(入れ子にはできません)。",
                        en: "A GEOMETRYCOLLECTION holds geometries such as POINT, and no other collection.")
                }
                try parser.advance()
                try parser.parts(member, into: &builder)
            }
        } else {
            try parts(kind, into: &builder)
        }
        return builder.geometry
    }

    /// The parts of a geometry that is no collection.
    private mutating func parts(_ kind: GeometryKind, into builder: inout GeometryBuilder) throws(FilterError) {
        if keywordText == "z" { try advance() }
        let part = kind.partKind
        if kind != .point && kind != .lineString, try takeEmpty() { return }
        guard kind != part else { return try self.part(part, into: &builder) }
        try run { parser throws(FilterError) in
            if kind == .multiPoint && !parser.isSign("(") {
                try parser.position(into: &builder)
                try builder.endRing(.point, at: parser.current.start)
                builder.endPart(.point)
            } else {
                if part == .polygon, try parser.takeEmpty() { return }
                try parser.part(part, into: &builder)
            }
        }
    }

    private mutating func part(_ kind: GeometryKind, into builder: inout GeometryBuilder) throws(FilterError) {
        switch kind {
        case .polygon:
            var isHollow = false
            try run { parser throws(FilterError) in
                let offset = parser.current.start
                if try parser.takeEmpty() {
                    isHollow = true
                    return
                }
                guard !isHollow else {
                    throw .syntax(offset, ja: "外側の輪が空の多角形に穴は書けません。", en: "A polygon whose shell is empty can have no holes.")
                }
                try parser.ring(.polygon, into: &builder)
            }
        default: try ring(kind, into: &builder)
        }
        builder.endPart(kind)
    }

    private mutating func ring(_ kind: GeometryKind, into builder: inout GeometryBuilder) throws(FilterError) {
        let offset = current.start
        if kind == .point {
            guard try take("(") else { throw unexpected(ja: "「(」", en: "“(”") }
            try position(into: &builder)
            try close()
        } else {
            try run { parser throws(FilterError) in try parser.position(into: &builder) }
        }
        try builder.endRing(kind, at: offset)
    }

    /// x, y and, dropped, z, with a space or a sign between them.
    private mutating func position(into builder: inout GeometryBuilder) throws(FilterError) {
        try tree.countVertex(at: current.start)
        let x = try coordinate()
        try space()
        let y = try coordinate()
        if current.kind == .number || isSign("-") || isSign("+") {
            try space()
            _ = try coordinate()
        }
        builder.add(x: x, y: y)
    }

    /// Without it `138.536.25` would be two numbers, 138.536 and .25, and a place far from the one that was meant.
    private func space() throws(FilterError) {
        guard current.kind != .number || previous.end < current.start else {
            throw .syntax(
                current.start, ja: "座標の数と数の間は空白で区切ってください（例: 138.5 36.25）。小数点は1つの数に1つだけです。",
                en: "Put a space between the numbers of a position, as in 138.5 36.25; a number has one decimal point.")
        }
    }

    private mutating func takeEmpty() throws(FilterError) -> Bool {
        guard keywordText == "empty" else { return false }
        try advance()
        return true
    }

    /// `(`, one or several separated by commas, `)`. Calls of this nest as deep as WKT does, no further.
    private mutating func run(_ element: (inout TextParser) throws(FilterError) -> Void) throws(FilterError) {
        guard try take("(") else { throw unexpected(ja: "「(」", en: "“(”") }
        repeat { try element(&self) } while try take(",")
        try close()
    }
}

extension Expression {
    /// From four numbers, or from six with the heights dropped.
    static func box(_ numbers: [Double]) -> Expression? {
        switch numbers.count {
        case 4: .bbox(west: numbers[0], south: numbers[1], east: numbers[2], north: numbers[3])
        case 6: .bbox(west: numbers[0], south: numbers[1], east: numbers[3], north: numbers[4])
        default: nil
        }
    }
}
