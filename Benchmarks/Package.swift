// swift-tools-version: 6.3
import PackageDescription

/// The settings of the package that is measured.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "swift-pbt-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "swift-pbt", path: ".."),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    ],
    targets: [
        // The workloads, the store alone, and the store beside bare SQLite.
        .executableTarget(
            name: "ours",
            dependencies: [
                "SQLiteLimit",
                .product(name: "PBT", package: "swift-pbt"),
                .product(name: "PBTSQLite", package: "swift-pbt"),
                .product(name: "PBTCheckpoints", package: "swift-pbt"),
                .product(name: "PBTWorker", package: "swift-pbt"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Searches with virtual workers in memory, and the trainer of their tasks for other tools (Scripts/search-bench).
        .executableTarget(
            name: "SearchBench",
            dependencies: [
                .product(name: "PBT", package: "swift-pbt"),
                .product(name: "PBTTesting", package: "swift-pbt"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Bare SQLite in C: records the statements of a store, and runs the same ones again.
        .target(name: "SQLiteLimit", linkerSettings: [.linkedLibrary("sqlite3")]),
    ]
)
