// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    static let keys = [
        "name", "kind", "objective", "population", "intervals", "seed", "space", "initial", "from", "preset", "exploit",
        "explore", "synchronous", "decide", "open", "command", "workers", "gpus", "threads", "retries", "timeout",
        "grace", "stop", "keep", "baseline", "schedule", "directory", "persistent", "env", "order", "metrics",
        "evaluate", "constraints", "halving",
    ]

    /// Advice for keys that other programs use.
    static let hints = [
        "metric": "write objective: {metric: NAME, goal: maximize}",
        "mode": "write objective: {metric: NAME, goal: maximize} or minimize",
        "goal": "it belongs in objective: {metric: NAME, goal: maximize}",
        "perturbation_interval":
            "an interval is one run of the command; let it train for as long as an interval should last",
        "time_attr": "time is counted in intervals, each one run of the command",
        "quantile_fraction": "write exploit: {truncation: FRACTION}",
        "resample_probability": "write explore: {perturb: [0.8, 1.25], resample: PROBABILITY}",
        "perturbation_factors": "write explore: {perturb: [FACTOR, FACTOR]}",
        "hyperparam_mutations": "write space: {NAME: {uniform: [LOW, HIGH]}, …}",
        "num_samples": "write population: NUMBER",
        "synch": "write synchronous: true",
        "generations": "write intervals: NUMBER",
        "steps": "write intervals: NUMBER",
        "gpu": "write gpus: [0]",
        "environment": "did you mean \"env\"?",
        "constraint": "did you mean \"constraints\"?", "conditions": "write when: {NAME: VALUE} in the hyperparameter",
        "args": "write them into command: [python3, train.py, --lr, \"{lr}\"]",
    ]

    /// Reads and checks a definition.
    ///
    /// - Parameters:
    ///   - document: The definition, from an experiment file or from ``value``.
    ///   - directory: The working directory of the training program if the definition names none; absolute.
    ///   - isStored: Pass true for a definition from a store. It may exceed limits, since it may have been written
    ///     before they existed.
    /// - Throws: A ``DocumentError`` that names line, path, problem, and remedy; further problems are in its
    ///   ``DocumentError/more``.
    public init(document: Document, directory: String, isStored: Bool = false) throws(DocumentError) {
        let reader = try ObjectReader(
            document, path: "", known: Self.keys, hints: Self.hints, isTolerant: true)
        var faults = reader.faults
        let name = faults.attempt { () throws(DocumentError) in try Self.readName(reader) }
        let objective = faults.attempt { () throws(DocumentError) in try Self.readObjective(reader) }
        let preset = faults.attempt { () throws(DocumentError) in try Self.readPreset(reader) } ?? nil
        let named = faults.attempt { () throws(DocumentError) in try Self.readKind(reader) }
        let isOpen = faults.attempt { () throws(DocumentError) in try Self.readOpen(reader) } ?? false
        let space = faults.attempt { () throws(DocumentError) in
            try SearchSpace(reader, mayBeEmpty: isOpen)
        }
        var founders = Founders()
        if let space {
            founders =
                faults.attempt { () throws(DocumentError) in
                    try Self.readFounders(reader, space: space, directory: directory)
                } ?? founders
        }
        let initial = founders.initial
        // An invalid kind imposes no further requirements.
        let isManual = named == .manual
        let isGrowing = isManual || isOpen || named == nil
        let population = faults.attempt { () throws(DocumentError) in
            try Self.readPopulation(
                reader, isGrowing: isGrowing, initial: initial, atMost: isStored ? .max : Limits.members)
        }
        let intervals = faults.attempt { () throws(DocumentError) in try Self.readIntervals(reader) }
        var schedule: [Hyperparameters]?
        if let intervals, let space {
            schedule =
                faults.attempt { () throws(DocumentError) in
                    try Self.readSchedule(reader, intervals: intervals, space: space)
                } ?? nil
        }
        let halving = faults.attempt { () throws(DocumentError) in try Self.readHalving(reader, kind: named) } ?? nil
        let isHalving = if case .successiveHalving = named { true } else { false }
        let kind =
            schedule.map { .replay($0) } ?? (isHalving ? halving.map { .successiveHalving($0) } : nil) ?? named
            ?? .populationBasedTraining
        let rules = Self.readRules(
            reader, preset: preset, kind: kind, population: population, isOpen: isOpen, isStored: isStored, &faults)
        let seed = faults.attempt { () throws(DocumentError) in try reader.int("seed", atLeast: .min) ?? 0 }
        let retries = faults.attempt { () throws(DocumentError) in
            try reader.int("retries", atLeast: 0, atMost: 1000) ?? 2
        }
        let stop = faults.attempt { () throws(DocumentError) in try Self.readStop(reader) }
        let keep = faults.attempt { () throws(DocumentError) in try Self.readKeep(reader) }
        let baseline =
            faults.attempt { () throws(DocumentError) in
                try Self.readBaseline(reader, kind: kind, halving: halving)
            } ?? nil
        let trainer = faults.attempt { () throws(DocumentError) in
            try Self.readTrainer(reader, directory: directory)
        }
        let winner = Self.readWinner(reader, objective: objective?.metric, space: space, &faults)
        try faults.check()
        guard let name, let objective, let space, let population, let intervals, let rules, let seed, let retries,
            let stop, let keep, let trainer
        else {
            throw DocumentError(line: reader.line, path: "", problem: "cannot be read")
        }
        self.init(
            name, kind: kind, objective: objective, population: population, intervals: intervals,
            seed: UInt64(bitPattern: Int64(seed)), space: space, initial: initial,
            founderCheckpoints: founders.checkpoints, exploit: rules.exploit, burnIn: rules.burnIn, gate: rules.gate,
            elites: rules.elites, explore: rules.explore, isSynchronous: rules.isSynchronous,
            deadline: rules.timing.deadline,
            decides: rules.timing.moment, patience: rules.timing.patience, isOpen: isOpen, retries: retries, stop: stop,
            keep: keep, baseline: baseline, trainer: trainer)
        (metrics, evaluate) = winner
        if !isStored { try checkWhole(document) }
    }

    /// Checks what concerns the definition as a whole: limits, constraints, sub-populations.
    private func checkWhole(_ document: Document) throws(DocumentError) {
        var faults = Faults()
        let errors =
            limitErrors(in: document) + constraintErrors(in: document) + multiFrequencyErrors(in: document)
            + elitesErrors(in: document) + takesErrors(in: document)
        for error in errors {
            faults.add(error)
        }
        try faults.check()
    }

    /// The rules of a search as read; those of a kind that does not explore are none.
    private struct SearchRules {
        var exploit = ExploitRule.none
        var burnIn = 0
        var gate: ExploitGate?
        var elites: Elites?
        var explore = ExploreRule.none
        var isSynchronous: Bool
        var timing: TimingAsRead
    }

    /// Reads the rules of a search; nil if there is an error, which is added to the faults.
    private static func readRules(
        _ reader: ObjectReader, preset: String?, kind: Kind, population: Int?, isOpen: Bool, isStored: Bool,
        _ faults: inout Faults
    ) -> SearchRules? {
        let exploit = faults.attempt { () throws(DocumentError) in
            let rule = try readDealing(
                reader, of: readExploit(reader, preset: preset, population: population ?? 0), isStored: isStored)
            return rule.taking(try readTakes(reader))
        }
        let burnIn = faults.attempt { () throws(DocumentError) in try readBurnIn(reader) }
        let gate = faults.attempt { () throws(DocumentError) in try readGate(reader) } ?? nil
        let elites = faults.attempt { () throws(DocumentError) in try readElites(reader) } ?? nil
        let explore = faults.attempt { () throws(DocumentError) in try readExplore(reader, preset: preset) }
        let order = faults.attempt { () throws(DocumentError) in
            try readSynchronous(reader, isManual: kind == .manual)
        }
        var timing = faults.attempt { () throws(DocumentError) in
            try readDecide(reader, order?.isSynchronous ?? false, isStored: isStored)
        }
        guard let exploit, let burnIn, let explore, let order, timing != nil else { return nil }
        if let deadline = order.deadline { timing?.deadline = deadline }
        guard let timing else { return nil }
        guard kind == .populationBasedTraining else {
            return SearchRules(isSynchronous: order.isSynchronous, timing: timing)
        }
        if !isStored {
            let isFitting: Void? = faults.attempt { () throws(DocumentError) in
                try explore.checkTiming(timing.moment, isOpen: isOpen, order.isSynchronous, reader)
            }
            guard isFitting != nil else { return nil }
        }
        return SearchRules(
            exploit: exploit, burnIn: burnIn, gate: gate, elites: elites, explore: explore,
            isSynchronous: order.isSynchronous, timing: timing)
    }

    private static func readPopulation(
        _ reader: ObjectReader, isGrowing: Bool, initial: [Hyperparameters], atMost most: Int
    ) throws(DocumentError) -> Int {
        guard
            let population = try reader.int("population", atLeast: isGrowing ? 0 : 1, atMost: most)
                ?? (isGrowing ? initial.count : nil)
        else {
            _ = try reader.required("population", "population: 20")
            throw reader.error("population", "is missing")
        }
        guard initial.count <= max(population, isGrowing ? .max : 0) else {
            throw reader.error("initial", "has \(initial.count) entries for a population of \(population)")
        }
        return population
    }

    private static func readIntervals(_ reader: ObjectReader) throws(DocumentError) -> Int {
        guard let intervals = try reader.int("intervals", atLeast: 1, atMost: 1_000_000) else {
            _ = try reader.required("intervals", "intervals: 20")
            throw reader.error("intervals", "is missing")
        }
        return intervals
    }

    private static func readName(_ reader: ObjectReader) throws(DocumentError) -> String {
        _ = try reader.required("name", "name: mnist")
        // A name such as 007 or true is a string, regardless of YAML's rules.
        let name = reader.document("name")?.value
        let text = name?.string ?? (name?.isScalar == true && name != .null ? name?.json : nil) ?? ""
        guard !text.isEmpty else { throw reader.error("name", "must be a string, not \(name ?? .null)") }
        if let complaint = complaint(aboutName: text) { throw reader.error("name", complaint) }
        return text
    }

    /// Returns the problem with an experiment's name, as a clause; nil if it is valid.
    package static func complaint(aboutName name: String) -> String? {
        if name.isEmpty { return "must not be empty" }
        if name.utf8.count > Limits.experimentNameBytes {
            return "must be at most \(Limits.experimentNameBytes) bytes long, not \(name.utf8.count)"
        }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            return "must not contain control characters"
        }
        if name.first == " " || name.last == " " { return "must not start or end with a space" }
        if name.hasPrefix("-") { return "must not start with '-', which would be read as an option" }
        return nil
    }

    private static func readPreset(_ reader: ObjectReader) throws(DocumentError) -> String? {
        guard let preset = try reader.string("preset") else { return nil }
        guard ["ray", "paper", "portfolio"].contains(preset) else {
            throw reader.error("preset", "must be \"ray\", \"paper\", or \"portfolio\", not \"\(preset)\"")
        }
        return preset
    }

    private static func readKind(_ reader: ObjectReader) throws(DocumentError) -> Kind {
        switch try reader.string("kind") {
        case nil, "pbt", "replay": return .populationBasedTraining
        case "random_search": return .randomSearch
        case "successive_halving": return .successiveHalving(Halving())
        case "manual": return .manual
        case let other?:
            let near =
                ["asha", "halving", "hyperband"].contains(other)
                ? "successive_halving"
                : nearest(to: other, among: ["pbt", "random_search", "successive_halving", "manual"])
            throw reader.error(
                "kind",
                "must be pbt, random_search, successive_halving, or manual, not \"\(other)\""
                    + (near.map { "; did you mean \($0)?" } ?? ""))
        }
    }

    private static func readObjective(_ reader: ObjectReader) throws(DocumentError) -> Objective {
        let document = try reader.required("objective", "objective: {metric: accuracy, goal: maximize}")
        if document.value == .null {
            // Nothing but the results of clients may depend on it.
            let kind = reader.document("kind")?.value
            guard kind == "manual" || kind == "random_search", reader.document("open")?.value == true,
                !reader.has("command")
            else {
                throw reader.error(
                    "objective",
                    "may be null only with open: true, kind: manual or random_search, and without a command; write for "
                        + "example: objective: {metric: accuracy, goal: maximize}")
            }
            return .undeclared
        }
        let objective = try ObjectReader(
            document, path: "objective", known: ["metric", "goal"],
            hints: ["mode": "write goal: maximize or goal: minimize", "direction": "write goal: maximize"])
        var faults = Faults()
        let metric = faults.attempt { () throws(DocumentError) -> String in
            _ = try objective.required("metric", "metric: accuracy")
            guard let metric = try objective.string("metric"), !metric.isEmpty else {
                throw objective.error("metric", "must be the name of a metric")
            }
            return metric
        }
        let isMaximized = faults.attempt { () throws(DocumentError) -> Bool in
            switch try objective.required("goal", "goal: maximize").value.string ?? "" {
            case "maximize", "max": return true
            case "minimize", "min": return false
            default:
                throw objective.error(
                    "goal", "must be maximize or minimize, not \(objective.document("goal")?.value ?? .null)")
            }
        }
        try faults.check()
        return isMaximized == true ? .maximize(metric ?? "") : .minimize(metric ?? "")
    }

    private static func readSchedule(
        _ reader: ObjectReader, intervals: Int, space: SearchSpace
    ) throws(DocumentError) -> [Hyperparameters]? {
        let kind = try reader.string("kind")
        guard let list = try reader.list("schedule") else {
            guard kind != "replay" else {
                throw reader.error("kind", "replay needs a schedule: one object an interval")
            }
            return nil
        }
        guard kind == "replay" else { throw reader.error("schedule", "requires kind: replay") }
        let schedule = list.compactMap(\.value.object)
        guard schedule.count == list.count, schedule.count == intervals else {
            throw reader.error("schedule", "must be a list of \(intervals) objects, one an interval")
        }
        do {
            return try schedule.map { Hyperparameters(try space.flattened($0).mapValues(\.finite)) }
        } catch {
            throw reader.error("schedule", "\(error)")
        }
    }

    private static func readSynchronous(
        _ reader: ObjectReader, isManual: Bool
    ) throws(DocumentError) -> (isSynchronous: Bool, deadline: Duration?) {
        guard let document = reader.document("synchronous") else { return (false, nil) }
        var deadline: Duration?
        var isSynchronous = true
        if case .object = document.content {
            deadline = try ObjectReader(document, path: "synchronous", known: ["deadline"]).duration("deadline")
        } else {
            isSynchronous = try reader.bool("synchronous") ?? false
        }
        guard !isSynchronous || !isManual else {
            throw reader.error("synchronous", "cannot be combined with kind: manual, whose members come one by one")
        }
        return (isSynchronous, deadline)
    }

    private static func readOpen(_ reader: ObjectReader) throws(DocumentError) -> Bool {
        guard try reader.bool("open") == true else { return false }
        if try reader.string("kind") == "replay" { throw reader.error("open", "cannot be combined with kind: replay") }
        switch reader.document("synchronous")?.value {
        case nil, .bool(false): break
        default:
            throw reader.error(
                "open", "cannot be combined with synchronous: members that come at any time do not form generations")
        }
        switch reader.document("baseline")?.value {
        case nil, .null, .bool(false): return true
        default:
            throw reader.error(
                "open", "cannot be combined with baseline: without an end there is no budget to compare at")
        }
    }

    private static func readStop(_ reader: ObjectReader) throws(DocumentError) -> Stop {
        guard let document = reader.document("stop") else { return Stop() }
        let inner = try ObjectReader(document, path: "stop", known: ["target", "after"])
        return Stop(target: try inner.double("target"), after: try inner.duration("after"))
    }

    private static func readKeep(_ reader: ObjectReader) throws(DocumentError) -> Keep {
        guard let document = reader.document("keep") else { return Keep() }
        let inner = try ObjectReader(document, path: "keep", known: ["best", "last"])
        return Keep(
            best: try inner.int("best", atLeast: 1) ?? 1, last: try inner.int("last", atLeast: 1) ?? 1)
    }

    private static func readBaseline(
        _ reader: ObjectReader, kind: Kind, halving: Halving?
    ) throws(DocumentError) -> Baseline? {
        let given = reader.document("baseline")?.value
        switch given {
        case nil, .null, .bool(false): return nil
        case .string("random_search"), .string("successive_halving"), .bool(true):
            guard kind == .populationBasedTraining else { throw reader.error("baseline", "requires kind: pbt") }
            return given == "successive_halving" ? .successiveHalving(halving ?? Halving()) : .randomSearch
        case let other?:
            throw reader.error("baseline", "must be random_search or successive_halving, not \(other)")
        }
    }

    private static func readTrainer(_ reader: ObjectReader, directory: String) throws(DocumentError) -> Trainer? {
        var faults = Faults()
        // Invalid values are reported even without a command.
        let command = faults.attempt { () throws(DocumentError) in try readCommand(reader) } ?? nil
        let gpus = faults.attempt { () throws(DocumentError) in try readDevices(reader) } ?? []
        let environment = faults.attempt { () throws(DocumentError) in
            try readEnvironment(reader, hasDevices: !gpus.isEmpty)
        }
        let isPersistent =
            faults.attempt { () throws(DocumentError) in try reader.bool("persistent") ?? false } ?? false
        let timeout = faults.attempt { () throws(DocumentError) in try reader.duration("timeout") } ?? nil
        let directory = faults.attempt { () throws(DocumentError) in try reader.string("directory") ?? directory }
        let workers = faults.attempt { () throws(DocumentError) in
            try reader.int("workers", atLeast: 1, atMost: 4096) ?? max(1, gpus.count)
        }
        let threads =
            faults.attempt { () throws(DocumentError) in try reader.int("threads", atLeast: 1, atMost: 65536) } ?? nil
        let grace = faults.attempt { () throws(DocumentError) in try reader.duration("grace") ?? .seconds(10) }
        if isPersistent, timeout != nil {
            faults.add(
                reader.error(
                    "timeout",
                    "cannot be combined with persistent: true, whose programs run for many intervals; remove it"))
        }
        if isPersistent, let command, let place = command.firstIndex(where: { $0.contains("{") }) {
            faults.add(
                reader.error(
                    "command",
                    "has a placeholder (\"\(command[place])\"), but persistent: true starts the program once for all "
                        + "intervals; it claims its hyperparameters itself"))
        }
        try faults.check()
        guard let command, let directory, let workers, let grace, let environment else { return nil }
        return Trainer(
            command: command, directory: directory, workers: workers, gpus: gpus, threads: threads, timeout: timeout,
            grace: grace, isPersistent: isPersistent, environment: environment)
    }
}
