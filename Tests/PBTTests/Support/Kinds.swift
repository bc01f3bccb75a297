// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// A hyperparameter of one kind, by a name for messages.
struct NamedDimension: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let dimension: Dimension

    init(_ name: String, _ dimension: Dimension) {
        testDescription = name
        self.dimension = dimension
    }

    /// Every kind, with and without its options.
    static let every = [
        Self("uniform", .uniform(-1...3)),
        Self("uniform from 0", .uniform(0...1)),
        Self("uniform with wider bounds", .uniform(0.9...1.1, bounds: 1e-4...1.1)),
        Self("uniform on a grid", .uniform(0...1, quantum: 0.1)),
        Self("uniform on a grid that misses the end", .uniform(0.05...1, quantum: 0.3)),
        Self("log-uniform", .logUniform(1e-5...1)),
        Self("log-uniform with wider bounds", .logUniform(1e-3...1e-2, bounds: 1e-6...1)),
        Self("log-uniform on a grid", .logUniform(1...100, quantum: 2.5)),
        Self("reverse-log-uniform", .reverseLogUniform(0.9...0.9999)),
        Self("reverse-log-uniform with wider bounds", .reverseLogUniform(0.9...0.99, bounds: -1...0.999999)),
        Self("reverse-log-uniform on a grid", .reverseLogUniform(0.5...0.99, quantum: 0.01)),
        Self("normal", .normal(mean: 1, deviation: 2)),
        Self("normal with bounds", .normal(mean: 0, deviation: 1, bounds: -0.5...2)),
        Self("normal on a grid", .normal(mean: 0, deviation: 10, quantum: 5)),
        Self("log-normal", .logNormal(mean: -2, deviation: 1)),
        Self("log-normal with bounds", .logNormal(mean: 0, deviation: 1, bounds: 0.5...2)),
        Self("integer", .integer(-3...20)),
        Self("integer from 1 to 2", .integer(1...2)),
        Self("integer with one value", .integer(5...5)),
        Self("integer with wider bounds", .integer(10...20, bounds: 0...100)),
        Self("integer by 8", .integer(8...256, quantum: 8)),
        Self("integer by 5 that misses both ends", .integer(-3...21, bounds: -7...30, quantum: 5)),
        Self("log-integer", .logInteger(1...1024)),
        Self("log-integer by 32", .logInteger(32...1024, quantum: 32)),
        Self("ordered choice", .choice([32, 64, 128, 256], ordered: true)),
        Self("choice", .choice(["relu", "tanh", "gelu"])),
        Self("weighted choice", .choice(["relu", "tanh"], weights: [2, 1])),
        Self("choice of one", .choice([["nested": 1]])),
        Self("choice of mixed kinds", .choice([1, "one", true, nil, [1, 2]])),
        Self("boolean", .boolean),
        Self("constant", .constant(["any": "json"])),
    ]
}
