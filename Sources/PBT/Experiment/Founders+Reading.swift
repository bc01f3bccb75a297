// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// The values of `initial` and `from`.
    struct Founders {
        var initial: [Hyperparameters] = []
        var checkpoints = FounderCheckpoints()
    }

    /// Reads the initial hyperparameters and checkpoints of founders.
    ///
    /// - Parameters:
    ///   - reader: The definition.
    ///   - space: The hyperparameters.
    ///   - directory: The base of relative paths; absolute.
    /// - Returns: The hyperparameters and checkpoints that are given.
    /// - Throws: A ``DocumentError`` that names the place.
    static func readFounders(
        _ reader: ObjectReader, space: SearchSpace, directory: String
    ) throws(DocumentError) -> Founders {
        var founders = Founders()
        if let from = try reader.string("from") {
            if let complaint = complaint(aboutName: from) { throw reader.error("from", complaint) }
            founders.checkpoints.experiment = from
        }
        guard let document = reader.document("initial") else { return founders }
        if case .object = document.content {
            guard founders.checkpoints.experiment == nil else { throw reader.error("from", Self.besideInitial) }
            let inner = try ObjectReader(
                document, path: "initial", known: ["checkpoint"],
                hints: Dictionary(
                    space.definedNames.map {
                        (
                            $0,
                            "for single founders write a list: initial: [{\($0): …}]; a value for all is a "
                                + "constant: space"
                        )
                    }, uniquingKeysWith: { first, _ in first }))
            let value = try inner.required("checkpoint", "initial: {checkpoint: path/to/checkpoint}")
            founders.checkpoints.shared = try readCheckpoint(value, "initial.checkpoint", directory)
            return founders
        }
        var faults = Faults()
        for (i, document) in (try reader.list("initial") ?? []).enumerated() {
            let founder = faults.attempt { () throws(DocumentError) in
                try readFounder(document, "initial[\(i)]", space, directory)
            }
            guard let founder else { continue }
            founders.initial.append(founder.hyperparameters)
            if let checkpoint = founder.checkpoint { founders.checkpoints.own[i] = checkpoint }
        }
        try faults.check()
        let own = founders.checkpoints.own
        if founders.checkpoints.experiment != nil {
            // In a stored definition, all of them were copied from the other experiment.
            guard founders.initial.count == own.count, !own.isEmpty else {
                throw reader.error("from", Self.besideInitial)
            }
        }
        return founders
    }

    private static let besideInitial =
        "cannot be combined with initial, which defines the founders too; keep one of the two"

    private static func readFounder(
        _ document: Document, _ path: String, _ space: SearchSpace, _ directory: String
    ) throws(DocumentError) -> (hyperparameters: Hyperparameters, checkpoint: FounderCheckpoint?) {
        guard case .object(var entries) = document.content else {
            throw DocumentError(
                line: document.line, path: path,
                problem: "must be an object of hyperparameters, not \(document.value.kind)")
        }
        var checkpoint: FounderCheckpoint?
        // A hyperparameter of that name takes precedence.
        let isHyperparameter = space.definedNames.contains { $0 == "checkpoint" || $0.hasPrefix("checkpoint.") }
        if !isHyperparameter, let place = entries.firstIndex(where: { $0.name == "checkpoint" }) {
            checkpoint = try readCheckpoint(entries.remove(at: place).content, "\(path).checkpoint", directory)
        }
        let given = Document(.object(entries), line: document.line).value.object ?? [:]
        do {
            return (try space.checked(Hyperparameters(given)), checkpoint)
        } catch {
            throw DocumentError(line: document.line, path: path, problem: "\(error)")
        }
    }

    /// Reads a directory or a checkpoint of an experiment; in a stored definition also the name of its copy.
    private static func readCheckpoint(
        _ document: Document, _ path: String, _ directory: String
    ) throws(DocumentError) -> FounderCheckpoint {
        if case .scalar(let scalar) = document.content {
            guard let text = scalar.string, !text.isEmpty, !text.utf8.contains(0) else {
                throw DocumentError(
                    line: document.line, path: path,
                    problem: "must be the path of a checkpoint's directory, or {experiment: NAME, checkpoint: "
                        + "m0003-i0012-a1}, not \(scalar)")
            }
            return FounderCheckpoint(.directory(try absolute(text, document, path, directory)))
        }
        let reader = try ObjectReader(document, path: path, known: ["path", "experiment", "checkpoint", "copy"])
        var copy: CheckpointName?
        if reader.has("copy") {
            copy = try readName(reader, "copy")
            guard copy?.isFounderCopy == true else {
                throw reader.error("copy", "is set when the checkpoint is copied; leave it out")
            }
        }
        if let text = try reader.string("path") {
            guard !text.isEmpty, !text.utf8.contains(0), !reader.has("experiment"), !reader.has("checkpoint") else {
                throw reader.error("path", "must be a directory, and cannot be combined with experiment and checkpoint")
            }
            return FounderCheckpoint(.directory(try absolute(text, document, path, directory)), copy: copy)
        }
        _ = try reader.required("experiment", "checkpoint: {experiment: mnist, checkpoint: m0003-i0012-a1}")
        let experiment = try reader.string("experiment") ?? ""
        if let complaint = complaint(aboutName: experiment) { throw reader.error("experiment", complaint) }
        return FounderCheckpoint(.checkpoint(try readName(reader, "checkpoint"), of: experiment), copy: copy)
    }

    private static func readName(_ reader: ObjectReader, _ key: String) throws(DocumentError) -> CheckpointName {
        _ = try reader.required(key, "\(key): m0003-i0012-a1")
        let text = try reader.string(key) ?? ""
        guard let name = CheckpointName(text) else {
            throw reader.error(
                key, "must be a checkpoint's name such as m0003-i0012-a1, not \(Value.string(text).json)")
        }
        return name
    }

    private static func absolute(
        _ path: String, _ document: Document, _ place: String, _ directory: String
    ) throws(DocumentError) -> String {
        // The limit of Linux.
        guard path.utf8.count < 4096 else {
            throw DocumentError(line: document.line, path: place, problem: "must be a path of at most 4095 bytes")
        }
        if path.utf8.first == UInt8(ascii: "/") { return path }
        return directory.utf8.last == UInt8(ascii: "/") ? directory + path : "\(directory)/\(path)"
    }
}
