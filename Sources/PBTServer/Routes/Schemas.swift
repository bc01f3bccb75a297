// SPDX-License-Identifier: Apache-2.0

import PBT

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

    static func list(_ items: Value) -> Value {
        ["type": "array", "items": items]
    }

    static func items(of schema: Value) -> Value {
        object(["items": list(schema)], required: ["items"])
    }

    static func page(of name: String) -> Value {
        object(["items": list(ref(name)), "next": text], required: ["items"])
    }

    static let changes = object(
        ["items": list(ref("Interval")), "mark": text, "anew": flag, "more": flag],
        required: ["items", "mark", "anew", "more"])

    static let text: Value = ["type": "string"]
    static let flag: Value = ["type": "boolean"]
    static let number: Value = ["type": "number"]
    static let count: Value = ["type": "integer", "minimum": 0]
    static let whole: Value = ["type": "integer"]
    static let time: Value = ["type": "integer", "description": "Milliseconds since 1970 UTC."]
    static let values: Value = ["type": "object", "additionalProperties": true]
    static let score: Value = [
        "description": "A number, or one that JSON cannot write.",
        "oneOf": [["type": "number"], ["type": "string", "enum": ["NaN", "Infinity", "-Infinity"]]],
    ]

    static func choice(_ values: [String]) -> Value {
        ["type": "string", "enum": .array(values.map { .string($0) })]
    }

    // MARK: Bodies

    static let term: Value = [
        "type": "number", "minimum": 1, "maximum": 86400, "default": 60,
        "description": "How many seconds a lease lasts unless it is renewed.",
    ]
    static let claim = object(
        [
            "worker": ["type": "string", "minLength": 1, "maxLength": 256], "term": term,
            "count": ["type": "integer", "minimum": 1, "maximum": 1000, "default": 1],
            "wait": ["type": "number", "minimum": 0, "maximum": 60, "default": 0],
            "key": ["type": "string", "minLength": 22, "maxLength": 128, "pattern": "^[A-Za-z0-9_-]+$"],
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
    static let definition = object(["definition": values], required: ["definition"], closed: true)
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
            "assignments": list(ref("Assignment")),
            "state": choice(ExperimentRecord.State.allCases.map(\.rawValue) + ["stopping"]),
            "experiment": ref("Experiment"),
        ], required: ["assignments", "state", "experiment"])
    static let finished = object(
        [
            "interval": ref("Interval"), "decisions": list(ref("Decision")), "garbage": list(text),
            "experiment": ref("Experiment"),
        ], required: ["interval", "decisions", "garbage", "experiment"])
    static let abandoned = object(["intervals": list(ref("IntervalID"))], required: ["intervals"])
    static let events = object(["items": list(ref("Event")), "last": count], required: ["items", "last"])

    // MARK: Components

    private static let file: Value = object(
        [
            "path": text, "size": count, "sha256": ["type": "string", "pattern": "^[0-9a-fA-F]{64}$"],
            "executable": flag,
        ], required: ["path", "size", "sha256"])
    static let manifest = object(
        ["files": list(file), "directories": list(text), "bytes": count], required: ["files", "directories", "bytes"])
    static let arrived = object(
        ["files": list(object(["path": text, "size": count], required: ["path", "size"]))], required: ["files"])
    static let publishing = object(
        ["lease": ref("Lease"), "files": list(file), "directories": list(text), "bytes": count],
        required: ["lease", "files"], closed: true)
    private static let intervalID: [String: Value] = ["member": count, "interval": count]

    static let components: [String: Value] = [
        "ExperimentState": choice(ExperimentRecord.State.allCases.map(\.rawValue)),
        "IntervalID": object(intervalID, required: ["member", "interval"]),
        "Experiment": object(
            [
                "id": whole, "name": text, "state": ref("ExperimentState"), "reason": text, "created": time,
                "ended": time, "counts": ["type": "object", "additionalProperties": count],
                "best": ref("IntervalID"), "best_score": number, "population": count, "intervals_planned": count,
                "intervals_finished": count, "members_ended": count, "skipped": whole, "failures_in_a_row": count,
                "finished_intervals": count, "generation": count, "generation_began": time, "definition": values,
                "definition_version": text, "revision": count, "undecided": count,
            ],
            required: [
                "id", "name", "state", "created", "counts", "population", "intervals_planned", "intervals_finished",
                "members_ended", "skipped", "failures_in_a_row", "finished_intervals", "generation",
                "generation_began", "definition_version",
            ]),
        "Revision": object(
            [
                "number": count, "time": time, "finished_intervals": count, "late_decisions": count,
                "definition": values,
            ], required: ["number", "time", "finished_intervals", "late_decisions", "definition"]),
        "Interval": object(
            intervalID.merging([
                "parent": ref("IntervalID"), "hyperparameters": values, "changes": list(ref("Change")), "depth": count,
                "state": choice(Interval.State.allCases.map(\.rawValue)), "score": score, "metrics": values,
                "checkpoint": text, "checkpoint_state": choice(["none", "kept", "garbage", "deleted"]),
                "pinned": flag, "attempts": count, "failures": count, "reason": text, "worker": text,
                "lease_expires": time, "created": time, "started": time, "finished": time, "sequence": count,
            ]) { $1 },
            required: [
                "member", "interval", "hyperparameters", "changes", "depth", "state", "metrics", "checkpoint_state",
                "pinned", "attempts", "failures", "created",
            ]),
        "Change": object(
            ["name": text, "old": true, "operation": text, "new": true], required: ["name", "old", "operation", "new"]),
        "Lease": object(
            intervalID.merging([
                "experiment": text, "attempt": whole, "token": text, "worker": text, "expires": time,
            ]) { $1 }, required: ["experiment", "member", "interval", "attempt", "token"]),
        "Assignment": object(
            [
                "lease": ref("Lease"), "interval": ref("Interval"), "parent_checkpoint": text, "seed": whole,
                "objective": object(
                    ["metric": text, "goal": choice(["maximize", "minimize"])], required: ["metric", "goal"]),
                "garbage": list(text), "definition": values, "definition_version": text, "hyperparameters": values,
            ], required: ["lease", "interval", "seed", "objective", "definition_version"]),
        "Decision": object(
            [
                "interval": ref("IntervalID"), "decision": choice(["continues", "exploits", "restarts", "ends"]),
                "donor": ref("IntervalID"), "changes": list(ref("Change")), "next": ref("Interval"),
            ], required: ["interval", "decision"]),
        "Ancestor": object(
            intervalID.merging([
                "score": ["anyOf": [score, ["type": "null"]]], "hyperparameters": values,
                "parent": ["anyOf": [ref("IntervalID"), ["type": "null"]]], "exploited": flag,
            ]) { $1 }, required: ["member", "interval", "score", "hyperparameters", "parent", "exploited"]),
        "ScheduleEntry": object(
            ["interval": count, "hyperparameters": values], required: ["interval", "hyperparameters"]),
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
