import RecordStream

/// What `kasane-import` was asked to do.
public struct ImportArguments: Sendable, Equatable {
    /// How the program is kept from harm.
    public enum Confinement: String, Sendable {
        /// By itself: Landlock, seccomp, limits.
        case landlock
        /// By whoever started it.
        case none
    }

    /// The file or folder to read.
    public var input = ""
    /// The name the person gave the file, when `input` has another; only its ending and its stem are looked at.
    public var name: String?
    public var sourceLayer: String?
    public var encoding: String?
    public var crs: String?
    /// Only say what is there.
    public var list = false
    /// A folder with the files that belong to `input`, when they are not beside it.
    public var companions: String?
    /// A fresh private folder to write in.
    public var scratch: String?
    public var confinement = Confinement.landlock
    /// Print what the machine offers for confinement, and nothing else.
    public var probe = false
    /// Address space in bytes, and processor time in seconds.
    public var memoryLimit: UInt64 = 4 << 30
    public var timeLimit: UInt64 = 3600

    public init() {}

    /// Reads the command line without the program's name.
    public init(_ words: [String]) throws(RecordFailure) {
        var rest = words[...]
        func wrong(_ message: String) -> RecordFailure { RecordFailure(code: "usage", message: message) }
        while let flag = rest.popFirst() {
            switch flag {
            case "--list": list = true
            case "--probe": probe = true
            case "--input", "--name", "--source-layer", "--encoding", "--crs", "--companions", "--scratch", "--confine", "--limit-memory",
                "--limit-seconds":
                guard let value = rest.popFirst() else { throw wrong("\(flag) needs a value") }
                guard set(flag, value) else { throw wrong("\(flag) does not take \(value)") }
            default: throw wrong("\(flag) is not known")
            }
        }
        if !probe, input.isEmpty { throw wrong("--input is missing") }
        if !probe, scratch == nil { throw wrong("--scratch is missing") }
    }

    private mutating func set(_ flag: String, _ value: String) -> Bool {
        switch flag {
        case "--input": input = value
        case "--name": name = value
        case "--source-layer": sourceLayer = value
        case "--encoding": encoding = value
        case "--crs": crs = value
        case "--companions": companions = value
        case "--scratch": scratch = value
        case "--confine":
            guard let known = Confinement(rawValue: value) else { return false }
            confinement = known
        case "--limit-memory":
            guard let bytes = UInt64(value) else { return false }
            memoryLimit = bytes
        default:
            guard let seconds = UInt64(value) else { return false }
            timeLimit = seconds
        }
        return true
    }
}
