/// Which requests may have a body, and how large. All others are refused by their head, before anything of a body is read.
public enum RequestBodies {
    /// The greatest body of a question that is too long for an address: a filter, a process.
    public static let question = 64 << 10

    /// Bytes that the body of a request may have; 0 where none is taken.
    ///
    /// - Parameter address: path and query, as they were sent.
    public static func limit(method: String, address: String) -> Int {
        guard method == "POST" else { return 0 }
        let path = address.prefix { $0 != "?" }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard parts.count == 3, let first = parts.first, let last = parts.last else { return 0 }
        switch (first, last) {
        case ("collections", "search"), ("processes", "execution"): return question
        default: return 0
        }
    }
}
