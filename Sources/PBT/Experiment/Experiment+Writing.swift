// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// The definition in the schema of an experiment file, with all defaults but those of exploit, explore, and timing,
    /// which a store names (``withNamedDefaults``).
    ///
    /// ``init(document:directory:isStored:)`` reads it back to the same experiment.
    public var value: Value {
        var object = searchValue
        if let trainer { object.merge(trainer.values) { $1 } }
        object["retries"] = .integer(retries)
        var stop: [String: Value] = [:]
        stop["target"] = self.stop.target.map { .number($0) }
        stop["after"] = self.stop.after?.value
        if !stop.isEmpty { object["stop"] = .object(stop) }
        object["keep"] = ["best": .integer(keep.best), "last": .integer(keep.last)]
        object.merge(winnerValues) { $1 }
        return .object(object)
    }

    /// The part of the definition that affects the search; the rest may change while it runs.
    private var searchValue: [String: Value] {
        var object: [String: Value] = [
            "name": .string(name),
            "objective": objective.value,
            "population": .integer(population), "intervals": .integer(intervals),
            "seed": .integer(Int(Int64(bitPattern: seed))), "space": space.value,
        ]
        object["exploit"] = exploitValue
        if namesExplore { object["explore"] = explore.value }
        // The objects of a stored definition have no order.
        let names = space.definedNames
        if names != names.sorted() { object["order"] = .array(names.map { .string($0) }) }
        switch kind {
        case .populationBasedTraining: object["kind"] = "pbt"
        case .randomSearch: object["kind"] = "random_search"
        case .successiveHalving(let halving):
            object["kind"] = "successive_halving"
            object["halving"] = halving.value
        case .manual: object["kind"] = "manual"
        case .replay(let schedule):
            object["kind"] = "replay"
            object["schedule"] = .array(schedule.map(\.value))
        }
        if !space.constraints.isEmpty {
            object["constraints"] = .array(space.constraints.map { .string($0.text) })
        }
        object["from"] = founderCheckpoints.experiment.map { .string($0) }
        object["initial"] = initialValue
        if let deadline, isSynchronous {
            object["synchronous"] = ["deadline": deadline.value]
        } else {
            object["synchronous"] = .bool(isSynchronous)
        }
        object["decide"] = decideValue
        if isOpen { object["open"] = true }
        object["baseline"] = baselineKind.map { .string($0.keyword) }
        if case .successiveHalving(let halving) = baselineKind { object["halving"] = halving.value }
        return object
    }

    /// The timing as in an experiment file; nil if the definition does not name it.
    ///
    /// Always named in a store, whose definitions without it are from before ``Decides/certain`` and decide early.
    private var decideValue: Value? {
        var settings: [String: Value] = [:]
        if decides == .certain, !isSynchronous {
            settings["patience"] = patience?.value
            settings["deadline"] = deadline?.value
        }
        if !settings.isEmpty { return ["certain": .object(settings)] }
        return namesTiming ? .string(decides.rawValue) : nil
    }

    /// Founders' hyperparameters and checkpoints as in an experiment file: a list, or an object that applies to all.
    private var initialValue: Value? {
        if let shared = founderCheckpoints.shared { return ["checkpoint": shared.value] }
        let count = max(initial.count, (founderCheckpoints.own.keys.max() ?? -1) + 1)
        guard count > 0 else { return nil }
        return .array(
            (0..<count).map { member in
                var object = initial.indices.contains(member) ? initial[member].values : [:]
                if let checkpoint = founderCheckpoints.own[member] { object["checkpoint"] = checkpoint.value }
                return .object(object)
            })
    }

    /// Returns the keys with differing values that must not change once an experiment is created.
    ///
    /// The trainer, retries, stop, and keep may change, also while the experiment runs; the population of a manual or
    /// open search grows as members come, regardless of its file.
    public func conflicts(with other: Experiment) -> [String] {
        Set(conflictingDifferences(from: other).map(\.topLevelKey)).sorted()
    }

    /// Returns the differences of ``conflicts(with:)``, with their values.
    package func conflictingDifferences(from old: Experiment) -> [Difference] {
        let isGrowing = takesMembers && old.takesMembers
        return differences(from: old).filter { $0.isSearch && !(isGrowing && $0.key == "population") }
    }
}

extension Experiment.Trainer {
    fileprivate var values: [String: Value] {
        var object: [String: Value] = [
            "command": .array(command.map { .string($0) }), "directory": .string(directory),
            "workers": .integer(workers), "grace": grace.value,
        ]
        if !gpus.isEmpty { object["gpus"] = .array(gpus.map { .string($0) }) }
        object["threads"] = threads.map { .integer($0) }
        object["timeout"] = timeout?.value
        if isPersistent { object["persistent"] = true }
        if !environment.isEmpty { object["env"] = .object(environment.mapValues { .string($0) }) }
        return object
    }
}

