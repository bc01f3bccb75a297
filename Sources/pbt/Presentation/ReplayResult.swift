// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import SystemPackage

/// The scores of a replay's members at the end of the schedule, compared with the original.
struct ReplayResult {
    private let replay: LoadedExperiment
    private let original: LoadedExperiment
    private let tip: Interval

    /// Creates the result of a replay.
    ///
    /// - Parameters:
    ///   - replay: The replay.
    ///   - original: The experiment whose schedule it followed.
    ///   - tip: The interval that the schedule ends with.
    init(_ replay: LoadedExperiment, of original: LoadedExperiment, tip: Interval) {
        self.replay = replay
        self.original = original
        self.tip = tip
    }

    /// Each member's last interval.
    private var ends: [Interval] {
        replay.history.members.compactMap(\.last)
    }

    /// Returns the score of an interval, if it is done and at the end of the schedule.
    private func score(_ end: Interval) -> Double? {
        end.state == .done && end.id.index + 1 == replay.experiment.intervals ? end.score : nil
    }

    /// The scores of the members that reached the end of the schedule.
    var scores: [Double] {
        ends.compactMap { score($0) }
    }

    /// The reason why the replay failed; nil when it did not.
    var failure: String? {
        guard replay.record.state == .failed else { return nil }
        let reason = replay.record.reason.map { ": \(PlainText.line($0))" } ?? ""
        return "\(PlainText.line(replay.experiment.name)) failed\(reason)"
    }

    /// The mean; nil without scores.
    private var mean: Double? {
        // Relative to the first score: identical scores have exactly that mean, and zero deviation.
        scores.first.map { first in first + scores.reduce(0) { $0 + ($1 - first) / Double(scores.count) } }
    }

    /// The sample standard deviation; nil for fewer than two scores.
    private var deviation: Double? {
        guard let mean, scores.count > 1 else { return nil }
        return (scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scores.count - 1)).squareRoot()
    }

    /// The result as JSON.
    var value: Value {
        [
            "event": "result", "name": .string(replay.experiment.name),
            "state": .string(replay.record.state.rawValue),
            "original": [
                "name": .string(original.experiment.name), "member": .integer(tip.id.member),
                "interval": .integer(tip.id.index), "score": .score(tip.state == .done ? tip.score : nil),
            ],
            "intervals": .integer(replay.experiment.intervals),
            "seeds": .array(
                ends.map { end in
                    [
                        "member": .integer(end.id.member), "interval": .integer(end.id.index),
                        "state": .string(end.state.rawValue), "score": .score(score(end)),
                        "checkpoint": .string(orNull: replay.checkpoint(of: end)?.string),
                    ]
                }),
            "mean": .score(mean), "deviation": .score(deviation),
        ]
    }

    /// Prints the result.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func print() throws {
        let metric = original.experiment.objective.metric
        var table = TextTable([
            .init("SEED", .right), .init(metric.uppercased(), .right), .init("STATE"), .init("CHECKPOINT", rank: 1),
        ])
        let cells = Format.column(ends.map { score($0) })
        for (row, end) in ends.enumerated() {
            let isThrough = end.state.isFinished && end.id.index + 1 == replay.experiment.intervals
            table.append([
                "\(end.id.member)", cells[row],
                isThrough
                    ? end.state.rawValue : "\(end.state.rawValue) at \(end.id.index) of \(replay.experiment.intervals)",
                replay.checkpointText(of: end) ?? "",
            ])
        }
        try table.print()
        let spread = deviation.map { " ± \($0.short)" } ?? ""
        let result = mean.map { "\(Format.score($0))\(spread)" } ?? "no score yet"
        try Output.line(
            Words.plain(
                PlainText.line(
                    "original \(tip.scoreText) (\(original.experiment.name) \(tip.id))   replay \(result) "
                        + "(mean\(spread.isEmpty ? "" : " ± sd") of \(Words.count(scores.count, "seed")))")))
    }
}
