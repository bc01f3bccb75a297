// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import PBTWorker
import SystemPackage

/// One interval, trained without a store in a directory that is deleted afterwards.
struct TrialRun: Sendable {
    /// The outcome of an interval.
    struct Outcome: Sendable {
        /// The hyperparameters.
        var hyperparameters: Hyperparameters
        /// The score, which may be non-finite.
        var score: Double
        /// All metrics.
        var metrics: [String: Value]
        /// The name of the checkpoint; nil when the program saved nothing.
        var checkpoint: String?
        /// The checkpoint's size in bytes.
        var bytes: Int64
        /// A hash of the names and bytes of the checkpoint's files.
        var digest: UInt64
        /// The duration in seconds.
        var seconds: Double
        /// The symbolic links in the checkpoint.
        var links: [CheckpointLink] = []
        /// The changes that the program made to the checkpoint that it restored; normally empty.
        var parentChanges: [String] = []
    }

    /// The experiment.
    let experiment: Experiment
    /// The directory for its files.
    let data: DataDirectory
    /// The executor that runs the program.
    let executor: CommandExecutor

    /// Trains one interval of member 0.
    ///
    /// - Parameters:
    ///   - index: The index of the interval; 0 is a founder's first.
    ///   - attempt: A number that distinguishes trials of one interval.
    ///   - hyperparameters: Its hyperparameters.
    ///   - parent: The checkpoint that it restores, if any.
    /// - Returns: The outcome.
    /// - Throws: A ``Failure`` with the reason and the end of the log when it fails.
    func train(
        index: Int, attempt: Int, with hyperparameters: Hyperparameters, from parent: String?
    ) async throws -> Outcome {
        let id = IntervalID(member: 0, index: index)
        let now = StoreClock.system.now()
        let interval = Interval(
            id: id, parent: parent == nil || index == 0 ? nil : IntervalID(member: 0, index: 0),
            hyperparameters: hyperparameters,
            depth: index + 1, created: now)
        let lease = Lease(
            experiment: experiment.name, interval: id, attempt: attempt, token: "", worker: "check", expires: now)
        let started = try data.begin(
            Assignment(lease: lease, interval: interval, parentCheckpoint: parent, experiment: experiment), slot: 0)
        let start = ContinuousClock.now
        let end = await executor.run(started)
        let seconds = (ContinuousClock.now - start).seconds
        try Task.checkCancellation()
        switch end {
        case .failed(let reason):
            let changes = try ParentGuard(started).changes()
            let more =
                changes.isEmpty
                ? parent == nil ? "" : ParentGuard.hint(for: reason + Self.tail(of: started.log))
                : "; it also wrote into PBT_CHECKPOINT_IN: \(CheckpointSeal.text(of: changes))"
            throw Failure(.noResult, "the program failed: \(reason)\(more)\(Self.tail(of: started.log))")
        case .unable(let problem):
            throw Failure(.cannotTrain, "the program cannot be run here: \(problem.reason)")
        case .interrupted(let reason):
            throw Failure(.tryLater, "the program released its interval: \(reason)")
        case .trained(let score, let metrics):
            let digest = try CheckpointDigest(of: started.checkpoint)
            let isEmpty = digest.files == 0
            let bytes = try data.size(of: started.checkpoint)
            let links = try CheckpointLinks.find(in: started.checkpoint)
            let bad = links.filter { $0.problem != nil }
            guard bad.isEmpty else { throw Failure(.noResult, CheckpointLinks.refusal(of: bad, atMost: .max).message) }
            let changes = try ParentGuard(started).changes()
            let name = isEmpty ? nil : try data.publish(started)
            return Outcome(
                hyperparameters: hyperparameters, score: score, metrics: metrics, checkpoint: name, bytes: bytes,
                digest: digest.value, seconds: seconds, links: links, parentChanges: changes)
        }
    }

    /// Returns the last lines that the program printed, indented.
    private static func tail(of log: FilePath) -> String {
        var bytes: [UInt8] = []
        do {
            let file = try FileDescriptor.open(log, .readOnly)
            bytes = try file.closeAfter {
                let size = try file.seek(offset: 0, from: .end)
                try file.seek(offset: max(0, size - 4096), from: .start)
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                return Array(buffer[..<count])
            }
        } catch {
            return "\n  (its log cannot be read: \(error))"
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(10)
        return lines.isEmpty
            ? "" : "\n  its last lines:\n" + lines.map { "    \(PlainText.line(String($0)))" }.joined(separator: "\n")
    }
}