extension ExploitRule {
    /// The rule as in an experiment file.
    package var value: Value {
        switch kind {
        case .truncation(let bottom, let top) where bottom == top: ["truncation": .number(bottom)]
        case .truncation(let bottom, let top): ["truncation": ["bottom": .number(bottom), "top": .number(top)]]
        case .binaryTournament: "binary_tournament"
        case .tTest(let window, let significance):
            ["t_test": ["window": .integer(window), "significance": .number(significance)]]
        case .best: "best"
        case .none: "none"
        case .itself: "self"
        case .custom(let name): ["custom": .string(name)]
        case .multiFrequency(let subPopulations): ["multi_frequency": Self.value(of: subPopulations)]
        }
    }
}

extension Experiment {
    /// The exploit rule as in an experiment file, if the definition names it, with those of its options that are set.
    private var exploitValue: Value? {
        var options: [String: Value] = [:]
        if burnIn > 0 { options["burn_in"] = .integer(burnIn) }
        options["gate"] = gate?.value
        options["elites"] = elites?.value
        if exploit.takes != .both { options["takes"] = .string(exploit.takes.rawValue) }
        guard namesExploit else {
            // Not `? : nil`, whose nil would be JSON's null.
            guard !options.isEmpty else { return nil }
            return .object(options)
        }
        options["members"] = exploit.dealingValue
        guard !options.isEmpty else { return exploit.value }
        let rule = exploit.value
        return .object((rule.object ?? [rule.string ?? "truncation": .null]).merging(options) { $1 })
    }
}

extension ExploreRule {
    /// The rule as in an experiment file.
    package var value: Value {
        switch kind {
        case .standard(nil, 0): return "none"
        case .standard(let perturbation, let resample):
            var object: [String: Value] = ["resample": .number(resample)]
            switch perturbation {
            case .factors(let factors): object["perturb"] = .array(factors.map { .number($0) })
            case .uniform(let low, let high): object["perturb"] = ["uniform": [.number(low), .number(high)]]
            case .steps(let sizes): object["step"] = .array(sizes.map { .number($0) })
            case .uniformSteps(let low, let high): object["step"] = ["uniform": [.number(low), .number(high)]]
            case .normalSteps(let deviation): object["step"] = ["normal": .number(deviation)]
            case nil: break
            }
            object["narrow_step"] = narrowStep.map { .number($0) }
            if keptCategories > 0 { object["keep_categories"] = .number(keptCategories) }
            return .object(object)
        case .ray(let factors, let resample):
            return ["ray": ["factors": .array(factors.map { .number($0) }), "resample": .number(resample)]]
        case .pb2(let settings): return settings.value(keepingCategories: keptCategories)
        case .custom(let name): return ["custom": .string(name)]
        }
    }
}

extension SearchSpace {
    /// The space as in an experiment file.
    package var value: PBT.Value {
        nested(flatValues)
    }

    /// The hyperparameters as in an experiment file, by flat name.
    var flatValues: [String: PBT.Value] {
        guard !arrays.isEmpty else { return dimensions.mapValues(\.value) }
        return Dictionary(
            uniqueKeysWithValues: definedNames.compactMap { name in
                guard var dimension = definition(of: name) else { return nil }
                dimension.length = arrays[name]
                return (name, dimension.value)
            })
    }
}

extension Dimension {
    /// The hyperparameter as in an experiment file.
    fileprivate var value: Value {
        var object: [String: Value] = [:]
        switch domain {
        case .real(let real):
            switch real.distribution {
            case .uniform(let a, let b): object["uniform"] = [.number(a), .number(b)]
            case .logUniform(let a, let b): object["log_uniform"] = [.number(a), .number(b)]
            case .reverseLogUniform(let a, let b): object["reverse_log_uniform"] = [.number(a), .number(b)]
            case .normal(let a, let b): object["normal"] = [.number(a), .number(b)]
            case .logNormal(let a, let b): object["log_normal"] = [.number(a), .number(b)]
            }
            object["bounds"] = [.number(real.bounds.lowerBound), .number(real.bounds.upperBound)]
            object["quantum"] = real.quantum.map { .number($0) }
        case .integer(let integers):
            object[integers.isLogarithmic ? "log_integer" : "integer"] = [
                .integer(integers.range.lowerBound), .integer(integers.range.upperBound),
            ]
            object["bounds"] = [.integer(integers.bounds.lowerBound), .integer(integers.bounds.upperBound)]
            if integers.quantum > 1 { object["quantum"] = .integer(integers.quantum) }
        case .choice(let choice):
            object["choice"] = .array(choice.values)
            object["weights"] = choice.weights.map { .array($0.map { .number($0) }) }
            object["ordered"] = .bool(choice.isOrdered)
        case .boolean: object["boolean"] = true
        case .constant(let value): object["constant"] = value
        case .free(let drawn): object["free"] = drawn.map { Dimension($0).value } ?? .null
        }
        if !isMutable { object["mutable"] = false }
        object["explore"] = explore?.value
        object["when"] = condition?.value
        object["length"] = length.map { .integer($0) }
        return .object(object)
    }
}
