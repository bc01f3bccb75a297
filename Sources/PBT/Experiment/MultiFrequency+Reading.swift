// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns the exploit rule of a preset, or the default.
    static func presetExploit(_ preset: String?, population: Int) -> ExploitRule {
        switch preset {
        case "ray": .ray()
        case "portfolio": .portfolio(forPopulation: population)
        case "paper": .truncation()
        default: .default
        }
    }

    /// Reads `[1, 5, 10]`, `{every: [1, 5, 10]}`, or a list with objects such as `{every: 5, explore: {step: 0.1}}`.
    static func readMultiFrequency(
        _ exploit: ObjectReader, _ document: Document, population: Int
    ) throws(DocumentError) -> ExploitRule {
        switch document.content {
        case .scalar where document.value == .null: return .multiFrequency(forPopulation: population)
        case .object:
            let inner = try ObjectReader(
                document, path: "exploit.multi_frequency", known: ["every"],
                hints: ["explore": "write a list: multi_frequency: [{every: 1, explore: {…}}, {every: 5}]"])
            _ = try inner.required("every", "every: [1, 5, 10]")
            return .multiFrequency(try readSubPopulations(inner, "every"))
        case .list, .scalar:
            return .multiFrequency(try readSubPopulations(exploit, "multi_frequency"))
        }
    }

    private static func readSubPopulations(
        _ reader: ObjectReader, _ name: String
    ) throws(DocumentError) -> [ExploitRule.SubPopulation] {
        guard let document = reader.document(name), case .list(let list) = document.content,
            Limits.subPopulations.contains(list.count)
        else {
            throw reader.error(
                name,
                "must be a list of 2 to 100 intervals, one for each sub-population, for example [1, 5, 10], not "
                    + "\((reader.document(name)?.value ?? .null).flowText)")
        }
        var subPopulations: [ExploitRule.SubPopulation] = []
        for (number, item) in list.enumerated() {
            subPopulations.append(try readSubPopulation(item, path: "\(reader.place(name))[\(number)]"))
        }
        return subPopulations
    }

    private static func readSubPopulation(
        _ document: Document, path: String
    ) throws(DocumentError) -> ExploitRule.SubPopulation {
        guard case .object = document.content else {
            guard let every = document.value.int, Limits.every.contains(every) else {
                throw DocumentError(
                    line: document.line, path: path,
                    problem: "must be a number of intervals from 1 to 1000000, or an object such as {every: 5, "
                        + "explore: {step: 0.1}}, not \(document.value.flowText)")
            }
            return ExploitRule.SubPopulation(every: every)
        }
        let inner = try ObjectReader(document, path: path, known: ["every", "explore"])
        _ = try inner.required("every", "every: 5")
        let every = try inner.int("every", atLeast: Limits.every.lowerBound, atMost: Limits.every.upperBound) ?? 1
        var explore: ExploreRule?
        if let document = inner.document("explore") {
            explore = try ExploreRule(document: document, in: inner, name: "explore", allowsCustom: true)
        }
        return ExploitRule.SubPopulation(every: every, explore: explore)
    }

    /// Returns what keeps sub-populations from exchanging by the scores of one interval.
    func multiFrequencyErrors(in document: Document) -> [DocumentError] {
        let count = exploit.subPopulations.count
        guard count > 0 else { return [] }
        var errors: [DocumentError] = []
        func fail(_ key: String, _ problem: String) {
            errors.append(DocumentError(line: document.line(of: [key]), path: key, problem: problem))
        }
        if !Limits.subPopulations.contains(count) || exploit.subPopulations.contains(where: { $0.every < 1 }) {
            fail("exploit", "must have 2 to 100 sub-populations, each with an interval of at least 1")
        }
        let least = count * ExploitRule.leastSubPopulation
        if takesMembers {
            fail(
                "open", "cannot be combined with exploit.multi_frequency: members that come at any time are not divided"
            )
        } else if population < least {
            fail(
                "exploit",
                "multi_frequency needs 3 members for each of its \(count) sub-populations: write population: \(least) or "
                    + "more, not \(population)\(count > 2 ? ", or fewer sub-populations" : "")")
        }
        if decides != .certain, !isSynchronous {
            fail(
                "decide",
                "\(decides.rawValue) cannot be combined with exploit.multi_frequency, which compares scores of the same "
                    + "interval; write decide: certain, or synchronous: true")
        }
        return errors
    }
}

extension ExploitRule {
    /// Returns the rule of an experiment that names none, see ``default``.
    ///
    /// Reason and measurements: `Documentation/decisions/0041-default-rule.md`.
    static func standard(for experiment: Experiment) -> Self {
        let isInStep =
            experiment.kind == .populationBasedTraining && !experiment.isOpen
            && (experiment.isSynchronous || experiment.decides == .certain)
        guard isInStep, experiment.population >= 2 * leastSubPopulation else { return .truncation() }
        guard experiment.namesExplore else { return .portfolio(forPopulation: experiment.population) }
        switch experiment.explore.kind {
        case .standard, .ray: return .multiFrequency(forPopulation: experiment.population)
        case .pb2, .custom: return .truncation()
        }
    }

    /// MF-PBT with as many sub-populations as a population has members for.
    package static func multiFrequency(forPopulation members: Int) -> Self {
        .multiFrequency(every: members < 12 ? [1, 5] : [1, 5, 10])
    }

    /// A portfolio that suits many tasks without a setting: sub-populations that exchange often and change much, and one
    /// that exchanges seldom and changes little.
    ///
    /// If a greedy search is right, the first ones lead, and the last takes in their weights; if it is deceived, the last
    /// one leads, and they take over its hyperparameters as well.
    ///
    /// - Parameter members: The population; below 12 there are two sub-populations instead of three.
    /// - Returns: A rule of ``multiFrequency(_:)``.
    public static func portfolio(forPopulation members: Int) -> Self {
        let wide = ExploreRule.perturb(by: [0.5, 2]).steppingWhereNarrow(by: 0.15).keepingCategories(0.8)
        let fine = ExploreRule.perturb(by: [0.8, 1.25]).steppingWhereNarrow(by: 0.05).keepingCategories(0.8)
        let seldom = SubPopulation(every: 5, explore: fine)
        guard members >= 12 else { return .multiFrequency([SubPopulation(every: 1, explore: wide), seldom]) }
        return .multiFrequency([
            SubPopulation(every: 1, explore: wide), SubPopulation(every: 2, explore: wide), seldom,
        ])
    }

    /// The sub-populations as in an experiment file.
    static func value(of subPopulations: [SubPopulation]) -> Value {
        .array(
            subPopulations.map { subPopulation in
                guard let explore = subPopulation.explore else { return .integer(subPopulation.every) }
                return ["every": .integer(subPopulation.every), "explore": explore.value]
            })
    }
}
