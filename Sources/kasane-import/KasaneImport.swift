import Foundation
import Importing
import RecordStream

/// Reads a stranger's file in confinement and writes plain records to standard output; the only program linked with GDAL.
@main
enum KasaneImport {
    static func main() {
        do throws(RecordFailure) {
            let arguments = try ImportArguments(Array(CommandLine.arguments.dropFirst()))
            if arguments.probe { exit(probe()) }
            if let failure = ImportRun(arguments).write(to: STDOUT_FILENO) { stop(failure, status: 1) }
        } catch {
            stop(error, status: 2)
        }
    }

    private static func probe() -> Int32 {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let text = try? encoder.encode(ConfinementProbe()) else { return 1 }
        FileHandle.standardOutput.write(text + Data("\n".utf8))
        return 0
    }

    private static func stop(_ failure: RecordFailure, status: Int32) -> Never {
        FileHandle.standardError.write(Data("kasane-import: \(failure.code): \(failure.message)\n".utf8))
        exit(status)
    }
}
