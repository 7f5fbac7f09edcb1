import Geo

/// Writes the sections of one column from the records of `LayerBuilder`, in the rows' final order.
final class ColumnSealer {
    private let column: ColumnBuilder
    private let nulls: SectionWriter?
    private let values: SectionWriter?
    private let zones: SectionWriter?
    private let codes: SectionWriter?
    private let text: SectionWriter?
    private var steps: StepWriter?
    private let statistics: SectionWriter?
    /// For each dictionary entry, as numbered on arrival, its place in the sorted dictionary.
    private let rank: [UInt32]

    private var nullWord: UInt64 = 0
    private var row = 0
    private var summary = Summary()

    private struct Summary {
        var least = Double.infinity
        var greatest = -Double.infinity
        var leastInteger = Int64.max
        var greatestInteger = Int64.min
        var nulls: Int64 = 0
    }

    /// Lays out the column's sections and writes the dictionary, if there is one.
    init(_ column: ColumnBuilder, number: Int, rows: Int, file: SealingFile) throws(LayerFileError) {
        self.column = column
        let c = UInt32(number)
        nulls = column.nullCount > 0 ? try file.section(.nulls, c, width: 8, count: (rows + 63) / 64) : nil
        var values: SectionWriter?
        var zones: SectionWriter?
        var codes: SectionWriter?
        var text: SectionWriter?
        var rank: [UInt32] = []
        switch column.attribute.type {
        case .integer, .real: values = try file.section(.values, c, width: 8, count: rows)
        case .boolean: values = try file.section(.values, c, width: 1, count: rows)
        case .date: values = try file.section(.values, c, width: 4, count: rows)
        case .time:
            values = try file.section(.values, c, width: 8, count: rows)
            zones = try file.section(.zones, c, width: 2, count: rows)
        case .text, .json:
            if let dictionary = column.dictionary, dictionary.isComplete, dictionary.count <= max(256, rows / 2) {
                let order = dictionary.sorted()
                rank = [UInt32](repeating: 0, count: order.count)
                let bytes = try file.section(.text, c, width: 1, count: order.reduce(0) { $0 + dictionary.text($1).count })
                var steps = try StepWriter(.textSteps, .textBases, c, count: order.count, file: file)
                for (place, entry) in order.enumerated() {
                    rank[entry] = UInt32(place)
                    try bytes.put(dictionary.text(entry))
                    try steps.add(dictionary.text(entry).count)
                }
                try steps.finish()
                codes = try file.section(.codes, c, width: dictionary.count <= 256 ? 1 : 2, count: rows)
            } else {
                text = try file.section(.text, c, width: 1, count: column.textBytes)
                steps = try StepWriter(.textSteps, .textBases, c, count: rows, file: file)
            }
        }
        let isCounted = column.attribute.type != .boolean && (values != nil || codes != nil)
        let blocks = (rows + LayerFileFormat.statisticRows - 1) / LayerFileFormat.statisticRows
        statistics = isCounted ? try file.section(.statistics, c, width: 24, count: blocks) : nil
        (self.values, self.zones, self.codes, self.text, self.rank) = (values, zones, codes, text, rank)
    }

    /// About how many bytes a feature's value takes in a vector tile: its key and number, and the value itself where few features share it.
    func bytesInTile(rows: Int) -> Double {
        guard rows > 0 else { return 0 }
        let share = 1 - Double(column.nullCount) / Double(rows)
        switch column.attribute.type {
        case .boolean: return share * 2
        case .integer: return share * 7
        case .real: return share * 13
        case .date: return share * 16
        case .time: return share * 26
        case .text, .json: return codes != nil ? share * 3 : share * 8 + Double(column.textBytes) / Double(rows)
        }
    }

    /// Takes the next row's value from a record; `at` moves behind it.
    func put(_ record: UnsafeRawPointer, at offset: inout Int) throws(LayerFileError) {
        let tag = SpillTag(rawValue: record.load(fromByteOffset: offset, as: UInt8.self))!
        offset += 1
        switch tag {
        case .null:
            nullWord |= 1 << UInt64(row & 63)
            summary.nulls += 1
            try putNothing()
        case .fixed:
            let bits = record.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset += 8
            try putFixed(bits)
        case .time:
            let time = record.loadUnaligned(fromByteOffset: offset, as: Int64.self)
            try values!.put(time)
            try zones!.put(record.loadUnaligned(fromByteOffset: offset + 8, as: Int16.self))
            offset += 10
            note(time)
        case .code:
            let code = record.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            offset += 4
            if codes != nil {
                try putCode(rank[Int(code)])
                note(Int64(rank[Int(code)]))
            } else {
                try putText(column.dictionary!.text(Int(code)))
            }
        case .text:
            let length = Int(record.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            try putText(UnsafeRawBufferPointer(start: record + offset + 4, count: length))
            offset += 4 + length
        }
        row += 1
        if row & 63 == 0 {
            try nulls?.put(nullWord)
            nullWord = 0
        }
        if row % LayerFileFormat.statisticRows == 0 { try putStatistics() }
    }

    func finish() throws(LayerFileError) {
        if row & 63 != 0 { try nulls?.put(nullWord) }
        if row % LayerFileFormat.statisticRows != 0 { try putStatistics() }
        try steps?.finish()
    }

    private func putFixed(_ bits: UInt64) throws(LayerFileError) {
        switch column.attribute.type {
        case .boolean: try values!.put(UInt8(bits))
        case .date:
            try values!.put(Int32(truncatingIfNeeded: Int64(bitPattern: bits)))
            note(Int64(bitPattern: bits))
        case .real:
            try values!.put(bits)
            let value = Double(bitPattern: bits)
            if value < summary.least { summary.least = value }
            if value > summary.greatest { summary.greatest = value }
        default:
            try values!.put(bits)
            note(Int64(bitPattern: bits))
        }
    }

    private func putNothing() throws(LayerFileError) {
        switch column.attribute.type {
        case .integer, .real: try values!.put(UInt64(0))
        case .boolean: try values!.put(UInt8(0))
        case .date: try values!.put(Int32(0))
        case .time:
            try values!.put(UInt64(0))
            try zones!.put(Int16.max)
        case .text, .json:
            if codes != nil { try putCode(0) } else { try steps!.add(0) }
        }
    }

    private func putCode(_ code: UInt32) throws(LayerFileError) {
        if codes!.width == 1 { try codes!.put(UInt8(code)) } else { try codes!.put(UInt16(code)) }
    }

    private func putText(_ bytes: UnsafeRawBufferPointer) throws(LayerFileError) {
        try text!.put(bytes)
        try steps!.add(bytes.count)
    }

    @inline(__always)
    private func note(_ value: Int64) {
        if value < summary.leastInteger { summary.leastInteger = value }
        if value > summary.greatestInteger { summary.greatestInteger = value }
    }

    private func putStatistics() throws(LayerFileError) {
        guard let statistics else { return }
        if column.attribute.type == .real {
            try statistics.put(summary.least)
            try statistics.put(summary.greatest)
        } else {
            try statistics.put(summary.leastInteger)
            try statistics.put(summary.greatestInteger)
        }
        try statistics.put(summary.nulls)
        summary = Summary()
    }
}
