/// How much work putting polygons on the grid may be: in tiles made to be slow more lies beside each other, and crosses, than there is time or memory for.
///
/// Whoever works counts its steps, and once it was told to stop gives nothing.
struct WorkLimit {
    private let mayGoOn: () -> Bool
    private let pieceLimit: Int
    /// Counted since it was asked last.
    private var steps = 0
    /// Everything must stop; what is there is incomplete.
    private(set) var isReached = false

    /// Steps, of some nanoseconds each, after which it is asked whether there is still time.
    static let stepsBetween = 1 << 18

    /// - Parameters:
    ///   - pieceLimit: more pieces on the grid take too much memory; 256 MiB, and as much to sort them.
    ///   - mayGoOn: asked now and then, and not again once it said no.
    init(pieceLimit: Int = 1 << 25, _ mayGoOn: @escaping () -> Bool = { true }) {
        self.pieceLimit = pieceLimit
        self.mayGoOn = mayGoOn
    }

    /// Counts steps. False when there must be no more.
    @inline(__always)
    mutating func allows(_ more: Int) -> Bool {
        steps &+= more
        if steps >= WorkLimit.stepsBetween { ask() }
        return !isReached
    }

    /// Counts the steps that pieces took, and looks at how many they are altogether.
    @inline(__always)
    mutating func allows(_ more: Int, pieces: Int) -> Bool {
        if pieces > pieceLimit { isReached = true }
        return allows(more)
    }

    @inline(never)
    private mutating func ask() {
        steps = 0
        if !isReached && !mayGoOn() { isReached = true }
    }
}
