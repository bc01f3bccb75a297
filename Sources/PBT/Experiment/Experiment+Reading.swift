// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    static let keys = [
        "name", "kind", "objective", "population", "intervals", "seed", "space", "initial", "preset", "exploit",
        "explore", "synchronous", "decide", "open", "command", "workers", "gpus", "threads", "retries", "timeout",
        "grace", "stop", "keep", "baseline", "schedule", "directory", "persistent",
    ]

    /// What those who come from other programs write, and what to write here.
    static let hints = [
        "metric": "write objective: {metric: NAME, goal: maximize}",
        "mode": "write objective: {metric: NAME, goal: maximize} or minimize",
        "goal": "it stands in objective: {metric: NAME, goal: maximize}",
        "perturbation_interval": "an interval is one run of the command; train for as long there as one should last",
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
    ]

    /// Reads and checks a definition.
    ///
    /// - Parameters:
    ///   - document: The definition, from an experiment file or from ``value``.
    ///   - directory: The directory that the training program is started in, when the definition names none; absolute.
    ///   - isStored: Whether it comes from a store. Then it is read even where it is beyond a bound, since it may have been
    ///     written before there was one.
    /// - Throws: A ``DocumentError`` that names line and place, what is wrong, and what would be right.
    public init(document: Document, directory: String, isStored: Bool = false) throws(DocumentError) {
        let reader = try ObjectReader(document, path: "", known: Self.keys, hints: Self.hints)
        let name = try Self.readName(reader)
        let preset = try Self.readPreset(reader)
        var kind = try Self.readKind(reader)
        let objective = try Self.readObjective(reader)
        let isOpen = try Self.readOpen(reader)
        let space = try SearchSpace(
            document: reader.required("space", "space: {learning_rate: {log_uniform: [1e-5, 1]}}"),
            mayBeEmpty: isOpen, hasCommand: reader.has("command"))
        let initial = try Self.readInitial(reader, space: space)
        let isManual = kind == .manual
        let isGrowing = isManual || isOpen
        guard
            let population = try reader.int(
                "population", atLeast: isGrowing ? 0 : 1, atMost: isStored ? .max : Limits.members)
                ?? (isGrowing ? initial.count : nil)
        else {
            _ = try reader.required("population", "population: 20")
            throw reader.error("population", "is missing")
        }
        guard initial.count <= max(population, isGrowing ? .max : 0) else {
            throw reader.error("initial", "has \(initial.count) entries for a population of \(population)")
        }
        guard let intervals = try reader.int("intervals", atLeast: 1, atMost: 1_000_000) else {
            _ = try reader.required("intervals", "intervals: 20")
            throw reader.error("intervals", "is missing")
        }
        if let schedule = try Self.readSchedule(reader, intervals: intervals) { kind = .replay(schedule) }
        let explores = kind == .populationBasedTraining
        let exploit = try Self.readExploit(reader, preset: preset)
        let explore = try Self.readExplore(reader, preset: preset)
        let (isSynchronous, deadline) = try Self.readSynchronous(reader)
        guard !isSynchronous || !isManual else {
            throw reader.error("synchronous", "has no meaning beside kind: manual, whose members come one by one")
        }
        self.init(
            name, kind: kind, objective: objective, population: population, intervals: intervals,
            seed: UInt64(bitPattern: Int64(try reader.int("seed", atLeast: .min) ?? 0)), space: space, initial: initial,
            exploit: explores ? exploit : .none, explore: explores ? explore : .none,
            isSynchronous: isSynchronous, deadline: deadline, decides: try Self.readDecide(reader, isSynchronous),
            isOpen: isOpen,
            retries: try reader.int("retries", atLeast: 0, atMost: 1000) ?? 2, stop: try Self.readStop(reader),
            keep: try Self.readKeep(reader), hasBaseline: try Self.readBaseline(reader, kind: kind),
            trainer: try Self.readTrainer(reader, directory: directory))
        if !isStored, let error = limitErrors(in: document).first { throw error }
    }

    private static func readName(_ reader: ObjectReader) throws(DocumentError) -> String {
        _ = try reader.required("name", "name: mnist")
        // A name such as 007 or true is text, whatever YAML thinks.
        let name = reader.document("name")?.value
        let text = name?.string ?? (name?.isScalar == true && name != .null ? name?.json : nil) ?? ""
        guard !text.isEmpty else { throw reader.error("name", "must be text, not \(name ?? .null)") }
        if let complaint = complaint(aboutName: text) { throw reader.error("name", complaint) }
        return text
    }

    /// What is wrong with an experiment's name, if anything.
    package static func complaint(aboutName name: String) -> String? {
        if name.isEmpty { return "must not be empty" }
        if name.utf8.count > 128 { return "must be at most 128 bytes long, not \(name.utf8.count)" }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            return "must not hold control characters"
        }
        if name.first == " " || name.last == " " { return "must not begin or end with a space" }
        if name.hasPrefix("-") { return "must not begin with '-', which would read as an option" }
        return nil
    }

    private static func readPreset(_ reader: ObjectReader) throws(DocumentError) -> String? {
        guard let preset = try reader.string("preset") else { return nil }
        guard preset == "ray" || preset == "paper" else {
            throw reader.error("preset", "must be \"ray\" or \"paper\", not \"\(preset)\"")
        }
        return preset
    }

    private static func readKind(_ reader: ObjectReader) throws(DocumentError) -> Kind {
        switch try reader.string("kind") {
        case nil, "pbt", "replay": return .populationBasedTraining
        case "random_search": return .randomSearch
        case "manual": return .manual
        case let other?:
            let near = nearest(to: other, among: ["pbt", "random_search", "manual"])
            throw reader.error(
                "kind",
                "must be pbt, random_search or manual, not \"\(other)\"" + (near.map { "; did you mean \($0)?" } ?? ""))
        }
    }

    private static func readObjective(_ reader: ObjectReader) throws(DocumentError) -> Objective {
        let document = try reader.required("objective", "objective: {metric: accuracy, goal: maximize}")
        let objective = try ObjectReader(
            document, path: "objective", known: ["metric", "goal"],
            hints: ["mode": "write goal: maximize or goal: minimize", "direction": "write goal: maximize"])
        _ = try objective.required("metric", "metric: accuracy")
        guard let metric = try objective.string("metric"), !metric.isEmpty else {
            throw objective.error("metric", "must be the name of a metric")
        }
        let goal = try objective.required("goal", "goal: maximize").value.string ?? ""
        switch goal {
        case "maximize", "max": return .maximize(metric)
        case "minimize", "min": return .minimize(metric)
        default:
            throw objective.error(
                "goal", "must be maximize or minimize, not \(objective.document("goal")?.value ?? .null)")
        }
    }

    private static func readInitial(
        _ reader: ObjectReader, space: SearchSpace
    ) throws(DocumentError) -> [Hyperparameters] {
        var initial: [Hyperparameters] = []
        for (i, document) in (try reader.list("initial") ?? []).enumerated() {
            guard case .object = document.content else {
                throw DocumentError(
                    line: document.line, path: "initial[\(i)]",
                    problem: "must be an object of hyperparameters, not \(document.value.kind)")
            }
            do {
                initial.append(try space.checked(Hyperparameters(document.value.object ?? [:])))
            } catch {
                throw DocumentError(line: document.line, path: "initial[\(i)]", problem: "\(error)")
            }
        }
        return initial
    }

    private static func readSchedule(
        _ reader: ObjectReader, intervals: Int
    ) throws(DocumentError) -> [Hyperparameters]? {
        let kind = try reader.string("kind")
        guard let list = try reader.list("schedule") else {
            guard kind != "replay" else {
                throw reader.error("kind", "replay needs a schedule: one object an interval")
            }
            return nil
        }
        guard kind == "replay" else { throw reader.error("schedule", "makes sense beside kind: replay only") }
        let schedule = list.compactMap(\.value.object)
        guard schedule.count == list.count, schedule.count == intervals else {
            throw reader.error("schedule", "must be a list of \(intervals) objects, one an interval")
        }
        return schedule.map { Hyperparameters($0) }
    }

    private static func readSynchronous(
        _ reader: ObjectReader
    ) throws(DocumentError) -> (isSynchronous: Bool, deadline: Duration?) {
        guard let document = reader.document("synchronous") else { return (false, nil) }
        if case .object = document.content {
            let inner = try ObjectReader(document, path: "synchronous", known: ["deadline"])
            return (true, try inner.duration("deadline"))
        }
        return (try reader.bool("synchronous") ?? false, nil)
    }

    private static func readDecide(_ reader: ObjectReader, _ isSynchronous: Bool) throws(DocumentError) -> Decides {
        guard let word = try reader.string("decide") else { return .early }
        guard let decides = Decides(rawValue: word) else {
            throw reader.error("decide", "must be early or late, not \"\(word)\"")
        }
        guard decides == .early || !isSynchronous else {
            throw reader.error(
                "decide", "late has no meaning beside synchronous, which decides when a generation is complete")
        }
        return decides
    }

    private static func readOpen(_ reader: ObjectReader) throws(DocumentError) -> Bool {
        guard try reader.bool("open") == true else { return false }
        if try reader.string("kind") == "replay" { throw reader.error("open", "has no meaning beside kind: replay") }
        switch reader.document("synchronous")?.value {
        case nil, .bool(false): break
        default:
            throw reader.error(
                "open", "has no meaning beside synchronous: members that come at any time are no generation")
        }
        switch reader.document("baseline")?.value {
        case nil, .null, .bool(false): return true
        default:
            throw reader.error(
                "open", "has no meaning beside baseline: without an end there is no budget to share")
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

    private static func readBaseline(_ reader: ObjectReader, kind: Kind) throws(DocumentError) -> Bool {
        switch reader.document("baseline")?.value {
        case nil, .null, .bool(false): return false
        case .string("random_search") where kind == .populationBasedTraining: return true
        case .string("random_search"):
            throw reader.error("baseline", "makes sense beside kind: pbt only")
        case let other?: throw reader.error("baseline", "must be random_search, not \(other)")
        }
    }

    private static func readTrainer(_ reader: ObjectReader, directory: String) throws(DocumentError) -> Trainer? {
        guard let list = try reader.list("command") else { return nil }
        var command: [String] = []
        for (i, part) in list.enumerated() {
            switch part.value {
            case .string(let text): command.append(text)
            case .integer, .number, .bool: command.append(part.value.json)
            default:
                throw DocumentError(
                    line: part.line, path: "command[\(i)]", problem: "must be text, not \(part.value.kind)")
            }
        }
        guard command.first?.isEmpty == false else {
            throw reader.error("command", "must name a program, for example [python3, train.py, \"{args}\"]")
        }
        let gpus = try (try reader.list("gpus") ?? []).map { (gpu) throws(DocumentError) -> String in
            switch gpu.value {
            case .integer(let number) where number >= 0: return String(number)
            case .string(let text) where !text.isEmpty: return text
            default:
                throw DocumentError(
                    line: gpu.line, path: "gpus", problem: "must hold device numbers or names, not \(gpu.value)")
            }
        }
        let isPersistent = try reader.bool("persistent") ?? false
        let timeout = try reader.duration("timeout")
        guard !isPersistent || timeout == nil else {
            throw reader.error(
                "timeout", "cannot be kept beside persistent: true, whose programs run for many intervals; leave it out"
            )
        }
        if isPersistent, let place = command.firstIndex(where: { $0.contains("{") }) {
            throw reader.error(
                "command",
                "has a placeholder (\"\(command[place])\"), but persistent: true starts the program once for all "
                    + "intervals; it asks for its hyperparameters itself")
        }
        return Trainer(
            command: command, directory: try reader.string("directory") ?? directory,
            workers: try reader.int("workers", atLeast: 1, atMost: 4096) ?? max(1, gpus.count), gpus: gpus,
            threads: try reader.int("threads", atLeast: 1, atMost: 65536), timeout: timeout,
            grace: try reader.duration("grace") ?? .seconds(10),
            isPersistent: isPersistent)
    }
}
