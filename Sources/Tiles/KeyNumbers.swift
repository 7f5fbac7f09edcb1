/// Numbers keys in the order in which they come first.
struct KeyNumbers: ~Copyable {
    private(set) var keys = Scratch<UInt64>(capacity: 1024)
    /// Open addressing: numbers of keys, −1 where there is none; twice as many places as keys at least.
    private var table = Scratch<Int32>()

    var count: Int { keys.count }

    init() { removeAll() }

    mutating func removeAll() {
        keys.removeAll()
        table.fill(-1, count: 1024)
    }

    mutating func number(of key: UInt64) -> Int {
        var place = home(key)
        while table[place] >= 0 {
            if keys[Int(table[place])] == key { return Int(table[place]) }
            place = (place + 1) & (table.count - 1)
        }
        table[place] = Int32(keys.count)
        keys.append(key)
        if 2 * keys.count > table.count {
            table.fill(-1, count: 2 * table.count)
            for number in 0..<keys.count {
                var place = home(keys[number])
                while table[place] >= 0 { place = (place + 1) & (table.count - 1) }
                table[place] = Int32(number)
            }
        }
        return keys.count - 1
    }

    func contains(_ key: UInt64) -> Bool {
        var place = home(key)
        while table[place] >= 0 {
            if keys[Int(table[place])] == key { return true }
            place = (place + 1) & (table.count - 1)
        }
        return false
    }

    private func home(_ key: UInt64) -> Int { Int(truncatingIfNeeded: fold(key ^ 0x9E37_79B9_7F4A_7C15)) & (table.count - 1) }
}
