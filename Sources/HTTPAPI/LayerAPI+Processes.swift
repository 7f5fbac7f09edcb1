import Access
import Descriptions
import HTTPTypes
import Hummingbird
import Query

extension LayerAPI {
    /// `/processes` and `/jobs` (OGC API – Processes part 1, OGC 18-062r2).
    func addProcessRoutes(to router: Router<APIContext>) {
        document(router, "processes", [.json]) { _, exchange in
            exchange.answer(ProcessDocument(addresses: exchange.addresses).list(exchange.form))
        }
        document(router, "processes/{process}", [.json]) { _, exchange in
            try LayerAPI.requireOverlay(exchange)
            return exchange.answer(ProcessDocument(addresses: exchange.addresses).description())
        }
        router.post("processes/{process}/execution") { request, context in
            let exchange = try Exchange(request, context, offered: OverlayDocument.forms, seconds: settings.processDeadline)
            try LayerAPI.requireOverlay(exchange)
            try exchange.query.allowOnly(["f"])
            try LayerAPI.requireJSON(request.headers[.contentType])
            let bytes = try await request.body.collect(upTo: RequestBodies.question)
            let inputs = try ProcessInputs(Array(buffer: bytes))
            let prefersJob = request.headers[values: .prefer].contains {
                $0.split(separator: ",").contains { $0.filter { !$0.isWhitespace }.lowercased() == "respond-async" }
            }
            return prefersJob ? try start(inputs, exchange) : try await execute(inputs, exchange)
        }
        document(router, "jobs", [.json]) { api, exchange in
            LayerAPI.momentary(exchange, ProcessDocument(addresses: exchange.addresses).jobs(api.jobs.list(exchange.viewer)))
        }
        document(router, "jobs/{job}", [.json]) { api, exchange in
            LayerAPI.momentary(exchange, ProcessDocument(addresses: exchange.addresses).status(try api.job(exchange)))
        }
        document(router, "jobs/{job}/results", OverlayDocument.forms) { api, exchange in
            let job = try api.job(exchange)
            // Who may not see the layers any more does not see what was made of them.
            for layer in job.layers { _ = try api.atlas.layer(layer, for: exchange.viewer) }
            if let problem = job.problem { throw problem }
            guard let result = job.result else {
                // OGC 18-062r2, 7.13.4: not-ready is 404 too, with its own words.
                throw Problem(
                    .notFound, ja: "結果はまだ（または、もう）ありません。ジョブの状態は\(job.status.rawValue)です。",
                    en: "There is no result, or none any more: the job is \(job.status.rawValue).")
            }
            return LayerAPI.answer(result, exchange.form)
        }
        router.delete("jobs/{job}") { request, context in
            let exchange = try Exchange(request, context, offered: [.json], seconds: settings.deadline)
            try exchange.query.allowOnly(["f"])
            let job = try jobs.dismiss(try exchange.capture("job"), exchange.viewer)
            return LayerAPI.momentary(exchange, ProcessDocument(addresses: exchange.addresses).status(job))
        }
    }

    private func job(_ exchange: Exchange) throws -> JobRegister.Job {
        try jobs.job(try exchange.capture("job"), exchange.viewer)
    }

    private static func requireOverlay(_ exchange: Exchange) throws {
        let id = try exchange.capture("process")
        guard id == ProcessDocument.id else {
            throw Problem(.notFound, ja: "処理「\(id.prefix(64))」はありません。", en: "There is no process “\(id.prefix(64))”.")
        }
    }

    /// Answers at once, or says that the time was not enough.
    private func execute(_ inputs: ProcessInputs, _ exchange: Exchange) async throws -> Response {
        let form = try LayerAPI.form(inputs, exchange)
        exchange.client?.watch(exchange.deadline)
        defer { exchange.client?.rest() }
        // Not on the pool that answers maps: a question across layers may take both cores for seconds.
        return try await ownThreads(of: exchange.viewer).questions.run(exchange.deadline) {
            LayerAPI.answer(try overlay(inputs, exchange.viewer, exchange.deadline), form, isDocument: inputs.isDocument)
        }
    }

    /// Begins a job (OGC 18-062r2, 7.11.2.3).
    private func start(_ inputs: ProcessInputs, _ exchange: Exchange) throws -> Response {
        // What is wrong with the question is said now, and not by the job.
        _ = try atlas.layer(inputs.target, for: exchange.viewer)
        _ = try atlas.layer(inputs.overlay, for: exchange.viewer)
        let job = try jobs.accept(exchange.viewer, layers: [inputs.target, inputs.overlay])
        let (viewer, logger) = (exchange.viewer, exchange.logger)
        Task {
            let outcome: Result<OverlayResult, any Error>
            do {
                outcome = .success(
                    try await ownThreads(of: viewer).jobs.run(job.deadline) {
                        jobs.begin(job.id)
                        return try overlay(inputs, viewer, job.deadline) { jobs.advance(job.id, $0) }
                    })
            } catch {
                outcome = .failure(error)
                // Without the words: they may hold what was asked for.
                logger.notice("job", metadata: ["error": .string(Problem(any: error).code.rawValue)])
            }
            jobs.end(job.id, outcome)
        }
        var response = LayerAPI.momentary(exchange, ProcessDocument(addresses: exchange.addresses).status(job))
        response.status = .created
        response.headers[.location] = exchange.addresses.job(job.id)
        response.headers[.preferenceApplied] = "respond-async"
        return response
    }

    private func overlay(
        _ inputs: ProcessInputs, _ viewer: Viewer, _ deadline: Deadline, progress: (Double) -> Void = { _ in }
    ) throws -> OverlayResult {
        let target = try atlas.layer(inputs.target, for: viewer)
        let overlay = try atlas.layer(inputs.overlay, for: viewer)
        var limits = OverlayLimits()
        if viewer.keyID == nil { limits.threads = 1 }
        return try engine.overlay(target: target, overlay: overlay, inputs.request, limits: limits, deadline: deadline, progress: progress)
    }

    /// What `outputs` asks for; otherwise `f` and `Accept`.
    private static func form(_ inputs: ProcessInputs, _ exchange: Exchange) throws(Problem) -> Representation {
        guard let type = inputs.mediaType else { return exchange.form }
        guard let form = OverlayDocument.forms.first(where: { $0.matches.contains(type.lowercased()) }) else {
            throw .invalid(
                "mediaType", type, ja: "使えるもの: application/json, application/geo+json, text/csv",
                en: "There are: application/json, application/geo+json, text/csv")
        }
        return form
    }

    private static func answer(_ result: OverlayResult, _ form: Representation, isDocument: Bool = false) -> Response {
        let bytes = OverlayDocument(result: result).bytes(form, isDocument: isDocument)
        return Response(type: form.mediaType, bytes: bytes, headers: [.cacheControl: "no-store"])
    }

    /// A document that is another one the next moment.
    private static func momentary(_ exchange: Exchange, _ document: JSONTree) -> Response {
        Response(type: Representation.json.mediaType, bytes: document.bytes, headers: [.cacheControl: "no-store"])
    }
}

extension HTTPField.Name {
    static let prefer = HTTPField.Name("Prefer")!
    static let preferenceApplied = HTTPField.Name("Preference-Applied")!
}
