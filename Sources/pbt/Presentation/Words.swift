// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

// The values of the library in words, for people.

extension Experiment.Kind {
    /// The name.
    var words: String {
        switch self {
        case .populationBasedTraining: "PBT"
        case .randomSearch: "random search"
        case .successiveHalving(let halving):
            "successive halving by \(halving.factor) from \(Words.count(halving.first, "interval"))"
        case .manual: "manual search"
        case .replay: "replay"
        }
    }
}

extension Objective.Goal {
    /// The direction of improvement.
    var words: String {
        self == .maximize ? "higher is better" : "lower is better"
    }
}

extension ExploitRule {
    /// The name, with its parameters.
    var words: String {
        kindWords + (takes == .both ? "" : ", takes \(takes.rawValue) only")
    }

    private var kindWords: String {
        switch kind {
        case .truncation(let bottom, let top) where bottom == top: "truncation \(Words.percent(bottom))"
        case .truncation(let bottom, let top):
            "truncation, bottom \(Words.percent(bottom)), top \(Words.percent(top))"
        case .binaryTournament: "binary tournament"
        case .tTest(let window, let significance): "t-test over \(window) scores at \(significance.short)"
        case .best: "copy the best"
        case .none: "no exploit"
        case .itself: "explore only"
        case .custom(let name): "\(name) (Swift)"
        case .multiFrequency(let subPopulations):
            "MF-PBT, every " + subPopulations.map { "\($0.every)" }.joined(separator: ", ") + " intervals"
                + (subPopulations.contains { $0.explore != nil } ? ", each with its own explore" : "")
        }
    }
}

extension ExploreRule {
    /// The name, with its parameters.
    var words: String {
        func resampling(_ probability: Double) -> String {
            (narrowStep.map { " (narrow ranges: step ±\(Words.percent($0)))" } ?? "")
                + (probability > 0 ? ", resample \(Words.percent(probability))" : "")
                + (keptCategories > 0 ? ", keep categories \(Words.percent(keptCategories))" : "")
        }
        switch kind {
        case .standard(nil, let probability):
            return probability == 0 ? "no explore" : "resample \(Words.percent(probability))"
        case .standard(.factors(let factors), let probability):
            return "perturb " + factors.map { "×\($0.short)" }.joined(separator: " ") + resampling(probability)
        case .standard(.uniform(let low, let high), let probability):
            return "perturb ×\(low.short)..\(high.short)" + resampling(probability)
        case .standard(.steps(let sizes), let probability):
            return "step " + sizes.map { "±\(Words.percent($0))" }.joined(separator: " ") + " of the range"
                + resampling(probability)
        case .standard(.uniformSteps(let low, let high), let probability):
            return "step ±\(Words.percent(low))..\(Words.percent(high)) of the range" + resampling(probability)
        case .standard(.normalSteps(let deviation), let probability):
            return "normal step, σ \(Words.percent(deviation)) of the range" + resampling(probability)
        case .ray(let factors, let probability):
            return "as Ray: " + factors.map { "×\($0.short)" }.joined(separator: " ") + resampling(probability)
        case .pb2(let settings):
            return settings.mixesCategories
                ? "PB2-Mix" : "PB2, keep categories \(Words.percent(keptCategories))"
        case .custom(let name): return "\(name) (Swift)"
        }
    }
}

extension Experiment {
    /// The rule of explore, with the hyperparameters that have one of their own.
    var exploreWords: String {
        let own = space.names.compactMap { name in
            space[name].flatMap { $0.isMutable ? $0.explore : nil }.map { "\(name) \($0.words)" }
        }
        guard !own.isEmpty else { return explore.words }
        let words =
            "explore by hyperparameter: \(own.prefix(4).joined(separator: "; "))"
            + (own.count > 4 ? " and \(own.count - 4) more" : "")
        if case .standard(nil, 0) = explore.kind { return words }
        return "\(explore.words), \(words)"
    }
}

extension Dimension {
    /// The distribution, and the condition.
    var words: String {
        distributionWords + (condition.map { " when \($0.clause)" } ?? "")
    }

    private var distributionWords: String {
        let fixed = isMutable ? "" : " (fixed)"
        switch domain {
        case .real(let real):
            let grid = real.quantum.map { " by \($0.short)" } ?? ""
            switch real.distribution {
            case .uniform(let low, let high): return "\(low.short)..\(high.short)\(grid)\(fixed)"
            case .logUniform(let low, let high): return "log \(low.short)..\(high.short)\(grid)\(fixed)"
            case .reverseLogUniform(let low, let high):
                return "reverse log \(low.short)..\(high.short)\(grid)\(fixed)"
            case .normal(let mean, let deviation): return "normal \(mean.short)±\(deviation.short)\(grid)\(fixed)"
            case .logNormal(let mean, let deviation):
                return "log-normal \(mean.short)±\(deviation.short)\(grid)\(fixed)"
            }
        case .integer(let integers):
            let log = integers.isLogarithmic ? "log " : ""
            let grid = integers.quantum > 1 ? " by \(integers.quantum)" : ""
            return "\(log)\(integers.range.lowerBound)..\(integers.range.upperBound) integer\(grid)\(fixed)"
        case .choice(let choice):
            let ends = choice.isOrdered ? ("[", "]") : ("{", "}")
            return ends.0 + choice.values.map { Format.value($0) }.joined(separator: ",") + ends.1 + fixed
        case .boolean: return "true or false\(fixed)"
        case .constant(let value): return "always \(Format.value(value))"
        case .free(let drawn): return "any" + (drawn.map { " (at first \(Dimension($0).words))" } ?? "") + fixed
        }
    }
}

/// Formats small pieces of text.
enum Words {
    /// Returns a fraction as a percentage.
    static func percent(_ fraction: Double) -> String {
        "\((fraction * 100).short)%"
    }

    /// Returns a number with the noun that it counts.
    static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
        "\(number) \(number == 1 ? one : many ?? one + "s")"
    }

    /// Returns a relative time in one unit: `4m ago`.
    static func ago(_ time: Timestamp, _ now: Timestamp) -> String {
        let seconds = max(0, now.since(time).milliseconds / 1000)
        switch seconds {
        case ..<60: return "\(seconds)s ago"
        case ..<3600: return "\(seconds / 60)m ago"
        case ..<86400: return "\(seconds / 3600)h ago"
        default: return "\(seconds / 86400)d ago"
        }
    }

    /// Returns an ordinal: `1st`, `2nd`, `23rd`.
    static func ordinal(_ number: Int) -> String {
        let suffix =
            switch (number % 10, number % 100) {
            case (1, let last) where last != 11: "st"
            case (2, let last) where last != 12: "nd"
            case (3, let last) where last != 13: "rd"
            default: "th"
            }
        return "\(number)\(suffix)"
    }

    /// Replaces what a locale without UTF-8 cannot show.
    static func plain(_ text: String) -> String {
        guard !Terminal.output.isUTF8 else { return text }
        return String(
            text.map { character in
                switch character {
                case "×": "x"
                case "±": "~"
                case "★": "*"
                case "→": ">"
                default: character
                }
            })
    }
}
