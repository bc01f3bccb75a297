// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// The number of best checkpoints that are kept: those of ``keep``, and the candidates of ``evaluate``.
    package var bestKept: Int {
        max(1, keep.best, evaluate?.candidates ?? 0)
    }

    /// The keys of the winner's measurement as in an experiment file; empty if none is set.
    var winnerValues: [String: Value] {
        var object: [String: Value] = [:]
        object["metrics"] = metrics.map { .array($0.map { .string($0) }) }
        object["evaluate"] = evaluate.map { evaluate in
            var settings: [String: Value] = [
                "candidates": .integer(evaluate.candidates), "repeats": .integer(evaluate.repeats),
            ]
            settings["command"] = evaluate.command.map { .array($0.map { .string($0) }) }
            return .object(settings)
        }
        return object
    }

    /// Reads `metrics` and `evaluate`.
    static func readWinner(
        _ reader: ObjectReader, objective: String?, space: SearchSpace?, _ faults: inout Faults
    ) -> (metrics: [String]?, evaluate: Evaluate?) {
        let metrics = faults.attempt { () throws(DocumentError) in try readMetrics(reader, objective: objective) }
        let evaluate = faults.attempt { () throws(DocumentError) in try readEvaluate(reader, space: space) }
        return (metrics ?? nil, evaluate ?? nil)
    }

    /// Reads `metrics`: the metrics that are shown next to the score, in this order.
    private static func readMetrics(_ reader: ObjectReader, objective: String?) throws(DocumentError) -> [String]? {
        guard let list = try reader.list("metrics") else { return nil }
        guard list.count <= mostMetrics else {
            throw reader.error("metrics", "must name at most \(mostMetrics) metrics, not \(list.count)")
        }
        var names: [String] = []
        for (place, entry) in list.enumerated() {
            let path = "metrics[\(place)]"
            guard let name = entry.value.string, !name.isEmpty else {
                throw DocumentError(
                    line: entry.line, path: path, problem: "must be the name of a metric: metrics: [test_accuracy]")
            }
            guard name != objective else {
                throw DocumentError(
                    line: entry.line, path: path,
                    problem: "is the objective's metric, which is always shown; remove it")
            }
            guard !names.contains(name) else {
                throw DocumentError(line: entry.line, path: path, problem: "is duplicated: \"\(name)\"; remove it")
            }
            names.append(name)
        }
        return names
    }

    /// The maximum number of metrics that are shown next to the score.
    private static let mostMetrics = 20

    /// Reads `evaluate`.
    private static func readEvaluate(
        _ reader: ObjectReader, space: SearchSpace?
    ) throws(DocumentError) -> Evaluate? {
        switch reader.document("evaluate")?.value {
        case nil, .null, .bool(false): return nil
        default: break
        }
        guard reader.has("command") else {
            throw reader.error(
                "evaluate", "requires a command: checkpoints are evaluated by a program; trainers in Swift have none")
        }
        var evaluate = Evaluate()
        if let document = reader.document("evaluate"), document.value != .bool(true) {
            let inner = try ObjectReader(
                document, path: "evaluate", known: ["command", "candidates", "repeats"],
                hints: ["seeds": "write repeats: NUMBER", "top": "write candidates: NUMBER"])
            evaluate.candidates = try inner.int("candidates", atLeast: 1, atMost: 1000) ?? evaluate.candidates
            evaluate.repeats = try inner.int("repeats", atLeast: 1, atMost: 1000) ?? evaluate.repeats
            evaluate.command = try readCommand(inner)
            if let command = evaluate.command, let space,
                let problem = CommandTemplate.problems(in: command, space: space).first
            {
                throw inner.error("command", "[\(problem.argument)]: \(problem.text)")
            }
        }
        if evaluate.command == nil, try reader.bool("persistent") == true {
            throw reader.error(
                "evaluate",
                "needs a command of its own with persistent: true, whose program is not started for an evaluation: "
                    + "evaluate: {command: [PROGRAM, …]}")
        }
        return evaluate
    }
}
