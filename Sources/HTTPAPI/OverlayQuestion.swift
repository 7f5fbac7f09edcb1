public import LayerAtlas
public import Query

/// What `/processes/overlay/execution` answers, asked for by its body: the same for the command line, so that both give the same bytes.
public struct OverlayQuestion: Sendable {
    private let inputs: ProcessInputs

    /// The layers' ids.
    public var target: String { inputs.target }
    public var overlay: String { inputs.overlay }

    /// - Parameter body: JSON.
    /// - Throws: `Problem`.
    public init(_ body: [UInt8]) throws {
        do { inputs = try ProcessInputs(body) } catch { throw Problem(any: error) }
    }

    /// - Parameter format: `json`, `geojson` or `csv`.
    /// - Throws: `Problem`.
    public func answer(
        target: VisibleLayer, overlay: VisibleLayer, _ engine: QueryEngine, format: String, deadline: Deadline,
        progress: (Double) -> Void = { _ in }
    ) throws -> (bytes: [UInt8], notes: [OverlayResult.Note]) {
        do {
            let form = try Negotiation.choose(OverlayDocument.forms, f: format, accept: [])
            let result = try engine.overlay(
                target: target, overlay: overlay, inputs.request, deadline: deadline, progress: progress)
            return (OverlayDocument(result: result).bytes(form), result.notes)
        } catch {
            throw Problem(any: error)
        }
    }
}
