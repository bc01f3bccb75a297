// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Trains intervals for other tools, with checkpoints in files.
struct Tasks {
    private var known: [String: BenchTask] = [:]

    /// Trains one interval from the file `load`, or from a founder's weights, and writes the weights to the file `save`.
    mutating func train(_ request: Value) throws -> Value {
        let name = try request.required("task", \.string)
        let task = try known[name] ?? .named(name)
        known[name] = task
        let seed = try request.required("seed", \.int)
        var weights = try request["load"]?.string.map { try numbers(in: FilePath($0)) } ?? task.founder(seed: seed)
        let hyperparameters = Hyperparameters(try request.required("hyperparameters", \.object))
        let score = try task.train(&weights, with: hyperparameters, seed: seed)
        try write(weights, to: FilePath(request.required("save", \.string)))
        let regret = try task.metrics(of: weights, seed: seed)["regret"] ?? .null
        return ["score": score.isFinite ? .number(score) : .null, "regret": regret]
    }
}

/// A training program of `pbt`: one interval, by the variables of its environment.
struct Step {
    let task: BenchTask

    func run() throws {
        func variable(_ name: String) throws -> String {
            guard let value = getenv(name) else { throw Failure("\(name) is not set; pbt sets it") }
            return String(cString: value)
        }
        guard let seed = Int(try variable("PBT_SEED")) else { throw Failure("PBT_SEED is not a number") }
        let text = try readBytes(FilePath(variable("PBT_HYPERPARAMETERS")))
        let hyperparameters = Hyperparameters(try Value(json: text).object ?? [:])
        let file: FilePath.Component = "weights"
        var weights =
            try getenv("PBT_CHECKPOINT_IN").map { try numbers(in: FilePath(String(cString: $0)).appending(file)) }
            ?? task.founder(seed: seed)
        let score = try task.train(&weights, with: hyperparameters, seed: seed)
        try write(weights, to: FilePath(variable("PBT_CHECKPOINT_OUT")).appending(file))
        var metrics = try task.metrics(of: weights, seed: seed)
        metrics[task.objective.metric] = .number(score)
        try write(Value.object(metrics).json.utf8, to: FilePath(variable("PBT_RESULTS")))
    }
}

private func numbers(in path: FilePath) throws -> [Double] {
    try readBytes(path).withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
}

private func write(_ weights: [Double], to path: FilePath) throws {
    try weights.withUnsafeBytes { try write($0, to: path) }
}

private func write(_ bytes: some Sequence<UInt8>, to path: FilePath) throws {
    let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
    _ = try file.closeAfter { try file.writeAll(bytes) }
}
