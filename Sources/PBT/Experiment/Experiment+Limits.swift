// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns the problems of a definition that exceeds limits.
    ///
    /// Not for definitions in a store, which may have been written before a limit existed, and still work.
    ///
    /// - Parameter document: The document that the definition was read from, for the lines.
    /// - Returns: Errors in the order of the rules; empty if everything is within limits.
    func limitErrors(in document: Document) -> [DocumentError] {
        var check = LimitCheck(document: document)
        check.atMost(Limits.nameBytes, objective.metric.utf8.count, "bytes", at: ["objective", "metric"])
        check.atMost(Limits.dimensions, space.names.count, "hyperparameters", at: ["space"])
        for name in space.definedNames {
            guard let dimension = space.definition(of: name) else { continue }
            let path = space.path(of: name)
            check.atMost(Limits.valueNameBytes, name.utf8.count, "bytes in its name", at: path)
            check.dimension(dimension.domain, at: path)
            if let rule = dimension.explore { check.explore(rule, at: path + ["explore"]) }
        }
        for (place, given) in initial.enumerated() {
            if let complaint = Limits.complaint(about: given.values, "hyperparameters") {
                check.fail(complaint, at: ["initial"], place)
            }
        }
        if case .replay(let schedule) = kind {
            for (place, given) in schedule.enumerated() {
                if let complaint = Limits.complaint(about: given.values, "hyperparameters") {
                    check.fail(complaint, at: ["schedule"], place)
                }
            }
        }
        if case .custom(let name) = exploit.kind {
            check.atMost(Limits.nameBytes, name.utf8.count, "bytes", at: ["exploit", "custom"])
        }
        for rule in exploit.subPopulations.compactMap(\.explore) {
            check.explore(rule, at: ["exploit", "multi_frequency"])
        }
        check.explore(explore, at: ["explore"])
        check.within(Limits.kept, keep.best, at: ["keep", "best"])
        check.within(Limits.kept, keep.last, at: ["keep", "last"])
        check.duration(stop.after, at: ["stop", "after"])
        check.duration(deadline, at: isSynchronous ? ["synchronous", "deadline"] : ["decide", "certain", "deadline"])
        check.duration(patience, at: ["decide", "certain", "patience"])
        if let trainer { check.trainer(trainer) }
        return check.errors
    }
}

/// A collection of exceeded limits, with their places.
private struct LimitCheck {
    let document: Document
    var errors: [DocumentError] = []

    init(document: Document) {
        self.document = document
    }

    /// Adds an error at a place, or at an element of the list there.
    mutating func fail(_ problem: String, at path: [String], _ element: Int? = nil) {
        errors.append(
            DocumentError(
                line: document.line(of: path, element),
                path: path.joined(separator: ".") + (element.map { "[\($0)]" } ?? ""), problem: problem))
    }

    mutating func atMost(_ most: Int, _ count: Int, _ unit: String, at path: [String]) {
        if count > most { fail("must have at most \(most) \(unit), not \(count)", at: path) }
    }

    mutating func within(_ range: ClosedRange<Int>, _ number: Int, at path: [String]) {
        if !range.contains(number) {
            fail("must be between \(range.lowerBound) and \(range.upperBound), not \(number)", at: path)
        }
    }

    mutating func within(_ range: ClosedRange<Double>, _ number: Double, _ what: String = "", at path: [String]) {
        if !range.contains(number) {
            let subject = what.isEmpty ? "" : "\(what) "
            fail(
                "\(subject)must be between \(range.lowerBound.short) and \(range.upperBound.short), not \(number)",
                at: path)
        }
    }

    mutating func duration(_ duration: Duration?, at path: [String]) {
        if let duration, duration > Limits.duration { fail("must be at most 36500d (100 years)", at: path) }
    }

    mutating func explore(_ rule: ExploreRule, at path: [String]) {
        if let step = rule.narrowStep, !Limits.step.contains(step) {
            within(Limits.step, step, "the step", at: path + ["narrow_step"])
        }
        switch rule.kind {
        case .standard(.factors(let factors), _): self.factors(factors, at: path + ["perturb"])
        case .standard(.uniform(let low, let high), _): self.factors([low, high], at: path + ["perturb"])
        case .standard(.steps(let sizes), _): self.steps(sizes, at: path + ["step"])
        case .standard(.uniformSteps(let low, let high), _): self.steps([low, high], at: path + ["step"])
        case .standard(.normalSteps(let deviation), _): self.steps([deviation], at: path + ["step"])
        case .standard(nil, _): break
        case .ray(let factors, _): self.factors(factors, at: path + ["ray"])
        case .pb2: break
        case .custom(let name): atMost(Limits.nameBytes, name.utf8.count, "bytes", at: path + ["custom"])
        }
    }

