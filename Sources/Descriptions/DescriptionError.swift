import Geo

/// Which rule a description breaks; raw values are stable and may be counted.
public enum DescriptionRule: String, Sendable, Codable, CaseIterable {
    /// The file is longer than the reader takes.
    case tooLarge = "too-large"
    /// Not YAML, or more than one document.
    case syntax = "yaml-syntax"
    case duplicateKey = "duplicate-key"
    case unknownKey = "unknown-key"
    case missingKey = "missing-key"
    /// A list where a text is expected, and the like.
    case wrongType = "wrong-type"
    /// An id with other than letters, digits, `-` and `_`.
    case badIdentifier = "bad-id"
    case badLanguage = "bad-language"
    case badDate = "bad-date"
    case badNumber = "bad-number"
    case badColor = "bad-color"
    /// A word that is none of those possible.
    case badValue = "bad-value"
    /// A path that leaves the layer's own folder.
    case badPath = "bad-path"
    case unknownScheme = "unknown-scheme"
    case unknownCodes = "unknown-codes"
    /// Two keys that exclude each other, or one that needs another.
    case conflict = "conflict"
    /// Two attributes made from one column.
    case duplicateColumn = "duplicate-column"
}

/// One thing wrong in a description, and where.
public struct DescriptionProblem: Sendable, Codable, Equatable {
    public var rule: DescriptionRule
    /// Where in the description, outermost key first, joined with dots: `hazard.scheme`. Empty for the whole file.
    public var key: String
    /// From 1; nil where the whole file is meant.
    public var line: Int?
    /// What is wrong and what to do, without the place, in Japanese and English.
    public var message: LocalizedText

    public init(rule: DescriptionRule, key: String, line: Int?, message: LocalizedText) {
        self.rule = rule
        self.key = key
        self.line = line
        self.message = message
    }
}

/// Why a file is not a description: every problem in it, in the order of their lines.
public struct DescriptionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The name of the file as the caller gave it.
    public var file: String
    public var problems: [DescriptionProblem]

    public init(file: String, problems: [DescriptionProblem]) {
        self.file = file
        self.problems = problems
    }

    /// One line a problem: `layer.yaml:12: hazard.shceme: [unknown-key] …`.
    public func text(_ language: String) -> String {
        problems.map { problem in
            let place = problem.line.map { "\(file):\($0)" } ?? file
            let key = problem.key.isEmpty ? "" : " \(problem.key):"
            return "\(place):\(key) [\(problem.rule.rawValue)] \(problem.message.text(language))"
        }
        .joined(separator: "\n")
    }

    public var description: String { text("en") }
}
