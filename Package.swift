// swift-tools-version: 6.3
import PackageDescription

/// Said once for every target of ours: the strictest settings the toolchain has.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "swift-pbt",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "PBT", targets: ["PBT"]),
        .library(name: "PBTSQLite", targets: ["PBTSQLite"]),
        .library(name: "PBTWorker", targets: ["PBTWorker"]),
        .library(name: "PBTReport", targets: ["PBTReport"]),
        .library(name: "PBTServer", targets: ["PBTServer"]),
        .library(name: "PBTClient", targets: ["PBTClient"]),
        .library(name: "PBTTesting", targets: ["PBTTesting"]),
        .executable(name: "pbt", targets: ["pbt"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.30.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.90.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.25.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
    ],
    targets: [
        // The algorithm and the rules of a store: values and pure functions. No I/O, no logging, no global randomness. It
        // reads a clock in one place, `StoreClock.system`.
        .target(name: "PBT", swiftSettings: settings),
        // A store in one file.
        .target(
            name: "PBTSQLite",
            dependencies: [
                "PBT", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        // Starts programs: what Swift cannot do between a fork and an exec.
        .target(name: "CSpawn"),
        // Claims, runs, renews, publishes.
        .target(
            name: "PBTWorker",
            dependencies: [
                "CSpawn", "PBT",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        // Charts and tables: pure functions of values.
        .target(name: "PBTReport", dependencies: ["PBT"], swiftSettings: settings),
        // What other tools read: event files of TensorBoard, runs of MLflow.
        .target(
            name: "PBTExport",
            dependencies: [
                "PBT", "PBTClient", "PBTReport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // What goes over the wire between server and clients: JSON, paths, errors.
        .target(name: "PBTAPI", dependencies: ["PBT"], swiftSettings: settings),
        // What both ends of a checkpoint's way over the wire share: paths, manifests, checksums.
        .target(
            name: "PBTTransfer",
            dependencies: [
                "PBT", "PBTAPI", "PBTWorker",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // The system's zlib: answers are compressed by it.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        // The service: HTTP API over any store, tokens, live events, Schedy's protocol.
        .target(
            name: "PBTServer",
            dependencies: [
                "CZlib", "PBT", "PBTAPI", "PBTReport", "PBTTransfer", "PBTWorker",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            resources: ["app.js", "app.css", "icon.svg"].map { .embedInCode("Dashboard/Assets/\($0)") },
            swiftSettings: settings),
        // The API as Swift functions, and as a store.
        .target(
            name: "PBTClient",
            dependencies: [
                "PBT", "PBTAPI", "PBTTransfer", "PBTWorker",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // The store contract, toy trainers, clocks: imported by tests.
        .target(name: "PBTTesting", dependencies: ["PBT"], swiftSettings: settings),
        // The command: one file a subcommand, no logic.
        .executableTarget(
            name: "pbt",
            dependencies: [
                "PBT", "PBTSQLite", "PBTWorker", "PBTReport", "PBTServer", "PBTClient", "PBTExport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        // Trainers in Swift on real data, and a command that runs them; without package access, as a user's code is.
        .target(
            name: "ExampleModels",
            dependencies: ["PBT", "PBTWorker", .product(name: "SystemPackage", package: "swift-system")],
            path: "Examples/swift/Models", packageAccess: false, swiftSettings: settings),
        .executableTarget(
            name: "swift-example",
            dependencies: [
                "ExampleModels", "PBT", "PBTSQLite", "PBTWorker", "PBTReport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Examples/swift/Command", packageAccess: false, swiftSettings: settings),
        .testTarget(name: "PBTTests", dependencies: ["PBT", "PBTTesting"], swiftSettings: settings),
        .testTarget(name: "PBTAPITests", dependencies: ["PBT", "PBTAPI"], swiftSettings: settings),
        // Started eight at a time by a test.
        .executableTarget(
            name: "StoreHammer", dependencies: ["PBT", "PBTSQLite"], path: "Tests/StoreHammer", swiftSettings: settings),
        .testTarget(
            name: "PBTSQLiteTests",
            dependencies: [
                "PBT", "PBTSQLite", "PBTTesting", "StoreHammer", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        // Started by a test, which must not be sent what this is sent.
        .executableTarget(
            name: "SpawnHammer",
            dependencies: [
                "PBT", "PBTWorker", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/SpawnHammer", swiftSettings: settings),
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "PBT", "PBTWorker", "PBTSQLite", "PBTTesting", "SpawnHammer",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "CZlib", "PBT", "PBTAPI", "PBTServer", "PBTClient", "PBTTransfer", "PBTSQLite", "PBTWorker",
                "PBTTesting",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Feeds decoders and charts with random inputs: Scripts/fuzz.
        .executableTarget(
            name: "pbt-fuzz",
            dependencies: [
                "PBT", "PBTAPI", "PBTExport", "PBTReport", "PBTSQLite", "PBTServer", "PBTTransfer", "PBTWorker",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Tests/Fuzz", swiftSettings: settings),
        .testTarget(
            name: "ReportTests", dependencies: ["PBT", "PBTReport", "PBTTesting"], exclude: ["Snapshots"],
            swiftSettings: settings),
        .testTarget(
            name: "ExportTests",
            dependencies: [
                "PBT", "PBTExport", "PBTReport", "PBTTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Runs the built `pbt` as a process.
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "PBT", "PBTSQLite", "PBTTesting", "pbt",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["Fixtures"],
            swiftSettings: settings),
        .testTarget(
            name: "ExampleTests",
            dependencies: [
                "ExampleModels", "PBT", "PBTWorker", "PBTTesting",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
    ]
)
