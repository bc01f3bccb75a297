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
        .library(name: "PBTCheckpoints", targets: ["PBTCheckpoints"]),
        .library(name: "PBTWorker", targets: ["PBTWorker"]),
        .library(name: "PBTReport", targets: ["PBTReport"]),
        .library(name: "PBTServer", targets: ["PBTServer", "PBTHTTP", "PBTDashboard"]),
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
        // The algorithm and the rules of a store: values and pure functions. Only StoreClock.system reads a clock.
        .target(
            name: "PBT", dependencies: [.product(name: "Crypto", package: "swift-crypto")], swiftSettings: settings),
        // The C library of the platform, under one name.
        .target(name: "LibC", swiftSettings: settings),
        // A store in one file.
        .target(
            name: "PBTSQLite",
            dependencies: [
                "PBT", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        // What goes over the wire between server and clients: JSON, paths, errors.
        .target(name: "PBTAPI", dependencies: ["PBT"], swiftSettings: settings),
        // The files of a store: checkpoints, their seals and manifests, the directories of attempts, logs.
        .target(
            name: "PBTCheckpoints",
            dependencies: [
                "LibC", "PBT", "PBTAPI",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Starts programs: what Swift cannot do between a fork and an exec.
        .target(name: "CSpawn"),
        // Claims, runs, renews, publishes.
        .target(
            name: "PBTWorker",
            dependencies: [
                "CSpawn", "LibC", "PBT", "PBTCheckpoints",
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
                "PBT", "PBTReport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // The system's zlib: answers are compressed by it.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        // Connections, requests, responses, routing, admission: knows neither the API nor a dashboard nor a protocol.
        .target(
            name: "PBTHTTP",
            dependencies: [
                "CZlib", "PBT", "PBTAPI",
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
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        // The API over any store: endpoints, the claim queue, uploads, the event feed. Takes mounts for anything else.
        .target(
            name: "PBTServer",
            dependencies: [
                "PBT", "PBTAPI", "PBTCheckpoints", "PBTHTTP",
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // A mount: pages for a browser.
        .target(
            name: "PBTDashboard",
            dependencies: [
                "PBT", "PBTAPI", "PBTCheckpoints", "PBTHTTP", "PBTReport", "PBTServer",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            resources: ["app.js", "app.css", "icon.svg"].map { .embedInCode("Assets/\($0)") },
            swiftSettings: settings),
        // A mount: Schedy's protocol.
        .target(
            name: "PBTSchedy",
            dependencies: [
                "PBT", "PBTAPI", "PBTHTTP",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),
        // The API as Swift functions, and as a store.
        .target(
            name: "PBTClient",
            dependencies: [
                "LibC", "PBT", "PBTAPI", "PBTCheckpoints",
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
        // The command line: a file for each subcommand.
        .executableTarget(
            name: "pbt",
            dependencies: [
                "LibC", "PBT", "PBTCheckpoints", "PBTSQLite", "PBTWorker", "PBTReport", "PBTHTTP", "PBTServer",
                "PBTDashboard", "PBTSchedy", "PBTClient", "PBTExport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
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
                "ExampleModels", "PBT", "PBTCheckpoints", "PBTSQLite", "PBTWorker", "PBTReport",
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
                "LibC", "PBT", "PBTCheckpoints", "PBTWorker",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/SpawnHammer", swiftSettings: settings),
        // What the tests of several targets share: directories of their own, small experiments.
        .target(
            name: "TestSupport",
            dependencies: [
                "PBT", "PBTCheckpoints", "PBTTesting", .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(
            name: "PBTCheckpointsTests",
            dependencies: [
                "PBT", "PBTCheckpoints", "PBTTesting", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "PBTWorkerTests",
            dependencies: [
                "LibC", "PBT", "PBTCheckpoints", "PBTWorker", "PBTSQLite", "PBTTesting", "SpawnHammer", "TestSupport",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Servers that tests start, and how to send them requests.
        .target(
            name: "ServerTestSupport",
            dependencies: [
                "CZlib", "PBT", "PBTAPI", "PBTCheckpoints", "PBTHTTP", "PBTServer", "PBTDashboard", "PBTClient",
                "PBTWorker",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/ServerTestSupport", swiftSettings: settings),
        .testTarget(
            name: "PBTClientTests",
            dependencies: [
                "PBT", "PBTCheckpoints", "PBTServer", "PBTClient", "PBTSQLite", "PBTWorker", "PBTTesting",
                "ServerTestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "PBTHTTPTests",
            dependencies: [
                "PBT", "PBTAPI", "PBTCheckpoints", "PBTHTTP", "PBTServer", "PBTSQLite", "PBTTesting",
                "ServerTestSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "PBTServerTests",
            dependencies: [
                "PBT", "PBTAPI", "PBTCheckpoints", "PBTHTTP", "PBTServer", "PBTClient", "PBTSQLite", "PBTWorker",
                "PBTTesting", "ServerTestSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "PBTDashboardTests",
            dependencies: [
                "PBT", "PBTAPI", "PBTCheckpoints", "PBTHTTP", "PBTServer", "PBTSchedy", "PBTDashboard", "PBTTesting",
                "ServerTestSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "PBTSchedyTests",
            dependencies: [
                "PBT", "PBTAPI", "PBTServer", "PBTSchedy", "PBTSQLite", "PBTReport", "PBTTesting", "ServerTestSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings),
        // Feeds decoders and charts with random inputs: Scripts/fuzz.
        .executableTarget(
            name: "pbt-fuzz",
            dependencies: [
                "PBT", "PBTAPI", "PBTCheckpoints", "PBTExport", "PBTReport", "PBTSQLite", "PBTHTTP", "PBTServer",
                "PBTDashboard", "PBTSchedy",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Tests/Fuzz", swiftSettings: settings),
        .testTarget(
            name: "PBTReportTests", dependencies: ["PBT", "PBTReport", "PBTTesting"], exclude: ["Snapshots"],
            swiftSettings: settings),
        .testTarget(
            name: "PBTExportTests",
            dependencies: [
                "PBT", "PBTClient", "PBTExport", "PBTReport", "PBTTesting",
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
            name: "PBTCommandTests",
            dependencies: [
                "PBT", "PBTCheckpoints", "PBTSQLite", "PBTSchedy", "PBTTesting", "pbt",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["Fixtures"],
            swiftSettings: settings),
        .testTarget(
            name: "ExampleTests",
            dependencies: [
                "ExampleModels", "PBT", "PBTCheckpoints", "PBTWorker", "PBTTesting",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
    ]
)
