// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTWorker
import Synchronization
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Climbs the gradient of 1.2 − (h0·θ0² + h1·θ1²), four steps an interval; the score is 1.2 − (θ0² + θ1²).
struct ToyTrainer: Trainer {
    struct Model {
        var weights = [0.9, 0.9]
        /// Intervals trained along the lineage.
        var done = 0
    }

    /// Bytes of a checkpoint.
    let size: Int
    /// Seconds that an interval sleeps.
    let pause: Double
    let tally = Tally()
    private let block: [UInt8]

    /// What the trainer itself did.
    final class Tally: Sendable {
        let written = Atomic<Int>(0)
        /// When the first interval began, in nanoseconds since 1970; 0 before.
        let first = Atomic<Int>(0)
    }

    init(_ workload: Workload) {
        size = workload.checkpoint
        pause = workload.pause
        // Bytes that no file system can shrink; the multiplier is Knuth's for a 64-bit generator.
        var state = UInt64(size)
        block =
            size <= 1 << 16
            ? []
            : (0..<1 << 20).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            }
    }

    func start(_ context: TrainingContext) -> Model {
        if tally.first.load(ordering: .relaxed) == 0 { tally.first.store(Usage.wallClock(), ordering: .relaxed) }
        return Model()
    }

    func restore(from checkpoint: FilePath, _ context: TrainingContext) throws -> Model {
        let path = checkpoint.appending("model.bin")
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            var buffer = [UInt8](repeating: 0, count: min(size, 1 << 20))
            var total = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
            let length = buffer[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
            let head = try Value(json: Array(buffer[4..<4 + length]))
            while true {
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { break }
                total += count
            }
            guard total == size, let weights = head["t"]?.array?.compactMap(\.double), let done = head["done"]?.int
            else {
                throw PBTError(.inputOutput, "torn checkpoint \(path): \(total) bytes")
            }
            return Model(weights: weights, done: done)
        }
    }

    func train(_ model: inout Model, _ context: TrainingContext) throws {
        let rates = [try context.hyperparameters.double("h0"), try context.hyperparameters.double("h1")]
        for _ in 0..<4 {
            for i in 0..<2 {
                model.weights[i] -= 0.01 * 2 * min(max(rates[i], 0), 1) * model.weights[i]
            }
        }
        if pause > 0 {
            // Blocks its thread, as computing would.
            var time = timespec(tv_sec: Int(pause), tv_nsec: Int(pause * 1e9) % 1_000_000_000)
            var rest = time
            while nanosleep(&time, &rest) != 0, errno == EINTR { time = rest }
        }
        model.done += 1
    }

    func evaluate(_ model: Model, _ context: TrainingContext) -> [String: Value] {
        ["score": .number(1.2 - model.weights.map { $0 * $0 }.reduce(0, +))]
    }

    func save(_ model: Model, to directory: FilePath, _ context: TrainingContext) throws {
        let head = Value.object([
            "t": .array(model.weights.map { .number($0) }), "done": .integer(model.done),
        ]).json.utf8
        var first = withUnsafeBytes(of: UInt32(head.count).littleEndian) { Array($0) }
        first += head
        let file = try FileDescriptor.open(
            directory.appending("model.bin"), .writeOnly, options: [.create, .truncate, .closeOnExec],
            permissions: .ownerReadWrite)
        try file.closeAfter {
            if block.isEmpty { first += repeatElement(0, count: size - first.count) }
            var left = size - (try file.writeAll(first))
            while left > 0 {
                left -= try block.withUnsafeBytes { try file.writeAll($0.prefix(left)) }
            }
        }
        tally.written.add(size, ordering: .relaxed)
    }
}
