extension LayerFile {
    /// The number of a row's feature, below 2⁵³: its id in tiles.
    public func number(_ row: Int) throws(LayerFileError) -> UInt64 {
        precondition(row >= 0 && row < rowCount)
        try numbers.touch(8 * row, 8)
        return numbers.load(row, as: UInt64.self)
    }

    /// Checks the blocks that the numbers of these rows lie in.
    @inlinable
    public func touchNumbers(_ rows: Range<Int>) throws(LayerFileError) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount)
        try numbers.touch(8 * rows.lowerBound, 8 * rows.count)
    }

    /// The identifier of a row's feature, as in the API.
    public func identifier(_ row: Int) throws(LayerFileError) -> String {
        guard identity == .text, let idColumn else { return String(try number(row)) }
        return try columns[idColumn].string(row) ?? ""
    }

    /// The row of an identifier, or of a feature's number in its plain decimal form.
    /// - Complexity: O(log n)
    public func row(identifier: String) throws(LayerFileError) -> Int? {
        let bytes = Array(identifier.utf8)
        if identity == .text, let row = try row(identifierBytes: bytes) { return row }
        guard let number = LayerFile.canonicalNumber(bytes) else { return nil }
        return try row(number: number)
    }

    /// - Complexity: O(log n)
    public func row(number: UInt64) throws(LayerFileError) -> Int? {
        guard let order = sections[SectionKey(kind: .numberOrder)] else { return nil }
        var (low, high) = (0, rowCount)
        while low < high {
            let middle = (low + high) / 2
            if try self.number(try rowAt(middle, order)) < number { low = middle + 1 } else { high = middle }
        }
        guard low < rowCount else { return nil }
        let row = try rowAt(low, order)
        return try self.number(row) == number ? row : nil
    }

    func row(identifierBytes: [UInt8]) throws(LayerFileError) -> Int? {
        guard identity == .text, let idColumn, let hashes = sections[SectionKey(kind: .identifierHash)],
            let rows = sections[SectionKey(kind: .identifierRow)], hashes.length == 8 * rowCount, rows.length == 4 * rowCount
        else { return nil }
        let hash = identifierBytes.withUnsafeBytes { LayerFileFormat.hash($0) }
        var (low, high) = (0, rowCount)
        while low < high {
            let middle = (low + high) / 2
            try hashes.touch(8 * middle, 8)
            if hashes.load(middle, as: UInt64.self) < hash { low = middle + 1 } else { high = middle }
        }
        while low < rowCount {
            try hashes.touch(8 * low, 8)
            guard hashes.load(low, as: UInt64.self) == hash else { return nil }
            let row = try rowAt(low, rows)
            if try Array((columns[idColumn].string(row) ?? "").utf8) == identifierBytes { return row }
            low += 1
        }
        return nil
    }

    /// Rows whose public content has this hash, in the order of rows.
    func contentRows(high: UInt64, low: UInt64) throws(LayerFileError) -> [Int] {
        guard let hashes = sections[SectionKey(kind: .contentHash)], let order = sections[SectionKey(kind: .contentOrder)],
            hashes.length == 16 * rowCount, order.length == 4 * rowCount
        else { return [] }
        func hash(_ row: Int) throws(LayerFileError) -> (high: UInt64, low: UInt64) {
            try hashes.touch(16 * row, 16)
            return (hashes.load(2 * row, as: UInt64.self), hashes.load(2 * row + 1, as: UInt64.self))
        }
        var (from, to) = (0, rowCount)
        while from < to {
            let middle = (from + to) / 2
            if try hash(try rowAt(middle, order)).high < high { from = middle + 1 } else { to = middle }
        }
        var result: [Int] = []
        while from < rowCount {
            let row = try rowAt(from, order)
            let found = try hash(row)
            guard found.high == high else { break }
            if found.low == low { result.append(row) }
            from += 1
        }
        return result
    }

    private func rowAt(_ place: Int, _ order: Section) throws(LayerFileError) -> Int {
        try order.touch(4 * place, 4)
        let row = Int(order.load(place, as: UInt32.self))
        guard row < rowCount else { throw .malformed("an order of rows") }
        return row
    }

    /// A number below 2⁵³ that is written in its plain form: no sign, no leading zero, no other digits.
    static func canonicalNumber(_ text: [UInt8]) -> UInt64? {
        guard (1...16).contains(text.count), text.allSatisfy({ (48...57).contains($0) }), text[0] != 48 || text.count == 1 else {
            return nil
        }
        let number = text.reduce(UInt64(0)) { 10 * $0 + UInt64($1 - 48) }
        return number < LayerBuilder.numberLimit ? number : nil
    }
}
