/// Makes the names of a source's columns usable: none empty, none twice.
///
/// An empty name becomes `column_N` (counted from 1); the second of the same name gets `_2`, and so on.
func uniqueNames(_ names: [String]) -> [String] {
    var taken: Set<String> = []
    return names.enumerated().map { position, name in
        let plain = name.isEmpty ? "column_\(position + 1)" : name
        var candidate = plain
        var number = 1
        while !taken.insert(candidate).inserted {
            number += 1
            candidate = "\(plain)_\(number)"
        }
        return candidate
    }
}
