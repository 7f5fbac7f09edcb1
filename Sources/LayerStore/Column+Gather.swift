extension Column {
    /// Copies the values of some touched rows side by side, null ones left out, for work that goes column by column: the form is looked at once and not
    /// at every value.
    ///
    /// - Parameters:
    ///   - areAscending: each of `rows` is greater than the one before.
    ///   - places: for each value that is there, its place in `rows`; room for as many as `rows`.
    ///   - bits: integers, reals as their bits, truth values, days, microseconds, or codes of a dictionary; room for as many as `rows`.
    /// - Returns: how many values are there.
    /// - Precondition: not a column of texts, which `gatherTexts` takes.
    public func gather(
        _ rows: UnsafeBufferPointer<Int32>, areAscending: Bool, places: UnsafeMutablePointer<Int32>, bits: UnsafeMutablePointer<UInt64>
    ) -> Int {
        let count = gatherPlaces(rows, areAscending, places)
        let values = record.pointee.values
        switch record.pointee.form {
        case .integers, .reals, .times:
            for i in 0..<count { bits[i] = values.load(Int(rows[Int(places[i])]), as: UInt64.self) }
        case .booleans:
            for i in 0..<count { bits[i] = UInt64(values.load(Int(rows[Int(places[i])]), as: UInt8.self)) }
        case .dates:
            for i in 0..<count { bits[i] = UInt64(bitPattern: Int64(values.load(Int(rows[Int(places[i])]), as: Int32.self))) }
        case .dictionary:
            let isNarrow = record.pointee.width == 1
            for i in 0..<count {
                let row = Int(rows[Int(places[i])])
                let code = isNarrow ? Int(values.load(row, as: UInt8.self)) : Int(values.load(row, as: UInt16.self))
                precondition(code < record.pointee.entryCount)
                bits[i] = UInt64(truncatingIfNeeded: code)
            }
        case .texts, .json: preconditionFailure("a column of texts")
        }
        return count
    }

    /// As `gather`, for texts and JSON: where each lies, valid as long as the file is open.
    public func gatherTexts(
        _ rows: UnsafeBufferPointer<Int32>, areAscending: Bool, places: UnsafeMutablePointer<Int32>,
        texts: UnsafeMutablePointer<UnsafeRawBufferPointer>
    ) -> Int {
        precondition(record.pointee.form == .texts || record.pointee.form == .json, "a column without texts of its own")
        let count = gatherPlaces(rows, areAscending, places)
        for i in 0..<count { texts[i] = bytes(Int(rows[Int(places[i])])) }
        return count
    }

    /// Whether the texts of this column lie one by one in the file, and not in a dictionary.
    public var hasOwnTexts: Bool { record.pointee.form == .texts || record.pointee.form == .json }

    /// 64 bits that are equal for equal values of touched rows: for telling classes apart. Of texts that lie one by one, a hash.
    public func bits(touched row: Int) -> UInt64 {
        switch value(row) {
        case .null: .max
        case .integer(let value): UInt64(bitPattern: value)
        case .real(let value): value.bitPattern
        case .boolean(let value): value ? 1 : 0
        case .date(let value): UInt64(bitPattern: Int64(value.daysSince1970))
        case .time(let value): UInt64(bitPattern: value.microseconds)
        case .text(let bytes), .json(let bytes): record.pointee.form == .dictionary ? UInt64(code(row)) : LayerFileFormat.hash(bytes)
        }
    }

    private func gatherPlaces(
        _ rows: UnsafeBufferPointer<Int32>, _ areAscending: Bool, _ places: UnsafeMutablePointer<Int32>
    ) -> Int {
        guard let nulls = record.pointee.nulls else {
            for i in 0..<rows.count { places[i] = Int32(truncatingIfNeeded: i) }
            return rows.count
        }
        var count = 0
        var i = 0
        while i < rows.count {
            let row = Int(rows[i])
            // Eight rows whose bits are one byte: often all of them have a value, or none has.
            if areAscending && row & 7 == 0 && i &+ 7 < rows.count && Int(rows[i &+ 7]) == row &+ 7 {
                let areNull = nulls.load(row >> 3, as: UInt8.self)
                if areNull == 0 {
                    for j in 0..<8 { places[count &+ j] = Int32(truncatingIfNeeded: i &+ j) }
                    count &+= 8
                }
                if areNull == 0 || areNull == 0xFF {
                    i &+= 8
                    continue
                }
            }
            places[count] = Int32(truncatingIfNeeded: i)
            let isThere = nulls.load(row >> 3, as: UInt8.self) & (1 << UInt8(truncatingIfNeeded: row & 7)) == 0
            count &+= isThere ? 1 : 0
            i &+= 1
        }
        return count
    }
}
