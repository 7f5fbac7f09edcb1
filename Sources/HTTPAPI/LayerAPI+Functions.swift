import Descriptions
import Geo
import Hummingbird
import Query

extension LayerAPI {
    /// `/functions`: what filters may call (OGC 21-065r2, requirements class *functions*).
    func addFunctionsRoute(to router: Router<APIContext>) {
        document(router, "functions", [.json]) { _, exchange in
            let functions = FilterFunction.all.map { function -> JSONTree in
                let arguments = function.arguments.map { argument -> JSONTree in
                    .object([
                        "title": .text(argument.title),
                        "description": function.isVariadic ? .text("May come several times.") : nil,
                        "type": .list(argument.types.map { .text($0.rawValue) }),
                    ])
                }
                return .object([
                    "name": .text(function.name), "description": .text(function.description), "args": .list(arguments),
                    "returns": .list(function.returns.map { .text($0.rawValue) }),
                ])
            }
            return exchange.answer(.object(["functions": .list(functions)]))
        }
    }
}

extension Addresses {
    var functions: String { base + "/functions" }
}
