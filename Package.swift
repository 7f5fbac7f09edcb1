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
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // 0: system libraries, and the few system calls that Swift cannot make itself
        system("CGEOS", "geos", apt: "libgeos-dev"),
        system("CPROJ", "proj", apt: "libproj-dev"),
        system("CGDAL", "gdal", apt: "libgdal-dev"),
        system("CDeflate", "libdeflate", apt: "libdeflate-dev"),
        system("CXXHash", "libxxhash", apt: "libxxhash-dev"),
        .target(name: "CSandbox"),
        // 1
        tier("Geo"),
        tier("Access", crypto),
        // 2
        tier("SpatialIndex", "Geo"),
        tier("GeoNative", "Geo", "CGEOS", "CPROJ"),
        tier("RecordStream", "Geo"),
        tier("Descriptions", "Geo", yams),
        tier("Formats", "Geo"),
        // 3
        tier("LayerStore", "Geo", "SpatialIndex", "CXXHash"),
        tier("LayerCatalog", "Geo", "Access", "Descriptions", grdb),
        tier("Tiles", "Geo"),
        // 4
        tier("Importing", "Geo", "RecordStream", "CGDAL", "CSandbox"),
        tier("Loading", "Geo", "GeoNative", "RecordStream", "Descriptions", "LayerStore"),
        // 5
        tier("LayerAtlas", "Geo", "Access", "Descriptions", "LayerStore", "LayerCatalog"),
        // 6
        tier("Query", "Geo", "GeoNative", "Formats", "LayerStore", "Tiles", "LayerAtlas", "Descriptions"),
        // 7
        tier("HazardAnswer", "Geo", "Descriptions", "Access", "LayerAtlas", "Query"),
        // 8
        tier(
            "HTTPAPI", "Geo", "Access", "Descriptions", "LayerAtlas", "Query", "HazardAnswer", "CDeflate", hummingbird, logging,
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTPTypes", package: "swift-nio-extras")),
        tier("WebPages", hummingbird, resources: [.embedInCode("Assets")]),
        // 9
        tier(
            "Server", "Access", "Descriptions", "LayerCatalog", "LayerAtlas", "Query", "HazardAnswer", "HTTPAPI", "WebPages",
            "Loading", hummingbird, lifecycle, logging),
        // 10
        .executableTarget(name: "kasane", dependencies: ["Server", "Loading", arguments], swiftSettings: settings),
        .executableTarget(name: "kasane-import", dependencies: ["Importing"], swiftSettings: settings),

        .target(name: "TestKit", dependencies: ["Geo"], path: "Tests/TestKit", swiftSettings: settings),
        tests("Geo"),
    ]
)
