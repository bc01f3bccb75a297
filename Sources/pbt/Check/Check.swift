// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import PBTWorker
import SystemPackage

/// A check that trains the first two intervals of a member in several ways, and compares the results.
struct Check {
    private let experiment: Experiment
    private let slots: Int
    private let isQuick: Bool
    private let trial: TrialRun
    private var report: CheckReport
    private var attempts = 0

    /// Creates a check that stores its files in a directory.
    init(_ experiment: Experiment, slots: Int, in directory: FilePath, isQuick: Bool, limit: Duration? = nil) {
        var experiment = experiment
        if let limit { experiment.trainer?.timeout = limit }
        self.experiment = experiment
        self.slots = slots
        self.isQuick = isQuick
        trial = TrialRun(
            experiment: experiment, data: DataDirectory(directory),
            executor: CommandExecutor(slots: slots, devices: DeviceAssignment()))
        report = CheckReport(experiment.name)
    }

    /// Trains, compares, and predicts.
    ///
    /// - Throws: A ``Failure`` when files cannot be written, and `CancellationError`.
    /// - Returns: The report.
    mutating func run() async throws -> CheckReport {
        do {
            if let founder = try await trainFounder() {
                if let checkpoint = founder.checkpoint {
                    try await compare(founder, checkpoint)
                } else {
                    report.add(
                        .problem,
                        "the program saved nothing: it must write the model into the directory PBT_CHECKPOINT_OUT before "
                            + "it exits, or no other member can continue from it")
                }
            }
        } catch let failure as Failure where [.noResult, .tryLater, .cannotTrain].contains(failure.status) {
            report.add(.problem, failure.message ?? "")
            if let advice = experiment.flagAdvice { report.add(.warning, advice) }
        }
        report.adviseOnDesign(of: experiment)
        return report
    }

    private mutating func train(
        _ purpose: String, index: Int, with hyperparameters: Hyperparameters, from parent: String?
    ) async throws -> TrialRun.Outcome {
        attempts += 1
        Output.note("training interval \(index): \(purpose)")
        do {
            let outcome = try await trial.train(index: index, attempt: attempts, with: hyperparameters, from: parent)
            report.add(purpose, seconds: outcome.seconds)
            return outcome
        } catch let failure as Failure where failure.status == .noResult {
            throw Failure(.noResult, "interval \(index) (\(purpose)) with \(hyperparameters): \(failure.message ?? "")")
        }
    }

    /// Returns a copy of the checkpoint that a founder continues; nil when there is none, and for a checkpoint of an
    /// experiment, since a check has no store.
    private func start(of founder: Int) throws -> String? {
        guard let checkpoint = experiment.founderCheckpoints[founder], case .directory = checkpoint.source else {
            return nil
        }
        var copied = experiment
        copied.founderCheckpoints = FounderCheckpoints(shared: FounderCheckpoint(checkpoint.source))
        return try trial.data.copyFounders(of: copied, allowingPaths: true).founderCheckpoints.shared?.copy?.description
    }

    /// Trains up to three founders, until one has a finite score.
    private mutating func trainFounder() async throws -> TrialRun.Outcome? {
        var last: TrialRun.Outcome?
        for founder in 0..<3 {
            let outcome = try await train(
                "a founder", index: 0, with: experiment.founder(founder), from: start(of: founder))
            if outcome.score.isFinite {
                report.add(
                    .fine,
                    "the program ran in \(Format.duration(.seconds(outcome.seconds))) and reported "
                        + "\(experiment.objective.metric) \(Format.score(outcome.score))")
                return outcome
            }
            last = outcome
        }
        report.add(
            .problem,
            "\(experiment.objective.metric) is \(last?.score ?? .nan) for each of three founders; no member could be ranked"
        )
        return nil
    }

