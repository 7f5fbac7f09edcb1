/// Reads a vector tile as strictly as the specification writes it (MVT 2.1), for tests.
public struct DecodedTile {
    public var layers: [Layer] = []

    public struct Layer {
        public var name = ""
        public var version: UInt64 = 0
        public var extent: UInt64 = 4096
        public var keys: [String] = []
        public var values: [Value] = []
        public var features: [Feature] = []
    }

    public struct Feature {
        public var id: UInt64?
        /// 1 points, 2 lines, 3 polygons.
        public var type: UInt64 = 0
        public var attributes: [String: Value] = [:]
        /// Points: one path each. Lines: a path each. Polygons: a ring each, the closing vertex not repeated.
        public var paths: [[Place]] = []

        /// For each polygon its rings: a ring with positive area begins a polygon (4.3.4.4).
        public var polygons: [[[Place]]] {
            var result: [[[Place]]] = []
            for ring in paths {
                if DecodedTile.doubledArea(ring) > 0 { result.append([ring]) } else { result[result.count - 1].append(ring) }
            }
            return result
        }
    }

    public struct Place: Hashable, Comparable {
        public var x: Int
        public var y: Int

        public init(x: Int, y: Int) { (self.x, self.y) = (x, y) }

        public static func < (left: Place, right: Place) -> Bool { (left.x, left.y) < (right.x, right.y) }
    }

    public enum Value: Hashable {
        case text(String)
        case real(UInt64)
        case integer(Int64)
        case boolean(Bool)
    }

    public struct Malformed: Error {
        public var what: String
        public init(_ what: String) { self.what = what }
    }

    /// The surveyor's formula, in tile coordinates.
    public static func doubledArea(_ ring: [Place]) -> Int {
        var sum = 0
        for (i, a) in ring.enumerated() {
            let b = ring[(i + 1) % ring.count]
            sum += a.x * b.y - b.x * a.y
        }
        return sum
    }

    public init(_ bytes: [UInt8]) throws {
        var message = Message(bytes[...])
        while let field = try message.next() {
            guard field.number == 3 else { throw Malformed("tile field \(field.number)") }
            layers.append(try DecodedTile.layer(try field.bytes()))
        }
    }

    private static func layer(_ bytes: ArraySlice<UInt8>) throws -> Layer {
        var layer = Layer()
        var features: [ArraySlice<UInt8>] = []
        var message = Message(bytes)
        while let field = try message.next() {
            switch field.number {
            case 1: layer.name = try field.text()
            case 2: features.append(try field.bytes())
            case 3: layer.keys.append(try field.text())
            case 4: layer.values.append(try value(try field.bytes()))
            case 5: layer.extent = try field.varint()
            case 15: layer.version = try field.varint()
            default: throw Malformed("layer field \(field.number)")
            }
        }
        guard Set(layer.keys).count == layer.keys.count else { throw Malformed("a key twice") }
        guard Set(layer.values).count == layer.values.count else { throw Malformed("a value twice") }
        for bytes in features { layer.features.append(try feature(bytes, layer)) }
        return layer
    }

    private static func value(_ bytes: ArraySlice<UInt8>) throws -> Value {
        var message = Message(bytes)
        guard let field = try message.next() else { throw Malformed("a value without a value") }
        let value: Value
        switch field.number {
        case 1: value = .text(try field.text())
        case 3: value = .real(try field.fixed64())
        case 4: value = .integer(Int64(bitPattern: try field.varint()))
        case 6: value = .integer(unzigzag(try field.varint()))
        case 7: value = .boolean(try field.varint() != 0)
        default: throw Malformed("value field \(field.number)")
        }
        guard try message.next() == nil else { throw Malformed("a value with two values") }
        return value
    }

    private static func feature(_ bytes: ArraySlice<UInt8>, _ layer: Layer) throws -> Feature {
        var feature = Feature()
        var commands: [UInt64] = []
        var message = Message(bytes)
        while let field = try message.next() {
            switch field.number {
            case 1: feature.id = try field.varint()
            case 2:
                let tags = try field.varints()
                guard tags.count % 2 == 0 else { throw Malformed("odd tags") }
                for i in stride(from: 0, to: tags.count, by: 2) {
                    guard tags[i] < layer.keys.count, tags[i + 1] < layer.values.count else { throw Malformed("tag index") }
                    let previous = feature.attributes.updateValue(layer.values[Int(tags[i + 1])], forKey: layer.keys[Int(tags[i])])
                    guard previous == nil else { throw Malformed("an attribute twice") }
                }
            case 3: feature.type = try field.varint()
            case 4: commands = try field.varints()
            default: throw Malformed("feature field \(field.number)")
            }
        }
        feature.paths = try paths(commands, type: feature.type)
        return feature
    }

