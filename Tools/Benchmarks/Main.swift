import Foundation

/// What is measured inside one process, and the requests that the driver sends: see README.md. `Tools/Benchmarks/run` calls it; each part can
/// be run alone.
@main
struct KasaneBench {
    static let usage = """
        usage: kasane-bench index
               kasane-bench layer DATA LAYER [--tiles FILE] [--boxes FILE] [--tile Z/COLUMN/ROW] [--shipped Z/COLUMN/ROW] [--filters FILE]
               kasane-bench requests PORT CONNECTIONS FILE
        """

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch arguments.first {
            case "index" where arguments.count == 1:
                IndexBenchmark().run()
            case "layer" where arguments.count >= 3:
                let options = try options(arguments[3...])
                try LayerBenchmark(
                    data: arguments[1], layer: arguments[2], tiles: options["--tiles"], boxes: options["--boxes"], tile: options["--tile"],
                    shipped: options["--shipped"], filters: options["--filters"]
                ).run()
            case "requests" where arguments.count == 4:
                guard let port = UInt16(arguments[1]), let connections = Int(arguments[2]), connections > 0 else { throw Wrong() }
                try RequestGenerator(port: port, connections: connections, paths: try lines(of: arguments[3])).run()
            default: throw Wrong()
            }
        } catch is Wrong {
            fail(usage, status: 2)
        } catch {
            fail("\(error)", status: 1)
        }
    }

    struct Wrong: Error {}

    private static func options(_ arguments: ArraySlice<String>) throws -> [String: String] {
        var rest = Array(arguments)
        var options: [String: String] = [:]
        while rest.count >= 2 {
            guard ["--tiles", "--boxes", "--tile", "--shipped", "--filters"].contains(rest[0]) else { throw Wrong() }
            options[rest[0]] = rest[1]
            rest.removeFirst(2)
        }
        guard rest.isEmpty else { throw Wrong() }
        return options
    }

    /// The lines of a text file that are not empty.
    static func lines(of file: String) throws -> [String] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private static func fail(_ message: String, status: Int32) -> Never {
        FileHandle.standardError.write(Data((message + "\n").utf8))
        exit(status)
    }
}
