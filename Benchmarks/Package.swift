// swift-tools-version: 6.3
import PackageDescription

/// The settings of the package itself.
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
        // The peers' workloads, the store's loop and growth.
        .executableTarget(
            name: "ours",
            dependencies: [
                .product(name: "PBT", package: "swift-pbt"),
                .product(name: "PBTSQLite", package: "swift-pbt"),
                .product(name: "PBTWorker", package: "swift-pbt"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings)
    ]
)
