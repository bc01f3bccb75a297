// SPDX-License-Identifier: Apache-2.0

extension PB2 {
    /// The problem of such a rule for one hyperparameter.
    static let ownRuleProblem =
        "pb2 and pb2_mix choose all hyperparameters together: write it as the experiment's explore"

    /// The name in an experiment file.
    var name: String {
        mixesCategories ? "pb2_mix" : "pb2"
    }

    /// Returns the rule as in an experiment file; without the probability of categories for a bandit.
    func value(keepingCategories kept: Double) -> Value {
        var object: [String: Value] = ["spread": .string(spread.rawValue), "rows": .integer(rows)]
        switch kappa {
        case .original: object["kappa"] = "original"
        case .ray: object["kappa"] = "ray"
        case .constant(let kappa): object["kappa"] = .number(kappa)
        }
        if !mixesCategories { object["keep_categories"] = .number(kept) }
        return .object([name: .object(object)])
    }

    /// Reads the settings, for example `{kappa: ray, spread: variance, rows: 200}`.
    fileprivate init(_ options: ObjectReader) throws(DocumentError) {
        self.init()
        if let kappa = options.document("kappa")?.value {
            switch kappa {
            case "original": self.kappa = .original
            case "ray": self.kappa = .ray
            default:
                guard let number = kappa.double, Self.legalKappa.contains(number) else {
                    throw options.error(
                        "kappa", "must be original, ray, or a number from 0 to 100, not \(kappa.flowText)")
                }
                self.kappa = .constant(number)
            }
        }
        if let word = try options.string("spread") {
            guard let spread = Spread(rawValue: word) else {
                throw options.error("spread", "must be deviation or variance, not \"\(word)\"")
            }
            self.spread = spread
        }
        rows =
            try options.int("rows", atLeast: Self.legalRows.lowerBound, atMost: Self.legalRows.upperBound) ?? rows
    }
}

extension ExploreRule {
    /// Reads a rule that learns from history; nil if there is none.
    init?(pb2In reader: ObjectReader) throws(DocumentError) {
        for name in ["pb2", "pb2_mix"] {
            guard let document = reader.document(name) else { continue }
            let mixes = name == "pb2_mix"
            let options = try ObjectReader(
                document, path: reader.place(name),
                known: ["kappa", "spread", "rows"] + (mixes ? [] : ["keep_categories"]),
                hints: [
                    "keep_categories": "the bandit draws categories; write it in pb2, not in pb2_mix",
                    "hyperparam_bounds": "the bounds are those of the space",
                    "quantile_fraction": "write exploit: {truncation: FRACTION}",
                ])
            if let other = ["pb2", "pb2_mix", "perturb", "step", "resample", "keep_categories", "ray"].first(where: {
                $0 != name && reader.has($0)
            }) {
                throw reader.error(other, "cannot be combined with \(name)")
            }
            let settings = try PB2(options)
            self = mixes ? .pb2Mix(settings) : .pb2(settings)
            if let kept = try options.double("keep_categories") {
                guard (0...1).contains(kept) else {
                    throw options.error("keep_categories", "must be a probability between 0 and 1, not \(kept)")
                }
                keptCategories = kept
            }
            return
        }
        return nil
    }

    /// Checks that decisions compare members at the same index, if the rule learns from the intervals up to it.
    func checkTiming(
        _ decides: Experiment.Decides?, isOpen: Bool, _ isSynchronous: Bool, _ reader: ObjectReader
    ) throws(DocumentError) {
        guard case .pb2(let settings) = kind else { return }
        if isOpen {
            throw reader.error(
                "explore",
                "\(settings.name) cannot be combined with open: members that come at any time have no common index")
        }
        guard isSynchronous || (decides ?? .certain) == .certain else {
            throw reader.error(
                "explore",
                "\(settings.name) learns from the intervals up to the same index, so it requires decide: certain or "
                    + "synchronous: true, not decide: \(decides ?? .certain)")
        }
    }
}