    private mutating func compare(_ founder: TrialRun.Outcome, _ checkpoint: String) async throws {
        report.checkpointBytes = founder.bytes
        report.add(.fine, "it saved a checkpoint of \(Format.bytes(founder.bytes))")
        for link in founder.links {
            report.add(
                .fine,
                "\(link); it is published as a relative link, and sent to other machines as a copy of its target")
        }
        let same = founder.hyperparameters
        let names = experiment.space.explorable
        let other = experiment.space.changed(same, names, seed: experiment.seed)
        let changed = try await train("restored, with other hyperparameters", index: 1, with: other, from: checkpoint)
        guard changed.parentChanges.isEmpty else {
            report.add(
                .problem,
                "the program writes into PBT_CHECKPOINT_IN: \(CheckpointSeal.text(of: changed.parentChanges)). Others "
                    + "continue from that checkpoint too, and its score would no longer be valid: only read it, and save "
                    + "into PBT_CHECKPOINT_OUT")
            return
        }
        report.add(
            .fine,
            "a new process restored it with other hyperparameters, and reported \(experiment.objective.metric) "
                + Format.score(changed.score))
        if changed.checkpoint == nil {
            report.add(.problem, "the program saved nothing after a restore: PBT_CHECKPOINT_OUT was left empty")
        }
        report.predict(
            experiment, slots: slots, seconds: [founder.seconds, changed.seconds],
            bytes: max(founder.bytes, changed.bytes))
        guard !isQuick else { return }
        let reference = try await train("restored, with its hyperparameters", index: 1, with: same, from: checkpoint)
        let repeated = try await train("repeated unchanged", index: 1, with: same, from: checkpoint)
        let comparison = Comparison(reference, repeated: repeated)
        report.noteDeterminism(comparison, metric: experiment.objective.metric)
        guard !comparison.stable.isEmpty else { return }
        try await compareRestore(comparison, with: same)
        try await compareEffects(comparison, changed, same: same, from: checkpoint, names: names)
    }

    /// Checks that an interval without a checkpoint to restore gives another result.
    private mutating func compareRestore(_ comparison: Comparison, with hyperparameters: Hyperparameters) async throws {
        let fresh = try await train("without anything to restore", index: 1, with: hyperparameters, from: nil)
        let restores = comparison.hasEffect(fresh)
        report.restores = restores
        if restores {
            report.add(.fine, "restoring has an effect")
        } else {
            report.add(
                .problem,
                "the program seems not to restore: an interval without a checkpoint gives exactly the same result; load the "
                    + "model from the directory PBT_CHECKPOINT_IN when it is set")
        }
    }

    /// Checks which hyperparameters have an effect after the restore.
    private mutating func compareEffects(
        _ comparison: Comparison, _ changed: TrialRun.Outcome, same: Hyperparameters, from checkpoint: String,
        names: [String]
    ) async throws {
        guard comparison.hasEffect(changed) else {
            for name in names { report.effects[name] = false }
            report.add(
                names.isEmpty ? .warning : .problem,
                "hyperparameters seem not to take effect after the restore: with other values of "
                    + "\(names.joined(separator: ", ")) the interval gives exactly the same result. The most common reason: "
                    + "restoring the optimizer's state brings back the old learning rate; set it again after the restore"
            )
            return
        }
        for name in names {
            // A single name was just tested.
            var hasEffect = true
            if names.count > 1 {
                let hyperparameters = experiment.space.changed(same, [name], seed: experiment.seed)
                let outcome = try await train(
                    "restored, with another \(name)", index: 1, with: hyperparameters, from: checkpoint)
                hasEffect = comparison.hasEffect(outcome)
            }
            report.effects[name] = hasEffect
        }
        let effective = names.filter { report.effects[$0] == true }
        let idle = names.filter { report.effects[$0] == false }
        if !effective.isEmpty {
            report.add(.fine, "after the restore these take effect: \(effective.joined(separator: ", "))")
        }
        if !idle.isEmpty {
            report.add(
                .warning,
                "after the restore these seem not to take effect: \(idle.joined(separator: ", ")). The most common reason: "
                    + "restoring the optimizer's state brings back its old settings; set them again after the restore")
        }
    }
}
