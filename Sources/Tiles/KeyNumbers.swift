/// Numbers keys in the order in which they come first.
struct KeyNumbers: ~Copyable {
    private(set) var keys = Scratch<UInt64>(capacity: 1024)
    private var table = NumberTable()

    var count: Int { keys.count }

    init() { removeAll() }

    mutating func removeAll() {
        keys.removeAll()
        table.removeAll(leastPlaces: 1024)
    }

    mutating func number(of key: UInt64) -> Int {
        var place = table.home(KeyNumbers.hash(key))
        while let number = table[place] {
            if keys[number] == key { return number }
            place = table.after(place)
        }
        let number = keys.count
        table.put(number, at: place)
        keys.append(key)
        if table.isCrowded {
            table.enlarge()
            for number in 0..<keys.count { table.add(number, hash: KeyNumbers.hash(keys[number])) }
        }
        return number
    }

    func contains(_ key: UInt64) -> Bool {
        var place = table.home(KeyNumbers.hash(key))
        while let number = table[place] {
            if keys[number] == key { return true }
            place = table.after(place)
        }
        return false
    }

    @inline(__always)
    private static func hash(_ key: UInt64) -> UInt64 { fold(key ^ 0x9E37_79B9_7F4A_7C15) }
}