    private static func paths(_ commands: [UInt64], type: UInt64) throws -> [[Place]] {
        var paths: [[Place]] = []
        var cursor = Place(x: 0, y: 0)
        var at = 0
        func command(_ id: UInt64) throws -> Int {
            guard at < commands.count, commands[at] & 7 == id, commands[at] >> 3 > 0 else { throw Malformed("command at \(at)") }
            at += 1
            return Int(commands[at - 1] >> 3)
        }
        func step() throws -> Place {
            guard at + 1 < commands.count else { throw Malformed("parameters end") }
            cursor.x += Int(unzigzag(commands[at]))
            cursor.y += Int(unzigzag(commands[at + 1]))
            at += 2
            return cursor
        }
        if type == 1 {
            for _ in 0..<(try command(1)) { paths.append([try step()]) }
            guard at == commands.count else { throw Malformed("more after the points") }
            return paths
        }
        guard type == 2 || type == 3 else { throw Malformed("type \(type)") }
        guard !commands.isEmpty else { throw Malformed("no geometry") }
        while at < commands.count {
            guard try command(1) == 1 else { throw Malformed("MoveTo count") }
            var path = [try step()]
            let count = try command(2)
            if type == 3 && count < 2 { throw Malformed("a ring of \(count + 1) vertices") }
            for _ in 0..<count {
                let place = try step()
                guard place != path.last else { throw Malformed("LineTo of no length") }
                path.append(place)
            }
            if type == 3 {
                guard try command(7) == 1 else { throw Malformed("ClosePath count") }
                guard path.first != path.last else { throw Malformed("a closing vertex repeated") }
                guard doubledArea(path) != 0 else { throw Malformed("a ring without area") }
                if paths.isEmpty && doubledArea(path) < 0 { throw Malformed("a hole first") }
            }
            paths.append(path)
        }
        return paths
    }

    private static func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

    /// Protobuf's wire format, as much of it as tiles use.
    struct Message {
        var rest: ArraySlice<UInt8>

        init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

        struct Field {
            var number: UInt64
            var wire: UInt64
            var number64: UInt64 = 0
            var payload: ArraySlice<UInt8> = []

            func varint() throws -> UInt64 {
                guard wire == 0 else { throw Malformed("wire type \(wire)") }
                return number64
            }

            func fixed64() throws -> UInt64 {
                guard wire == 1 else { throw Malformed("wire type \(wire)") }
                return number64
            }

            func bytes() throws -> ArraySlice<UInt8> {
                guard wire == 2 else { throw Malformed("wire type \(wire)") }
                return payload
            }

            func text() throws -> String {
                guard let text = String(validating: try bytes(), as: UTF8.self) else { throw Malformed("not UTF-8") }
                return text
            }

            func varints() throws -> [UInt64] {
                var message = Message(try bytes())
                var result: [UInt64] = []
                while !message.rest.isEmpty { result.append(try message.varint()) }
                return result
            }
        }

        mutating func varint() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard let byte = rest.popFirst() else { throw Malformed("varint ends") }
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Malformed("varint too long")
        }

        mutating func next() throws -> Field? {
            if rest.isEmpty { return nil }
            let head = try varint()
            var field = Field(number: head >> 3, wire: head & 7)
            switch field.wire {
            case 0: field.number64 = try varint()
            case 1:
                guard rest.count >= 8 else { throw Malformed("fixed64 ends") }
                for i in 0..<8 { field.number64 |= UInt64(rest.removeFirst()) << UInt64(8 * i) }
            case 2:
                let length = Int(try varint())
                guard length <= rest.count else { throw Malformed("length") }
                field.payload = rest.prefix(length)
                rest = rest.dropFirst(length)
            default: throw Malformed("wire type \(field.wire)")
            }
            return field
        }
    }
}
