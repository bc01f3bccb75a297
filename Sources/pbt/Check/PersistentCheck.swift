// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import SystemPackage

/// A check of a persistent trainer: that it saves and restores, and that hyperparameters take effect both after a
/// restore and with the model kept in memory.
struct PersistentCheck {
    private let experiment: Experiment
    private let slots: Int
    private let isQuick: Bool
    private let trial: PersistentTrial
    private var report: CheckReport
    private var trials = 0

    /// Creates a check that stores its files in a directory.
    init(_ experiment: Experiment, slots: Int, in directory: FilePath, isQuick: Bool, limit: Duration) {
        self.experiment = experiment
        self.slots = slots
        self.isQuick = isQuick
        trial = PersistentTrial(experiment: experiment, directory: directory, slots: slots, limit: limit)
        report = CheckReport(experiment.name)
    }

    /// Trains, compares, and predicts.
    ///
    /// - Throws: A ``Failure`` when files cannot be written, and `CancellationError`.
    /// - Returns: The report.
    mutating func run() async throws -> CheckReport {
        do {
            try await check()
        } catch let failure as Failure where [.noResult, .tryLater, .cannotTrain].contains(failure.status) {
            report.add(.problem, failure.message ?? "")
        }
        report.adviseOnDesign(of: experiment)
        return report
    }

    /// Trains intervals of member 0, grouped by process.
    private mutating func train(_ purpose: String, _ processes: [[Hyperparameters]]) async throws -> [TrialRun.Outcome]
    {
        trials += 1
        Output.note("training \(Words.count(processes.joined().count, "interval")): \(purpose)")
        do {
            let outcomes = try await trial.train(processes, number: trials)
            for outcome in outcomes { report.add(purpose, seconds: outcome.seconds) }
            return outcomes
        } catch let failure as Failure where failure.status == .noResult {
            throw Failure(.noResult, "\(purpose): \(failure.message ?? "")")
        }
    }

    /// Trains a second interval whose score is finite.
    private mutating func second(_ purpose: String, _ processes: [[Hyperparameters]]) async throws -> TrialRun.Outcome {
        let outcomes = try await train(purpose, processes)
        guard outcomes.count == 2 else {
            let metric = experiment.objective.metric
            throw Failure(
                .noResult,
                "\(purpose): in the first interval it saved nothing, and \(metric) was \(outcomes.last?.score ?? .nan)")
        }
        return outcomes[1]
    }

    private mutating func check() async throws {
        let metric = experiment.objective.metric
        let names = experiment.space.explorable
        var trained: [TrialRun.Outcome] = []
        var other = Hyperparameters([:])
        for member in 0..<3 {
            let same = experiment.founder(member)
            other = experiment.space.changed(same, names, seed: experiment.seed)
            trained = try await train(
                "a founder; then a new process that restores it, with other hyperparameters", [[same], [other]])
            if trained.first?.score.isFinite == true { break }
        }
        guard let founder = trained.first, founder.score.isFinite else {
            report.add(.problem, "\(metric) is not finite for each of three founders; no member could be ranked")
            return
        }
        report.add(
            .fine,
            "the program ran in \(Format.duration(.seconds(founder.seconds))) and reported \(metric) "
                + Format.score(founder.score))
        guard founder.checkpoint != nil, trained.count == 2 else {
            report.add(
                .problem,
                "the program saved nothing: it must write the model into interval.checkpoint_out before report(), or no "
                    + "other member can continue from it")
            return
        }
        let restored = trained[1]
        report.checkpointBytes = founder.bytes
        report.add(.fine, "it saved a checkpoint of \(Format.bytes(founder.bytes))")
        report.add(
            .fine,
            "a new process restored it with other hyperparameters, and reported \(metric) \(Format.score(restored.score))"
        )
        report.predict(
            experiment, slots: slots, seconds: [founder.seconds, restored.seconds],
            bytes: max(founder.bytes, restored.bytes))
        guard !isQuick else { return }
        try await compare(founder.hyperparameters, other, restored: restored, names)
    }

