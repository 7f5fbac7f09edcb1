import Descriptions
public import Foundation
import Geo

extension LayerLoader {
    /// The `layer.yaml` that a source is: the file itself, or the one in a folder of a layer; nil for every other source.
    public static func description(at source: URL) -> URL? {
        if ["yaml", "yml"].contains(source.pathExtension.lowercased()) { return source }
        let inside = source.appendingPathComponent("layer.yaml")
        return access(inside.path, R_OK) == 0 ? inside : nil
    }

    /// What a `--layers` folder would make of a layer, without loading it: its description, and the source as the description says it is to be read.
    /// - Parameter accepted: codes besides those that the description accepts.
    public static func check(description file: URL, accepted: Set<String> = [], settings: LoadSettings = LoadSettings()) -> LoadReport {
        let folder = file.deletingLastPathComponent()
        do {
            let yaml = try String(contentsOf: file, encoding: .utf8)
            // A scheme of the town's own is known to all layers beside it.
            let townFile = folder.deletingLastPathComponent().appendingPathComponent("town.yaml")
            let town =
                access(townFile.path, R_OK) == 0
                ? try TownDescription.parse(yaml: String(contentsOf: townFile, encoding: .utf8), file: "town.yaml") : nil
            let description = try LayerDescription.parse(yaml: yaml, file: file.lastPathComponent, town: town)
            var request = try LoadRequest(description, in: folder, actor: "check")
            request.accepted.formUnion(accepted)
            return check(request, settings: settings)
        } catch {
            var report = LoadReport(layer: folder.lastPathComponent, source: file.lastPathComponent, startedAt: settings.clock())
            switch error {
            case let error as LoadError: report.fail(error)
            case let error as DescriptionError: report.fail(LoadError("bad-description", ja: error.text("ja"), en: error.text("en")))
            default:
                report.fail(
                    LoadError(
                        "unreadable", ja: "「\(file.path)」を読めません（\(error)）。", en: "“\(file.path)” cannot be read: \(error).", isUsage: true))
            }
            return report
        }
    }
}
