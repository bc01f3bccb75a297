// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import SystemPackage

extension CheckReport {
    /// Reports whether two trials without a change gave the same result.
    mutating func noteDeterminism(_ comparison: Comparison, metric: String) {
        isDeterministic = comparison.isDeterministic(metric)
        if comparison.isDeterministic(metric) {
            add(.fine, "the same hyperparameters and seed give the same \(metric)")
        } else {
            add(
                .warning,
                "the same hyperparameters and seed (PBT_SEED) give a different \(metric) each time: runs are not reproducible"
            )
        }
        guard comparison.stable.isEmpty else { return }
        add(
            .warning,
            "it is unknown whether hyperparameters take effect after the restore, since no result is "
                + "reproducible; seed the program with PBT_SEED, and rerun the check")
    }

    /// Predicts the cost of a run.
    mutating func predict(_ experiment: Experiment, slots: Int, seconds: [Double], bytes: Int64) {
        let searches = [experiment] + (experiment.baseline.map { [$0] } ?? [])
        let mean = seconds.reduce(0, +) / Double(seconds.count)
        let intervals = searches.reduce(0) { $0.adding(saturating: $1.plannedIntervals) }
        let members = searches.reduce(0) { $0.adding(saturating: $1.population) }
        let time = mean * Double(intervals) / Double(min(slots, max(1, members)))
        let checkpoints = searches.reduce(slots) {
            $0.adding(saturating: StartLines.mostCheckpoints(of: $1))
        }
        let disk = Int64(checkpoints).multiplied(saturatingBy: bytes)
        runSeconds = time
        runBytes = disk
        add(
            .fine,
            "a run of \(intervals) intervals will take about \(Format.duration(Duration(saturatingSeconds: time))) with "
                + "\(Words.count(slots, "worker")), and at most \(Format.bytes(disk)) of disk (\(checkpoints) checkpoints)"
        )
        if let free = freeBytes(at: FilePath(experiment.trainer?.directory ?? "/")), free < disk {
            add(.warning, "only \(Format.bytes(free)) are free in \(experiment.trainer?.directory ?? "/")")
        }
    }

    /// Warns about populations and schedules of a problematic size.
    mutating func adviseOnDesign(of experiment: Experiment) {
        guard experiment.kind == .populationBasedTraining else { return }
        if case .truncation(let bottom, let top) = experiment.exploit.kind {
            let donors = ExploitRule.count(of: top, among: experiment.population)
            let replaced = ExploitRule.count(of: bottom, among: experiment.population)
            let text =
                "\(experiment.population) members × \(Words.percent(top)): \(Words.count(donors, "donor")), "
                + "\(replaced) replaced each time"
            add(donors <= 1 ? .warning : .fine, donors <= 1 ? "\(text); one lineage will soon take over" : text)
        }
        if let slow = experiment.exploit.subPopulations.first(where: { $0.every >= experiment.intervals }) {
            add(
                .warning,
                "a sub-population that exchanges every \(slow.every) intervals never does within "
                    + "\(experiment.intervals): write smaller numbers in exploit.multi_frequency")
        }
        if experiment.population < 8 {
            add(
                .warning,
                "\(Words.count(experiment.population, "member")): PBT is known to need more: at least 8, and 20 or more to be reliable"
            )
        }
        let decisions = experiment.intervals - 1
        if decisions < 10 {
            add(
                .warning,
                "\(Words.count(decisions, "decision")) for each member: too few for a schedule to form; use more, shorter intervals"
            )
        } else if decisions > 1000 {
            add(
                .warning,
                "\(decisions) decisions for each member: intervals this short measure mostly noise; use fewer, longer intervals"
            )
        }
    }
}
