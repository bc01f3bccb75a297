// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// The keys next to an exploit rule.
    private static let exploitOptions = ["burn_in", "gate", "elites", "takes", "members"]

    static func readExploit(
        _ reader: ObjectReader, preset: String?, population: Int
    ) throws(DocumentError) -> ExploitRule {
        guard let document = reader.document("exploit") else {
            return presetExploit(preset, population: population)
        }
        if let word = document.value.string {
            switch word {
            case "truncation": return .truncation()
            case "binary_tournament": return .binaryTournament
            case "t_test": return .tTest()
            case "best": return .best
            case "none": return .none
            case "self": return .itself
            case "ray": return .ray()
            case "multi_frequency": return .multiFrequency(forPopulation: population)
            default:
                let known = [
                    "truncation", "multi_frequency", "binary_tournament", "t_test", "best", "none", "self", "ray",
                ]
                let advice =
                    nearest(to: word, among: known).map { "did you mean \"\($0)\"?" }
                    ?? "known: \(known.joined(separator: ", "))"
                throw reader.error("exploit", "unknown rule \"\(word)\"; \(advice)")
            }
        }
        let inner = try ObjectReader(
            document, path: "exploit",
            known: [
                "truncation", "multi_frequency", "t_test", "binary_tournament", "best", "none", "self", "ray", "custom",
            ] + exploitOptions,
            hints: [
                "portfolio": "write multi_frequency: [{every: 1, explore: {…}}, {every: 5, explore: {…}}]",
                "quantile": "write truncation: 0.2", "truncate": "write truncation: 0.2",
                "burn_in_period": "write burn_in: INTERVALS",
            ])
        guard case .object(let entries) = document.content else { return .truncation() }
        let rules = entries.filter { !exploitOptions.contains($0.name) }
        guard let rule = rules.first, rules.count == 1 else {
            if rules.isEmpty, !entries.isEmpty { return presetExploit(preset, population: population) }
            throw reader.error("exploit", "must have one rule, for example {truncation: 0.2}")
        }
        switch rule.name {
        case "truncation": return try readTruncation(inner, rule.content)
        case "multi_frequency":
            return try readMultiFrequency(inner, rule.content, population: population)
        case "t_test":
            let test = try ObjectReader(rule.content, path: "exploit.t_test", known: ["window", "significance"])
            let significance = try test.double("significance") ?? 0.05
            guard significance > 0, significance < 1 else {
                throw test.error("significance", "must be between 0 and 1, exclusive, not \(significance)")
            }
            return .tTest(window: try test.int("window", atLeast: 2, atMost: 10000) ?? 10, significance: significance)
        case "ray":
            let quantile = try inner.double("ray") ?? 0.25
            guard quantile > 0, quantile <= 0.5 else {
                throw inner.error("ray", "must be above 0 and at most 0.5, not \(quantile)")
            }
            return .ray(quantile: quantile)
        case "custom":
            guard let name = try inner.string("custom") else {
                throw inner.error("custom", "must be a strategy's name")
            }
            return .custom(name)
        case "binary_tournament": return .binaryTournament
        case "best": return .best
        case "self": return .itself
        default: return .none
        }
    }

    /// Reads the first interval that a member may take over a donor's checkpoint for.
    static func readBurnIn(_ reader: ObjectReader) throws(DocumentError) -> Int {
        guard let document = reader.document("exploit"), case .object(let entries) = document.content,
            let entry = entries.first(where: { $0.name == "burn_in" })
        else { return 0 }
        guard let interval = entry.content.value.int, Limits.ordinals.contains(interval) else {
            throw DocumentError(
                line: entry.line, path: "exploit.burn_in",
                problem: "must be a number of intervals from 0 to 1000000, not \(entry.content.value.flowText)")
        }
        return interval
    }

    private static func readTruncation(_ inner: ObjectReader, _ document: Document) throws(DocumentError) -> ExploitRule
    {
        if case .object = document.content {
            let ends = try ObjectReader(document, path: "exploit.truncation", known: ["bottom", "top"])
            return .truncation(bottom: try fraction(ends, "bottom"), top: try fraction(ends, "top"))
        }
        return .truncation(try fraction(inner, "truncation"))
    }

    private static func fraction(_ reader: ObjectReader, _ name: String) throws(DocumentError) -> Double {
        guard let fraction = try reader.double(name) else { throw reader.error(name, "is missing; write \(name): 0.2") }
        guard fraction > 0, fraction <= 0.5 else {
            throw reader.error(name, "must be above 0 and at most 0.5, a fraction of the population, not \(fraction)")
        }
        return fraction
    }

    static func readExplore(_ reader: ObjectReader, preset: String?) throws(DocumentError) -> ExploreRule {
        guard let document = reader.document("explore") else {
            switch preset {
            case "ray": return .ray()
            case "paper": return .perturb(by: [0.8, 1.2])
            default: return .default
            }
        }
        return try ExploreRule(document: document, in: reader, name: "explore", allowsCustom: true)
    }
}

