// SPDX-License-Identifier: Apache-2.0

import PBT

/// Runs that differ only in their seeds, as one contender of a comparison.
struct Contender {
    /// One run: its best scores so far, and its end on the axis.
    struct Run {
        var steps: [(at: Double, score: Double)]
        var end: Double

        /// Returns the best score up to a position on the axis.
        func score(at progress: Double) -> Double? {
            steps.last { $0.at <= progress }?.score
        }
    }

    /// The name.
    var name: String
    var isBaseline: Bool
    var runs: [Run]

    /// The end of the longest run.
    var end: Double {
        runs.reduce(0) { max($0, $1.end) }
    }

    /// The final scores, of the runs that have one.
    var finals: [Double] {
        runs.compactMap { $0.steps.last?.score }
    }

    /// Returns a quantile of numbers, interpolated linearly between neighbors.
    static func quantile(_ numbers: [Double], _ share: Double) -> Double? {
        let sorted = numbers.sorted()
        guard let last = sorted.last else { return nil }
        let place = Double(sorted.count - 1) * share
        let below = Int(saturating: place)
        guard below + 1 < sorted.count else { return last }
        let part = place - Double(below)
        // Weighted before they are added: differences of large numbers overflow.
        return part == 0 ? sorted[below] : sorted[below] * (1 - part) + sorted[below + 1] * part
    }

    /// Returns the contenders among some runs, best median first, random searches last.
    static func all(_ histories: [History], axis: Chart.Axis, showsBaseline: Bool) -> [Contender] {
        var groups: [(key: Experiment, members: [(name: String, run: Run)])] = []
        var places: [Experiment: Int] = [:]
        func add(_ experiment: Experiment, _ name: String, _ run: Run) {
            let key = anonymous(experiment)
            if let place = places[key] {
                groups[place].members.append((name, run))
            } else {
                places[key] = groups.count
                groups.append((key, [(name, run)]))
            }
        }
        for history in histories {
            let experiment = history.record.experiment
            add(
                experiment, experiment.name,
                run(history.bestSoFar(by: .finished), history.genealogy, history.columns, axis))
            if showsBaseline, let baseline = history.baseline, let columns = history.baselineColumns,
                var definition = experiment.baseline ?? asBaseline(experiment)
            {
                definition.initial = experiment.initial
                add(definition, experiment.name, run(history.baselineBestSoFar(by: .finished), baseline, columns, axis))
            }
        }
        let goal = histories.first?.record.experiment.objective
        let contenders = groups.map { key, members in
            let isBaseline = key.kind == .randomSearch || key.halving != nil
            let name = common(members.map(\.name))
            return Contender(
                name: key.halving != nil ? "successive halving" : isBaseline ? "random search" : name,
                isBaseline: isBaseline, runs: members.map(\.run))
        }
        return contenders.enumerated().sorted { a, b in
            func rank(_ contender: Contender) -> Double {
                quantile(contender.finals, 0.5).map { goal?.key($0) ?? $0 } ?? -.infinity
            }
            return (a.element.isBaseline ? 1 : 0, rank(b.element), a.offset)
                < (b.element.isBaseline ? 1 : 0, rank(a.element), b.offset)
        }.map(\.element)
    }

    private static func asBaseline(_ experiment: Experiment) -> Experiment? {
        var copy = experiment
        copy.hasBaseline = true
        return copy.baseline
    }

    /// Returns a definition without the settings that may differ between seeds of one contender.
    private static func anonymous(_ experiment: Experiment) -> Experiment {
        var copy = experiment
        copy.name = ""
        copy.seed = 0
        copy.hasBaseline = false
        copy.keep = Experiment.Keep()
        copy.trainer?.directory = ""
        copy.trainer?.workers = 1
        copy.trainer?.gpus = []
        copy.trainer?.threads = nil
        return copy
    }

    private static func run(
        _ improvements: [Improvement], _ genealogy: Genealogy, _ columns: Columns, _ axis: Chart.Axis
    ) -> Run {
        guard axis == .time else {
            return Run(
                steps: improvements.map { (Double($0.at), $0.score) },
                end: Double(genealogy.intervals.count { $0.state.isFinished }))
        }
        let steps = improvements.compactMap { improvement -> (Double, Double)? in
            guard let place = genealogy.place(of: improvement.interval), !columns.finished[place].isNaN else {
                return nil
            }
            return (columns.finished[place], improvement.score)
        }
        return Run(steps: steps, end: columns.duration)
    }

    /// Returns the common prefix of names without a word for the seed; the first name when there is none.
    static func common(_ names: [String]) -> String {
        guard names.count > 1, let first = names.first else { return names.first ?? "" }
        var prefix = first
        for name in names.dropFirst() { prefix = prefix.commonPrefix(with: name) }
        let separators: Set<Character> = ["-", "_", ".", " ", "/", "#"]
        func trim() { while let last = prefix.last, separators.contains(last) { prefix.removeLast() } }
        // The digits of the seeds may have a common prefix too.
        while let last = prefix.last, last.isNumber { prefix.removeLast() }
        trim()
        for word in ["seed", "s"] where prefix.lowercased().hasSuffix(word) {
            let rest = prefix.dropLast(word.count)
            guard let last = rest.last, separators.contains(last) else { continue }
            prefix = String(rest)
            trim()
            break
        }
        return prefix.isEmpty ? first : prefix
    }
}

extension String {
    /// Returns the common prefix of two strings.
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map(\.0))
    }
}