    private mutating func steps(_ sizes: [Double], at path: [String]) {
        atMost(Limits.factors, sizes.count, "steps", at: path)
        if let wrong = sizes.first(where: { !Limits.step.contains($0) }) {
            within(Limits.step, wrong, "each step", at: path)
        }
    }

    private mutating func factors(_ factors: [Double], at path: [String]) {
        atMost(Limits.factors, factors.count, "factors", at: path)
        if let wrong = factors.first(where: { !Limits.factor.contains($0) }) {
            within(Limits.factor, wrong, "each factor", at: path)
        }
    }

    mutating func dimension(_ domain: Dimension.Domain, at path: [String]) {
        switch domain {
        case .real(let real): self.real(real, at: path)
        case .choice(let choice):
            atMost(Limits.choices, choice.values.count, "values", at: path + ["choice"])
            if let wrong = choice.weights?.first(where: { !Limits.weight.contains($0) }) {
                within(Limits.weight, wrong, "each weight", at: path + ["weights"])
            }
            if !choice.values.allSatisfy({ $0.isNested(within: Limits.depth) }) {
                fail("must not be nested deeper than \(Limits.depth)", at: path + ["choice"])
            }
        case .constant(let value):
            if !value.isNested(within: Limits.depth) {
                fail("must not be nested deeper than \(Limits.depth)", at: path + ["constant"])
            }
        case .free(let drawn?): dimension(drawn, at: path + ["free"])
        case .integer, .boolean, .free(nil): break
        }
    }

    private mutating func real(_ real: Dimension.Real, at path: [String]) {
        let most = Limits.magnitude
        var numbers: [Double] = []
        switch real.distribution {
        case .uniform(let low, let high):
            numbers = [low, high]
            range(numbers, -most...most, at: path + ["uniform"])
        case .logUniform(let low, let high):
            numbers = [low, high]
            range(numbers, Limits.logarithmic, at: path + ["log_uniform"])
        case .reverseLogUniform(let low, let high):
            numbers = [low, high]
            range(numbers, -most...Limits.reverseLogarithmic, at: path + ["reverse_log_uniform"])
        case .normal(let mean, let deviation):
            numbers = [mean, deviation]
            range(numbers, -most...most, at: path + ["normal"])
        case .logNormal(let mean, let deviation):
            within(Limits.logMean, mean, "its mean", at: path + ["log_normal"])
            within(0...Limits.logDeviation, deviation, "its standard deviation", at: path + ["log_normal"])
        }
        // Bounds that are not given equal the range, or all numbers.
        let all: Set<Double?> = [
            -.greatestFiniteMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, real.range?.lowerBound,
            real.range?.upperBound,
        ]
        let bounds: [Double] = [real.bounds.lowerBound, real.bounds.upperBound].filter { !all.contains($0) }
        numbers += bounds
        range(bounds, -most...most, at: path + ["bounds"])
        guard let quantum = real.quantum else { return }
        let finest = (numbers.map(\.magnitude).max() ?? 0) / Limits.quanta
        if quantum < finest {
            fail(
                "must be at least \(finest.short) here, not \(quantum.short): numbers as large as those of its range "
                    + "cannot represent finer steps", at: path + ["quantum"])
        }
        if quantum > most { fail("must be at most \(most.short), not \(quantum)", at: path + ["quantum"]) }
    }

    private mutating func range(_ numbers: [Double], _ range: ClosedRange<Double>, at path: [String]) {
        if let wrong = numbers.first(where: { !range.contains($0) }) {
            within(range, wrong, "each number", at: path)
        }
    }

    mutating func trainer(_ trainer: Experiment.Trainer) {
        atMost(Limits.arguments, trainer.command.count, "parts", at: ["command"])
        if let place = trainer.command.firstIndex(where: { $0.utf8.count > Limits.argumentBytes }) {
            fail(
                "must have at most \(Limits.argumentBytes) bytes, not \(trainer.command[place].utf8.count)",
                at: ["command"], place)
        }
        atMost(Limits.variables, trainer.environment.count, "variables", at: ["env"])
        for (name, value) in trainer.environment.sorted(by: { $0.key < $1.key }) {
            atMost(
                Limits.argumentBytes - 1, name.utf8.count + value.utf8.count, "bytes with its name", at: ["env", name])
        }
        atMost(Limits.pathBytes, trainer.directory.utf8.count, "bytes", at: ["directory"])
        atMost(Limits.devices, trainer.gpus.count, "devices", at: ["gpus"])
        if let place = trainer.gpus.firstIndex(where: { $0.utf8.count > Limits.nameBytes }) {
            fail(
                "must have at most \(Limits.nameBytes) bytes, not \(trainer.gpus[place].utf8.count)", at: ["gpus"],
                place)
        }
        duration(trainer.timeout, at: ["timeout"])
        duration(trainer.grace, at: ["grace"])
    }
}