extension ExploreRule {
    /// Reads a rule: `{perturb: [0.8, 1.25], resample: 0.1}`, `{perturb: {uniform: [0.8, 1.2]}}`, `{step: 0.1}`,
    /// `{step: {normal: 0.1}}`, `resample`, `none`, `ray`.
    init(document: Document, in reader: ObjectReader, name: String, allowsCustom: Bool) throws(DocumentError) {
        if let word = document.value.string {
            switch word {
            case "perturb": self = .perturb()
            case "step": self = .step()
            case "resample": self = .resample
            case "none": self = .none
            case "ray": self = .ray()
            case "pb2" where allowsCustom: self = .pb2()
            case "pb2_mix" where allowsCustom: self = .pb2Mix()
            case "pb2", "pb2_mix": throw reader.error(name, PB2.ownRuleProblem)
            default:
                let known = ["perturb", "step", "resample", "none", "ray"] + (allowsCustom ? ["pb2", "pb2_mix"] : [])
                let advice =
                    nearest(to: word, among: known).map { "did you mean \"\($0)\"?" }
                    ?? "known: \(known.joined(separator: ", "))"
                throw reader.error(name, "unknown rule \"\(word)\"; \(advice)")
            }
            return
        }
        let inner = try ObjectReader(
            document, path: reader.place(name),
            known: ["perturb", "narrow_step", "step", "resample", "keep_categories", "ray"]
                + (allowsCustom ? ["pb2", "pb2_mix", "custom"] : []),
            hints: [
                "resample_probability": "write resample: PROBABILITY",
                "add": "write step: {normal: 0.1}, noise with a standard deviation of a tenth of the range",
                "perturbation_factors": "write perturb: [FACTOR, FACTOR]",
                "custom": "a strategy in Swift belongs in the experiment's explore",
                "pb2": PB2.ownRuleProblem, "pb2_mix": PB2.ownRuleProblem,
            ])
        if let custom = try inner.string("custom") {
            self = .custom(custom)
            return
        }
        if let pb2 = try ExploreRule(pb2In: inner) {
            self = pb2
            return
        }
        if let ray = inner.document("ray") {
            let options = try ObjectReader(ray, path: inner.place("ray"), known: ["factors", "resample"])
            self = .ray(
                factors: options.has("factors") ? try Self.factors(options, "factors") : [1.2, 0.8],
                resampling: options.has("resample") ? try Self.probability(options) : 0.25)
            return
        }
        guard inner.has("perturb") || inner.has("step") || inner.has("resample") else {
            throw reader.error(
                name, "must be a rule, for example {perturb: [0.8, 1.25], resample: 0.1}; to change nothing write none")
        }
        if inner.has("perturb"), inner.has("step") { throw inner.error("step", "cannot be combined with perturb") }
        let perturbation =
            inner.has("step") ? try Self.steps(inner) : inner.has("perturb") ? try Self.perturbation(inner) : nil
        self.init(kind: .standard(perturbation, resample: try Self.probability(inner)))
        if inner.has("narrow_step") {
            guard inner.has("perturb") else { throw inner.error("narrow_step", "requires perturb") }
            narrowStep = try Self.share(inner, "narrow_step")
        }
        if inner.has("keep_categories") {
            guard perturbation != nil else {
                throw inner.error("keep_categories", "requires perturb or step; resample has a probability of its own")
            }
            keptCategories = try Self.probability(inner, "keep_categories")
        }
    }