    /// Compares the results with the same and with other hyperparameters, in memory and restored.
    private mutating func compare(
        _ same: Hyperparameters, _ other: Hyperparameters, restored changedRestored: TrialRun.Outcome, _ names: [String]
    ) async throws {
        let memory = try await second("in one process, the model stays in memory", [[same, same]])
        let repeated = try await second("repeated unchanged", [[same, same]])
        let inMemory = Comparison(memory, repeated: repeated)
        report.noteDeterminism(inMemory, metric: experiment.objective.metric)
        guard !inMemory.stable.isEmpty else { return }
        let restored = try await second("in two processes, the second restores", [[same], [same]])
        let afterRestore = inMemory.with(reference: restored)
        try await compareRestore(afterRestore, same, other)
        let changed = try await second("in one process, then with other hyperparameters", [[same, other]])
        if !inMemory.hasEffect(restored), inMemory.hasEffect(changed), afterRestore.hasEffect(changedRestored),
            inMemory.with(reference: changed).hasEffect(changedRestored)
        {
            report.add(
                .warning,
                "other hyperparameters have another effect when the model stays in memory than after a restore, while "
                    + "unchanged ones have the same; are all of them set in both cases?")
        } else if inMemory.hasEffect(restored) {
            report.add(
                .warning,
                "an interval gives a different result when the model stays in memory than when it is restored: something "
                    + "that training depends on is not in the checkpoint, such as the optimizer's state, the position in "
                    + "the data or the state of a random generator")
        }
        try await noteEffects(
            inMemory: inMemory.hasEffect(changed), afterRestore: afterRestore.hasEffect(changedRestored),
            (inMemory, afterRestore), same, names)
    }

    /// Checks that a restored interval depends on the checkpoint that it restores.
    private mutating func compareRestore(
        _ afterRestore: Comparison, _ same: Hyperparameters, _ other: Hyperparameters
    ) async throws {
        let outcomes = try await train("in two processes, the second restores another founder", [[other], [same]])
        guard outcomes.count == 2 else { return }
        let restores = afterRestore.hasEffect(outcomes[1])
        report.restores = restores
        if restores {
            report.add(.fine, "restoring has an effect")
        } else {
            report.add(
                .problem,
                "the program seems not to restore: an interval gives exactly the same result whatever checkpoint it restores; "
                    + "load the model from interval.checkpoint_in unless interval.continues")
        }
    }

    /// Reports which hyperparameters take effect in a later interval.
    private mutating func noteEffects(
        inMemory: Bool, afterRestore: Bool, _ comparisons: (memory: Comparison, restored: Comparison),
        _ same: Hyperparameters, _ names: [String]
    ) async throws {
        let memory = try await effects(names, of: inMemory, comparisons.memory, same) { [[same, $0]] }
        let restored = try await effects(names, of: afterRestore, comparisons.restored, same) { [[same], [$0]] }
        report.effectsInMemory = memory
        report.effects = restored
        func list(_ chosen: (String) -> Bool) -> String? {
            let chosen = names.filter(chosen)
            return chosen.isEmpty ? nil : chosen.joined(separator: ", ")
        }
        if let list = list({ memory[$0] == true && restored[$0] == true }) {
            report.add(.fine, "after a restore, and when the model stays in memory, these take effect: \(list)")
        }
        let severity: CheckReport.Severity = inMemory && afterRestore ? .warning : .problem
        if let list = list({ memory[$0] == false && restored[$0] == false }) {
            report.add(
                severity,
                "after a member's first interval these seem not to take effect: \(list). With other values an interval gives "
                    + "exactly the same result, both when the model stays in memory and after a restore. Set them in every "
                    + "interval, after the restore, and also when interval.continues")
        }
        if let list = list({ memory[$0] == false && restored[$0] == true }) {
            report.add(
                .problem,
                "when the model stays in memory these seem not to take effect: \(list). With other values an interval that "
                    + "continues gives exactly the same result, while a restored one does not. Set them in every interval, also "
                    + "when interval.continues")
        }
        if let list = list({ memory[$0] == true && restored[$0] == false }) {
            report.add(
                severity,
                "after a restore these seem not to take effect: \(list). The most common reason: restoring the optimizer's "
                    + "state brings back its old settings; set them again after the restore")
        }
    }

    /// Finds out for each hyperparameter whether it has an effect by itself.
    private mutating func effects(
        _ names: [String], of all: Bool, _ comparison: Comparison, _ same: Hyperparameters,
        _ processes: (Hyperparameters) -> [[Hyperparameters]]
    ) async throws -> [String: Bool] {
        var effects: [String: Bool] = [:]
        for name in names {
            // Without an effect of all there is none of one; and a single name was just tested.
            guard all, names.count > 1 else {
                effects[name] = all
                continue
            }
            let changed = experiment.space.changed(same, [name], seed: experiment.seed)
            let trained = processes(changed)
            let purpose = "\(trained.count == 1 ? "in one process" : "restored"), with another \(name)"
            effects[name] = comparison.hasEffect(try await second(purpose, trained))
        }
        return effects
    }
}
