import Access
import Descriptions
import Geo
import HTTPTypes
public import Hummingbird
public import LayerAtlas
public import Query
public import TileArchives

/// The routes for layers: OGC API – Features, Tiles and Processes, styles and legends.
public struct LayerAPI: Sendable {
    public struct Settings: Sendable {
        /// Seconds from the arrival of a request until its answer must be there.
        public var deadline = 2.0
        /// Seconds for an execution of a process that is answered at once.
        public var processDeadline = 30.0
        public var jobs = JobRegister.Settings()
        /// Bytes of finished tiles to keep.
        public var tileCache = 64 << 20
        /// Whether far tiles leave out what matters least; see `TilePolicy`. For measuring only: a tile can be 100 MB without.
        public var thinsTiles = true
        /// Makes PNGs of legends; nil where there is nothing that does.
        public var pictures = PictureProgram.installed
        /// Seconds for a PNG, those that it waits for others included.
        public var pictureDeadline = 20.0
        /// Whole layers on their way at once: so many to the public, half of them to one address, and as many to those with a key.
        public var downloads = 8
        /// Bytes of finished answers that may wait for their readers.
        public var answers = 256 << 20
        /// Seals cursors; 32 bytes at least, the same on all servers that share the load.
        public var cursorKey: [UInt8]

        public init(cursorKey: [UInt8]) {
            self.cursorKey = cursorKey
        }
    }

    let atlas: LayerAtlas
    let engine: QueryEngine
    let pool: WorkPool
    let settings: Settings
    let cursorKey: CursorToken.Key
    let downloads: DownloadGate
    let answers: AnswerBudget
    let jobs: JobRegister
    /// Pictures, one at a time.
    let pictureThread = WorkPool(WorkPool.Settings(threads: 1, queue: 64))
    let pictures = PictureCache(limit: 16 << 20)
    let publicThreads = OwnThreads()
    let keyedThreads = OwnThreads()
    public let tiles: TileCache
    let history: TileHistory
    let shelf: TileShelf?

    /// - Parameters:
    ///   - history: at which versions tiles last changed, as far as somebody finds it out.
    ///   - shelf: a cache of tiles on disk.
    public init(
        atlas: LayerAtlas, engine: QueryEngine, pool: WorkPool, settings: Settings, history: TileHistory = TileHistory(),
        shelf: TileShelf? = nil
    ) {
        self.atlas = atlas
        self.engine = engine
        self.pool = pool
        self.settings = settings
        cursorKey = CursorToken.Key(settings.cursorKey)
        downloads = DownloadGate(limit: settings.downloads)
        answers = AnswerBudget(limit: settings.answers)
        jobs = JobRegister(settings.jobs)
        tiles = TileCache(limit: settings.tileCache)
        self.history = history
        self.shelf = shelf
    }

    /// Threads for what takes long, apart from the pool, so that maps are answered meanwhile. The public has its own: whatever it asks, those with a key
    /// do not wait for it.
    struct OwnThreads: Sendable {
        /// Questions across layers, one at a time.
        let questions = WorkPool(WorkPool.Settings(threads: 1, queue: 16))
        /// Files that GDAL makes, one at a time: it takes memory and disk.
        let conversions = WorkPool(WorkPool.Settings(threads: 1, queue: 16))
        /// Jobs, one at a time.
        let jobs = WorkPool(WorkPool.Settings(threads: 1, queue: 256))
    }

    func ownThreads(of viewer: Viewer) -> OwnThreads { viewer.keyID == nil ? publicThreads : keyedThreads }

    public func addRoutes(to router: Router<APIContext>) {
        document(router, "", [.json, .html]) { api, exchange in
            let document = LandingDocument(addresses: exchange.addresses, town: api.atlas.town?.name)
            return exchange.form == .html ? exchange.answer(document.page()) : exchange.answer(document.json(exchange.form))
        }
        document(router, "conformance", [.json, .html]) { _, exchange in
            let document = ConformanceDocument(addresses: exchange.addresses)
            return exchange.form == .html ? exchange.answer(document.page()) : exchange.answer(document.json(exchange.form))
        }
        document(router, "api", [.openAPI, .html]) { api, exchange in
            let layers = api.atlas.layers(for: exchange.viewer).map { ($0.id, $0.description.title, $0.attributes) }
            let document = OpenAPIDocument(addresses: exchange.addresses, town: api.atlas.town?.name, layers: layers)
            return exchange.form == .html ? exchange.answer(document.page()) : exchange.answer(document.json())
        }
        document(router, "collections", [.json, .html]) { api, exchange in
            let layers = api.atlas.layers(for: exchange.viewer).map { api.collection($0, exchange) }
            let document = CollectionsDocument(addresses: exchange.addresses, layers: layers)
            return exchange.form == .html ? exchange.answer(document.page()) : exchange.answer(document.json(exchange.form))
        }
        document(router, "collections/{layer}", [.json, .html]) { api, exchange in
            let document = api.collection(try api.layer(exchange), exchange)
            return exchange.form == .html ? exchange.answer(document.page()) : exchange.answer(document.json(exchange.form))
        }
        addItemsRoutes(to: router)
        addSchemaRoutes(to: router)
        document(router, "collections/{layer}/items/{id}", [.geoJSON, .html], allowing: nil) { api, exchange in try api.item(exchange) }
        document(router, "collections/{layer}/style", [.json]) { api, exchange in
            let layer = try api.layer(exchange)
            return exchange.answer(layer.mapStyle.styleJSON(layer.surroundings(exchange.addresses)))
        }
        addTileRoutes(to: router)
        addStyleRoutes(to: router)
        addLegendRoutes(to: router)
        addFunctionsRoute(to: router)
        addHazardRoute(to: router)
        addProcessRoutes(to: router)
    }

    /// The layer of the path, as far as the viewer may see it.
    func layer(_ exchange: Exchange) throws -> VisibleLayer {
        try atlas.layer(try exchange.capture("layer"), for: exchange.viewer)
    }

    private func collection(_ layer: VisibleLayer, _ exchange: Exchange) -> CollectionDocument {
        CollectionDocument(
            addresses: exchange.addresses, layer: layer, sourceSystem: engine.sourceSystem(layer), time: engine.timeExtent(layer))
    }

    /// Adds a resource whose answer is made on the pool.
    /// - Parameter parameters: those besides `f`; nil when `make` looks at them itself.
    func document(
        _ router: Router<APIContext>, _ path: RouterPath, _ offered: [Representation], allowing parameters: [String]? = [],
        _ make: @escaping @Sendable (LayerAPI, Exchange) throws -> Response
    ) {
        router.get(path) { request, context in
            let exchange = try Exchange(request, context, offered: offered, seconds: settings.deadline)
            if let parameters { try exchange.query.allowOnly(parameters + ["f"]) }
            exchange.client?.watch(exchange.deadline)
            defer { exchange.client?.rest() }
            return try await pool.run(exchange.deadline) { try make(self, exchange) }
        }
    }
}

extension Exchange {
    /// A JSON document in the form that was chosen.
    func answer(_ document: JSONTree) -> Response {
        answer(document.bytes, type: form.mediaType)
    }
}

extension Representation {
    static let tileJSON = Representation(
        name: "tilejson", mediaType: "application/json", matches: ["application/vnd.mapbox.tilejson+json"], title: "TileJSON")
}
