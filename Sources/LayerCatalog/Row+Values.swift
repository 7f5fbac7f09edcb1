import Access
import Descriptions
import Foundation
import GRDB
import Geo

/// Values out of a file that may be damaged: what is not what it should be is an error. GRDB's subscripts would end the program.
extension Row {
    func value<Value: DatabaseValueConvertible>(_ column: String, as type: Value.Type = Value.self) throws(CatalogueError) -> Value {
        do {
            return try decode(type, forColumn: column)
        } catch {
            throw .damaged(column)
        }
    }

    /// Seconds since 1970, within the years 1 to 9999, as a date; nil for null.
    func date(_ column: String) throws(CatalogueError) -> Date? {
        guard let seconds: Double = try value(column, as: Double?.self) else { return nil }
        guard (-62_135_596_800...253_402_300_799).contains(seconds) else { throw .damaged(column) }
        return Date(timeIntervalSince1970: seconds)
    }

    /// Who may see a layer. Where that cannot be read it is nobody but the command line, which can say it anew.
    func access() throws(CatalogueError) -> LayerAccess {
        let text: String = try value("access")
        do throws(CatalogueError) { return try JSON.decode(LayerAccess.self, text, "access") } catch { return .departments([]) }
    }
}

/// Values kept as JSON text.
enum JSON {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// - Parameter what: named in the error.
    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String, _ what: String) throws(CatalogueError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw .damaged(what)
        }
    }
}
