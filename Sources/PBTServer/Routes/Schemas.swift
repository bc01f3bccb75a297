// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints

/// The JSON Schemas of what goes over the wire, for the OpenAPI document.
enum Schemas {
    static func ref(_ name: String) -> Value {
        ["$ref": .string("#/components/schemas/\(name)")]
    }

    static func object(_ properties: [String: Value], required: [String] = [], closed: Bool = false) -> Value {
        var schema: [String: Value] = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.sorted().map { .string($0) }) }
        if closed { schema["additionalProperties"] = false }
        return .object(schema)
    }

    static func list(_ items: Value, atMost count: Int? = nil) -> Value {
        var schema: [String: Value] = ["type": "array", "items": items]
        schema["maxItems"] = count.map { .integer($0) }
        return .object(schema)
    }

    static func items(of schema: Value) -> Value {
        object(["items": list(schema)], required: ["items"])
    }

    static func page(of name: String) -> Value {
        object(["items": list(ref(name), atMost: Limits.page.upperBound), "next": text], required: ["items"])
    }

    static let changes = object(
        [
            "items": list(ref("Interval"), atMost: Limits.page.upperBound), "cursor": text, "reset": flag, "more": flag,
            "mark": text, "anew": flag,
        ],
        required: ["items", "cursor", "reset", "more", "mark", "anew"])

    static let text: Value = ["type": "string"]
    static let flag: Value = ["type": "boolean"]
    static let number: Value = ["type": "number"]
    /// A number that counts, or says where something is in an order.
    static let count = integer(Limits.counters)
    /// The number of a member or of an interval, or how many attempts there were.
    static let ordinal = integer(Limits.ordinals)
    /// The number of trained intervals that a checkpoint holds.
    static let depth = integer(Limits.depths)
    static let whole: Value = ["type": "integer"]
    static let time = described(integer(Limits.times), "Milliseconds since 1970 UTC.")
    /// Hyperparameters or metrics by name.
    static let values: Value = [
        "type": "object", "additionalProperties": true, "maxProperties": .integer(Limits.values),
        "propertyNames": ["maxLength": .integer(Limits.valueNameBytes)],
    ]
    /// An experiment file.
    static let document: Value = ["type": "object", "additionalProperties": true]
    static let score: Value = [
        "description": "A number, or one that JSON cannot write.",
        "oneOf": [["type": "number"], ["type": "string", "enum": ["NaN", "Infinity", "-Infinity"]]],
    ]

    static func choice(_ values: [String]) -> Value {
        ["type": "string", "enum": .array(values.map { .string($0) })]
    }

    /// An integer within bounds.
    static func integer(_ range: ClosedRange<Int>, default standard: Int? = nil) -> Value {
        bounded("integer", range, standard)
    }

    /// A number of seconds within bounds.
    static func seconds(_ range: ClosedRange<Int>, default standard: Int) -> Value {
        bounded("number", range, standard)
    }

    /// A string of so many characters; where bytes are limited, there are at most as many characters.
    static func text(_ length: ClosedRange<Int>) -> Value {
        [
            "type": "string", "minLength": .integer(length.lowerBound), "maxLength": .integer(length.upperBound),
        ]
    }

    private static func bounded(_ type: String, _ range: ClosedRange<Int>, _ standard: Int?) -> Value {
        var schema: [String: Value] = [
            "type": .string(type), "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound),
        ]
        schema["default"] = standard.map { .integer($0) }
        return .object(schema)
    }

    private static func described(_ schema: Value, _ text: String) -> Value {
        var object = schema.object ?? [:]
        object["description"] = .string(text)
        return .object(object)
    }

    // MARK: Bodies

    static let term = described(
        seconds(Limits.term, default: 60), "How many seconds a lease lasts unless it is renewed.")
    static let claim = object(
        [
            "worker": text(1...Limits.nameBytes), "term": term,
            "count": integer(1...Limits.claimed, default: 1), "wait": seconds(Limits.wait, default: 0),
            "key": .object(
                (text(Limits.claimKey).object ?? [:]).merging(["pattern": "^[A-Za-z0-9_-]+$"]) { $1 }),
            "definition": ["type": "boolean", "default": true],
        ], required: ["worker"], closed: true)
    static let evaluationClaim = object(
        [
            "worker": text(1...Limits.nameBytes), "term": term,
            "key": .object(
                (text(Limits.claimKey).object ?? [:]).merging(["pattern": "^[A-Za-z0-9_-]+$"]) { $1 }),
            "definition": ["type": "boolean", "default": true],
        ], required: ["worker"], closed: true)
    static let renewal = object(["lease": ref("Lease"), "term": term], required: ["lease"], closed: true)
    static let report = object(
        ["lease": ref("Lease"), "metrics": values], required: ["lease", "metrics"], closed: true)
    static let finish = object(
        ["lease": ref("Lease"), "score": score, "metrics": values, "checkpoint": text, "failed": text],
        required: ["lease"], closed: true)
    static let release = object(["lease": ref("Lease"), "reason": text], required: ["lease"], closed: true)
    static let abandon = object(["worker": text, "reason": text], required: ["worker"], closed: true)
    static let checkpointNames = object(["checkpoints": list(text)], required: ["checkpoints"], closed: true)
    static let definition = object(["definition": document], required: ["definition"], closed: true)
    static let push = object(["hyperparameters": values], required: ["hyperparameters"], closed: true)
    static let pin = object(["pinned": flag], required: ["pinned"], closed: true)

    static func reason(_ known: [String]) -> Value {
        object(Dictionary(uniqueKeysWithValues: known.map { ($0, text) }), closed: true)
    }

    // MARK: Answers

    static let server = object(
        [
            "name": text, "version": text, "api": whole,
            "data": object(["path": text, "id": text], required: ["path", "id"]),
        ], required: ["name", "version", "api"])
    static let lease = object(["lease": ref("Lease")], required: ["lease"])
    static let claims = object(
        [
            "assignments": list(ref("Assignment"), atMost: Limits.claimed),
            "state": choice(ExperimentRecord.State.allCases.map(\.rawValue) + ["stopping"]),
            "experiment": ref("Experiment"),
        ], required: ["assignments", "state", "experiment"])
    static let evaluations = object(
        [
            "assignments": list(ref("Assignment"), atMost: 1),
            "evaluation": described(
                choice(["open", "over"]), "Over: nothing is left to evaluate, or the search has not finished."),
            "workers": described(list(text), "The workers that hold what is left; none while something is free."),
            "experiment": ref("Experiment"),
        ], required: ["assignments", "evaluation", "workers", "experiment"])
    static let finished = object(
        [
            "interval": ref("Interval"), "decisions": list(ref("Decision")), "garbage": list(text),
            "experiment": ref("Experiment"),
        ], required: ["interval", "decisions", "garbage", "experiment"])
    static let abandoned = object(["intervals": list(ref("IntervalID"))], required: ["intervals"])
    static let events = object(
        ["items": list(ref("Event"), atMost: Limits.page.upperBound), "last": count], required: ["items", "last"])

    // MARK: Components

    /// The size of a file, or of all files of a checkpoint.
    private static let bytes = integer(0...Int(Manifest.maximumBytes))
    private static let file: Value = object(
        [
            "path": text(1...TransferPath.maximumLength), "size": bytes,
            "sha256": ["type": "string", "pattern": "^[0-9a-fA-F]{64}$"],
            "executable": flag,
        ], required: ["path", "size", "sha256"])
    static let manifest = object(
        [
            "files": list(file, atMost: Manifest.maximumFiles),
            "directories": list(text(1...TransferPath.maximumLength), atMost: Manifest.maximumFiles), "bytes": bytes,
        ], required: ["files", "directories", "bytes"])
    static let arrived = object(
        ["files": list(object(["path": text, "size": bytes], required: ["path", "size"]))], required: ["files"])
    static let publishing = object(
        [
            "lease": ref("Lease"), "files": list(file, atMost: Manifest.maximumFiles),
            "directories": list(text(1...TransferPath.maximumLength), atMost: Manifest.maximumFiles), "bytes": bytes,
        ],
        required: ["lease", "files"], closed: true)
    private static let intervalID: [String: Value] = ["member": ordinal, "interval": ordinal]

    static let components: [String: Value] = [
        "ExperimentState": choice(ExperimentRecord.State.allCases.map(\.rawValue)),
        "IntervalID": object(intervalID, required: ["member", "interval"]),
        "Experiment": object(
            [
                "id": whole, "name": text, "state": ref("ExperimentState"), "reason": text, "created": time,
                "ended": time, "counts": ["type": "object", "additionalProperties": count],
                "best": ref("IntervalID"), "best_score": number, "population": count, "intervals_planned": count,
                "intervals_finished": count, "members_ended": count,
                "skipped": integer(-Limits.counters.upperBound...Limits.counters.upperBound),
                "failures_in_a_row": count,
                "finished_intervals": count, "generation": count, "generation_began": time, "definition": document,
                "definition_version": text, "revision": count, "undecided": count,
                "evaluation": described(
                    choice(["open"]), "Present while evaluations of its best checkpoints are missing."),
            ],
            required: [
                "id", "name", "state", "created", "counts", "population", "intervals_planned", "intervals_finished",
                "members_ended", "skipped", "failures_in_a_row", "finished_intervals", "generation",
                "generation_began", "definition_version",
            ]),
        "Revision": object(
            [
                "number": count, "time": time, "finished_intervals": count, "late_decisions": count,
                "definition": document,
            ], required: ["number", "time", "finished_intervals", "late_decisions", "definition"]),
        "Interval": object(
            intervalID.merging([
                "parent": ref("IntervalID"), "hyperparameters": values, "changes": list(ref("Change")), "depth": depth,
                "state": choice(Interval.State.allCases.map(\.rawValue)), "score": score, "metrics": values,
                "checkpoint": text, "checkpoint_state": choice(["none", "kept", "garbage", "deleted"]),
                "pinned": flag, "attempts": ordinal, "failures": ordinal, "reason": text, "worker": text,
                "lease_expires": time, "created": time, "started": time, "finished": time, "sequence": count,
                "evaluations": list(ref("Evaluation"), atMost: Evaluation.most),
            ]) { $1 },
            required: [
                "member", "interval", "hyperparameters", "changes", "depth", "state", "metrics", "checkpoint_state",
                "pinned", "attempts", "failures", "created",
            ]),
        "Evaluation": object(
            [
                "number": integer(0...(Evaluation.most - 1)), "score": ["type": ["number", "null"]], "metrics": values,
                "reason": text,
            ], required: ["number", "score"]),
        "Change": object(
            ["name": text, "old": true, "operation": text, "new": true, "clipped": flag],
            required: ["name", "old", "operation", "new"]),
        "Lease": object(
            intervalID.merging([
                "experiment": text(1...Limits.experimentNameBytes), "attempt": ordinal, "token": text, "worker": text,
                "expires": time,
                "evaluation": described(
                    integer(0...(Evaluation.most - 1)),
                    "The number of the evaluation of the interval's checkpoint that the lease is on; none for training."
                ),
            ]) { $1 }, required: ["experiment", "member", "interval", "attempt", "token"]),
        "Assignment": object(
            [
                "lease": ref("Lease"), "interval": ref("Interval"), "parent_checkpoint": text, "seed": whole,
                "interval_seed": whole,
                "objective": object(
                    ["metric": text, "goal": choice(["maximize", "minimize"])], required: ["metric", "goal"]),
                "garbage": list(text), "definition": document, "definition_version": text, "hyperparameters": values,
            ], required: ["lease", "interval", "seed", "objective", "definition_version"]),
        "Decision": object(
            [
                "interval": ref("IntervalID"),
                "decision": choice(["continues", "exploits", "adopts", "explores", "restarts", "ends"]),
                "donor": ref("IntervalID"), "changes": list(ref("Change")), "next": ref("Interval"),
                "prediction": object(
                    ["gain": number, "deviation": number, "rows": whole], required: ["gain", "deviation", "rows"]),
            ], required: ["interval", "decision"]),
        "Ancestor": object(
            intervalID.merging([
                "score": ["anyOf": [score, ["type": "null"]]], "hyperparameters": values,
                "parent": ["anyOf": [ref("IntervalID"), ["type": "null"]]], "exploited": flag,
            ]) { $1 }, required: ["member", "interval", "score", "hyperparameters", "parent", "exploited"]),
        "ScheduleEntry": object(
            ["interval": ordinal, "hyperparameters": values], required: ["interval", "hyperparameters"]),
        "Checkpoint": object(
            intervalID.merging([
                "name": text, "state": choice(["kept", "garbage"]), "pinned": flag,
            ]) { $1 }, required: ["member", "interval", "name", "state", "pinned"]),
        "Event": object(
            [
                "id": count, "experiment": text, "time": time, "kind": text, "interval": ref("IntervalID"),
                "details": values,
            ], required: ["id", "experiment", "time", "kind", "details"]),
        "Problem": object(
            [
                "type": text, "title": text, "status": whole, "code": text, "detail": text,
                "errors": list(object(["path": text, "problem": text], required: ["path", "problem"])),
            ],
            required: ["type", "title", "status", "code", "detail"]),
    ]
}