    private static func perturbation(_ reader: ObjectReader) throws(DocumentError) -> Perturbation {
        guard let perturb = reader.document("perturb"), case .object = perturb.content else {
            return .factors(try factors(reader, "perturb"))
        }
        let range = try ObjectReader(perturb, path: reader.place("perturb"), known: ["uniform"])
        _ = try range.required("uniform", "uniform: [0.8, 1.2]")
        let (low, high) = try range.pair("uniform", "the lower first")
        guard low > 0, low <= high else {
            throw range.error("uniform", "must be two factors above 0, the lower first, not [\(low), \(high)]")
        }
        return .uniform(low, high)
    }

    private static func steps(_ reader: ObjectReader) throws(DocumentError) -> Perturbation {
        let document = try reader.required("step", "step: 0.1")
        switch document.content {
        case .object:
            let range = try ObjectReader(document, path: reader.place("step"), known: ["uniform", "normal"])
            if range.has("normal") { return try normalSteps(range) }
            _ = try range.required("uniform", "uniform: [0.05, 0.2]")
            let (low, high) = try range.pair("uniform", "the lower first")
            guard low > 0, low <= high, high <= 1 else {
                throw range.error(
                    "uniform", "must be two shares of the range above 0, the lower first, not [\(low), \(high)]")
            }
            return .uniformSteps(low, high)
        case .list, .scalar:
            let given: [Value] = document.value.array ?? [document.value]
            let sizes = given.compactMap(\.double)
            guard !sizes.isEmpty, sizes.count == given.count, sizes.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
                throw reader.error(
                    "step",
                    "must be a share of the range, for example 0.1, or a list of them, not \(document.value.flowText)")
            }
            return .steps(sizes)
        }
    }

    private static func normalSteps(_ range: ObjectReader) throws(DocumentError) -> Perturbation {
        if range.has("uniform") { throw range.error("normal", "cannot be combined with uniform") }
        guard let deviation = try range.double("normal"), deviation > 0, deviation <= 1 else {
            throw range.error(
                "normal",
                "must be a standard deviation above 0 and at most 1, as a share of the range, for example 0.1, not "
                    + "\((range.document("normal")?.value ?? .null).flowText)")
        }
        return .normalSteps(deviation)
    }

    private static func share(_ reader: ObjectReader, _ name: String) throws(DocumentError) -> Double? {
        guard let share = try reader.double(name) else { return nil }
        guard share > 0, share <= 1 else {
            throw reader.error(name, "must be a share of the range above 0 and at most 1, not \(share.short)")
        }
        return share
    }

    private static func factors(_ reader: ObjectReader, _ name: String) throws(DocumentError) -> [Double] {
        let list = try reader.list(name) ?? []
        let factors = list.compactMap(\.value.double)
        guard !factors.isEmpty, factors.count == list.count, factors.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw reader.error(
                name,
                "must be a list of factors above 0, for example [0.8, 1.25], not "
                    + "\(reader.document(name)?.value ?? .null)")
        }
        return factors
    }

    private static func probability(
        _ reader: ObjectReader, _ name: String = "resample"
    ) throws(DocumentError) -> Double {
        let probability = try reader.double(name) ?? 0
        guard (0...1).contains(probability) else {
            throw reader.error(name, "must be a probability between 0 and 1, not \(probability)")
        }
        return probability
    }
}
