import Geo
import HazardAnswer
import Hummingbird

extension LayerAPI {
    /// `/at?point=lon,lat`: every hazard at a place.
    func addHazardRoute(to router: Router<APIContext>) {
        let finder = HazardFinder(atlas: atlas, engine: engine)
        document(router, "at", [.json], allowing: ["point"]) { _, exchange in
            let point = try LayerAPI.point(exchange.query["point"])
            return exchange.answer(try finder.report(at: point, for: exchange.viewer, deadline: exchange.deadline).json)
        }
    }

    /// A longitude and a latitude with a comma between them.
    static func point(_ text: String?) throws(Problem) -> Point {
        let numbers = (text ?? "").split(separator: ",", omittingEmptySubsequences: false).map { ItemsParameters.number($0) }
        guard numbers.count == 2, let longitude = numbers[0], let latitude = numbers[1], abs(longitude) <= 180, abs(latitude) <= 90 else {
            throw .invalid(
                "point", text ?? "", ja: "経度,緯度の順で、例: 140.33,37.48", en: "Longitude and latitude in that order, as in 140.33,37.48")
        }
        return Point(x: longitude, y: latitude)
    }
}
