// swift-tools-version: 6.1
import PackageDescription

// Targets import only lower tiers; ARCHITECTURE.md has the table.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny")
]

func system(_ name: String, _ pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func tier(_ name: String, _ dependencies: Target.Dependency..., resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(name: name + "Tests", dependencies: [.byName(name: name), "TestKit"] + dependencies, swiftSettings: settings)
}

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "kasane",
    products: [
        .executable(name: "kasane", targets: ["kasane"]),
        .executable(name: "kasane-import", targets: ["kasane-import"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // 0: system libraries, the few system calls that Swift cannot make itself, and the pages' files inside the program
        system("CGEOS", "geos", apt: "libgeos-dev"),
        system("CPROJ", "proj", apt: "libproj-dev"),
        system("CGDAL", "gdal", apt: "libgdal-dev"),
        system("CDeflate", "libdeflate", apt: "libdeflate-dev"),
        system("CBrotli", "libbrotlienc", apt: "libbrotli-dev"),
        system("CXXHash", "libxxhash", apt: "libxxhash-dev"),
        system("CZlib", "zlib", apt: "zlib1g-dev"),
        .systemLibrary(name: "CMalloc"),
        .target(name: "CSandbox"),
        .target(name: "CPageAssets"),
        // 1
        tier("Geo"),
        tier("Access", crypto),
        tier("Files"),
        // 2
        tier("SpatialIndex", "Geo"),
        tier("GeoNative", "Geo", "CGEOS", "CPROJ"),
        tier("RecordStream", "Geo"),
        tier("Descriptions", "Geo", yams),
        tier("CQL2", "Geo"),
        tier("Formats", "Geo", "CDeflate", "CBrotli"),
        // 3
        tier("LayerStore", "Geo", "SpatialIndex", "CXXHash"),
        tier("LayerCatalog", "Geo", "Access", "Descriptions", grdb),
        tier("Tiles", "Geo"),
        // 4
        tier("Importing", "Geo", "RecordStream", "CGDAL", "CSandbox", "CZlib"),
        tier("Loading", "Geo", "GeoNative", "RecordStream", "Descriptions", "Access", "LayerStore", "LayerCatalog", crypto),
        // 5
        tier("LayerAtlas", "Geo", "SpatialIndex", "Access", "Descriptions", "LayerStore", "LayerCatalog"),
        // 6
        tier("Query", "Geo", "SpatialIndex", "GeoNative", "Descriptions", "CQL2", "Formats", "LayerStore", "Tiles", "LayerAtlas"),
        // 7
        tier("TileArchives", "Geo", "SpatialIndex", "Formats", "LayerAtlas", "Tiles", "Query", "CXXHash", grdb),
        tier("HazardAnswer", "Geo", "Access", "Descriptions", "LayerStore", "LayerAtlas", "Query"),
        // 8
        tier(
            "HTTPAPI", "Geo", "Access", "Files", "Descriptions", "LayerAtlas", "CQL2", "Formats", "Tiles", "Query", "TileArchives",
            "HazardAnswer",
            crypto,
            hummingbird,
            httpTypes,
            logging, .product(name: "NIOCore", package: "swift-nio")),
        .target(
            name: "WebPages", dependencies: ["CPageAssets", "CDeflate", "CXXHash", hummingbird, httpTypes], exclude: ["Assets"],
            swiftSettings: settings),
        // 9
        tier(
            "Server", "Geo", "Access", "LayerCatalog", "LayerAtlas", "Query", "TileArchives", "HTTPAPI", "WebPages", "CMalloc", hummingbird, lifecycle,
            logging, yams,
            .product(name: "HummingbirdCore", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle")),
        // 10
        .executableTarget(
            name: "kasane",
            dependencies: [
                "Geo", "Access", "Files", "Descriptions", "LayerCatalog", "LayerAtlas", "Tiles", "Query", "TileArchives", "Loading",
                "HTTPAPI",
                "Server", arguments, logging,
            ],
            swiftSettings: settings),
        .executableTarget(name: "kasane-import", dependencies: ["Importing", "RecordStream"], swiftSettings: settings),
        .executableTarget(
            name: "kasane-bench", dependencies: ["Geo", "Access", "CQL2", "SpatialIndex", "LayerCatalog", "LayerAtlas", "Tiles", "Query"],
            path: "Tools/Benchmarks", exclude: ["README.md", "run", "driver"], swiftSettings: settings),

        .target(name: "TestKit", dependencies: ["Geo"], path: "Tests/TestKit", swiftSettings: settings),
        .target(
            name: "AtlasKit", dependencies: ["Geo", "Descriptions", "LayerStore", "LayerCatalog", "LayerAtlas", "TestKit"],
            path: "Tests/AtlasKit", swiftSettings: settings),
        tests("Geo"),
        tests("Access"),
        tests("Files"),
        tests("SpatialIndex", "Geo"),
        tests("GeoNative", "Geo"),
        tests("RecordStream", "Geo"),
        tests("Descriptions", "Geo"),
        tests("CQL2", "Geo"),
        tests("Formats", "Geo"),
        tests("LayerStore", "Geo", "SpatialIndex"),
        tests("LayerCatalog", "Geo", "Access", "Descriptions", grdb),
        tests("Tiles", "Geo", "CGEOS"),
        tests("Importing", "Geo", "RecordStream", "kasane-import"),
        tests("LayerAtlas", "Geo", "Access", "Descriptions", "LayerStore", "LayerCatalog", "AtlasKit"),
        tests("Query", "Geo", "GeoNative", "Descriptions", "CQL2", "SpatialIndex", "LayerStore", "Tiles"),
        tests(
            "TileArchives", "Geo", "SpatialIndex", "Formats", "Tiles", "Access", "CDeflate", "Descriptions", "LayerAtlas", "Query",
            "AtlasKit", grdb),
        tests("HazardAnswer", "Geo", "Access", "Descriptions", "LayerStore", "LayerAtlas", "LayerCatalog", "Query", "AtlasKit", grdb),
        tests(
            "Loading", "Geo", "GeoNative", "RecordStream", "Descriptions", "LayerStore", "LayerCatalog", "kasane", "kasane-import", grdb),
        tests("HTTPAPI", "Geo", "Access", "Query", "Tiles", httpTypes, .product(name: "NIOCore", package: "swift-nio")),
        tests(
            "Server", "Geo", "Files", "Descriptions", "LayerStore", "LayerCatalog", "Query", "HTTPAPI", "AtlasKit", logging,
            .product(name: "UnixSignals", package: "swift-service-lifecycle")),
        tests("WebPages", hummingbird, httpTypes, .product(name: "HummingbirdTesting", package: "hummingbird")),
    ]
)
