/// Finds the number that something was given by its hash: open addressing, at most half of the places taken.
///
/// What the numbers stand for lies with the caller, who drives the search:
/// ```swift
/// var place = table.home(hash)
/// while let number = table[place] {
///     if things[number] == thing { return number }
///     place = table.after(place)
/// }
/// table.put(number, at: place)
/// if table.isCrowded {
///     table.enlarge()
///     for number in 0..<things.count { table.add(number, hash: hash(things[number])) }
/// }
/// ```
struct NumberTable: ~Copyable {
    /// −1 where there is none; a power of two.
    private var places = Scratch<Int32>()
    private var count = 0

    /// - Parameter leastPlaces: a power of two.
    mutating func removeAll(leastPlaces: Int) {
        places.fill(-1, count: leastPlaces)
        count = 0
    }

    /// Where the search for a hash begins.
    @inline(__always)
    func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (places.count - 1) }

    /// Where it goes on.
    @inline(__always)
    func after(_ place: Int) -> Int { (place + 1) & (places.count - 1) }

    @inline(__always)
    subscript(place: Int) -> Int? {
        let number = places[place]
        return number < 0 ? nil : Int(number)
    }

    /// Takes a place where there is none.
    @inline(__always)
    mutating func put(_ number: Int, at place: Int) {
        places[place] = Int32(number)
        count += 1
    }

    /// It is time to `enlarge`, and to add everything anew.
    @inline(__always)
    var isCrowded: Bool { 2 * count > places.count }

    /// Becomes twice as large, and empty.
    mutating func enlarge() { removeAll(leastPlaces: 2 * places.count) }

    /// Adds a number that is not there.
    mutating func add(_ number: Int, hash: UInt64) {
        var place = home(hash)
        while self[place] != nil { place = after(place) }
        put(number, at: place)
    }
}
