import Geo

/// Writes the JSON form, as the schema of 21-065r2 has it.
///
/// Two things are outside that schema because the tree is: `between` for dates and texts, and a property alone as a condition. A
/// collection of one part has one geometry, where the schema wants two.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ expression: Expression) {
        switch expression {
        case .and(let operands): operation("and", operands)
        case .or(let operands): operation("or", operands)
        case .not(let operand): operation("not", [operand])
        case .comparison(let comparison, let left, let right): operation(comparison.rawValue, [left, right])
        case .isNull(let operand): operation("isNull", [operand])
        case .like(let value, let pattern): operation("like", [value, pattern])
        case .between(let value, let lower, let upper): operation("between", [value, lower, upper])
        case .isIn(let value, let elements): operation("in", [value, .list(elements)])
        case .spatial(let relation, let left, let right): operation(relation.rawValue, [left, right])
        case .temporal(let relation, let left, let right): operation(relation.rawValue, [left, right])
        case .array(let relation, let left, let right): operation(relation.rawValue, [left, right])
        case .property(let name): member("property", name)
        case .text(let text): string(text)
        case .integer(let value): bytes += String(value).utf8
        case .real(let value): bytes += value.description.utf8
        case .boolean(let value): bytes += (value ? "true" : "false").utf8
        case .date(let day): member("date", TemporalText.text(day))
        case .timestamp(let instant): member("timestamp", TemporalText.text(instant))
        case .interval(let start, let end):
            bytes += "{\"interval\":[".utf8
            intervalEnd(start)
            bytes += ",".utf8
            intervalEnd(end)
            bytes += "]}".utf8
        case .geometry(let geometry): self.geometry(geometry)
        case .bbox(let west, let south, let east, let north): bytes += "{\"bbox\":[\(west),\(south),\(east),\(north)]}".utf8
        case .list(let elements): list(elements)
        case .arithmetic(let arithmetic, let left, let right): operation(arithmetic.rawValue, [left, right])
        case .casei(let operand): operation("casei", [operand])
        case .accenti(let operand): operation("accenti", [operand])
        case .function(let name, let arguments): operation(name, arguments)
        }
    }

    private mutating func operation(_ name: String, _ arguments: [Expression]) {
        bytes += "{\"op\":".utf8
        string(name)
        bytes += ",\"args\":".utf8
        list(arguments)
        bytes += "}".utf8
    }

    private mutating func list(_ elements: [Expression]) {
        separated(elements) { writer, element in writer.write(element) }
    }

    private mutating func separated<Elements: Sequence>(_ elements: Elements, _ body: (inout JSONWriter, Elements.Element) -> Void) {
        bytes += "[".utf8
        var isFirst = true
        for element in elements {
            if !isFirst { bytes += ",".utf8 }
            isFirst = false
            body(&self, element)
        }
        bytes += "]".utf8
    }

    private mutating func member(_ name: StaticString, _ value: String) {
        bytes += "{\"\(name)\":".utf8
        string(value)
        bytes += "}".utf8
    }

    private mutating func intervalEnd(_ end: Expression?) {
        switch end {
        case nil: string("..")
        case .date(let day): string(TemporalText.text(day))
        case .timestamp(let instant): string(TemporalText.text(instant))
        case .some(let reference): write(reference)
        }
    }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case ..<32:
                let hex = String(byte, radix: 16)
                bytes += "\\u\(hex.utf8.count == 1 ? "000" : "00")\(hex)".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    // MARK: Geometries

    private mutating func geometry(_ geometry: Geometry) {
        bytes += "{\"type\":\"\(geometry.kind.name)\",".utf8
        let part = geometry.kind.partKind
        switch geometry.kind {
        case .geometryCollection:
            bytes += "\"geometries\":".utf8
            separated(geometry.partEnds.indices) { writer, i in
                writer.bytes += "{\"type\":\"\(geometry.partKinds[i].name)\",\"coordinates\":".utf8
                writer.part(geometry, i, geometry.partKinds[i])
                writer.bytes += "}".utf8
            }
        case part where !geometry.partEnds.isEmpty:
            bytes += "\"coordinates\":".utf8
            self.part(geometry, 0, part)
        default:
            bytes += "\"coordinates\":".utf8
            separated(geometry.partEnds.indices) { writer, i in writer.part(geometry, i, part) }
        }
        bytes += "}".utf8
    }

    private mutating func part(_ geometry: Geometry, _ part: Int, _ kind: GeometryKind) {
        let rings = geometry.rings(ofPart: part)
        switch kind {
        case .polygon: separated(rings) { writer, ring in writer.positions(geometry, ring) }
        case .lineString: positions(geometry, rings.lowerBound)
        default: position(geometry.vertex(geometry.vertices(ofRing: rings.lowerBound).lowerBound))
        }
    }

    private mutating func positions(_ geometry: Geometry, _ ring: Int) {
        separated(geometry.vertices(ofRing: ring)) { writer, i in writer.position(geometry.vertex(i)) }
    }

    private mutating func position(_ point: Point) {
        bytes += "[\(point.x),\(point.y)]".utf8
    }
}
