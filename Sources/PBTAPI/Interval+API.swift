// SPDX-License-Identifier: Apache-2.0

package import PBT

extension Interval {
    /// The interval as a JSON object, without the secret of its lease.
    package var api: Value {
        var object: [String: Value] = [
            "member": .integer(id.member), "interval": .integer(id.index), "hyperparameters": hyperparameters.value,
            "changes": .array(changes.map(\.value)), "depth": .integer(depth), "state": .string(state.rawValue),
            "metrics": .object(metrics), "checkpoint_state": .string(checkpointState.rawValue),
            "pinned": .bool(isPinned), "attempts": .integer(attempts), "failures": .integer(failures),
            "created": .time(created),
        ]
        object["parent"] = parent?.value
        object["score"] = score.map { .score($0) }
        object["checkpoint"] = checkpoint.map { .string($0) }
        object["reason"] = reason.map { .string($0) }
        object["worker"] = worker.map { .string($0) }
        object["lease_expires"] = leaseExpires.map { .time($0) }
        object["started"] = started.map { .time($0) }
        object["finished"] = finished.map { .time($0) }
        object["sequence"] = sequence.map { .integer(Int($0)) }
        if isUndecided { object["undecided"] = true }
        object["decided"] = decided.map { decided in
            [
                "after": .integer(Int(decided.after)), "order": .integer(Int(decided.order)),
                "members": .integer(decided.members),
            ]
        }
        object["label"] = label.map { .string($0) }
        if isDeleted { object["deleted"] = true }
        if !evaluations.isEmpty { object["evaluations"] = .array(evaluations.map(\.value)) }
        if !earlierPlaces.isEmpty { object["earlier"] = .array(earlierPlaces.map { .integer(Int($0)) }) }
        return .object(object)
    }

    /// Decodes an object that ``api`` encoded.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    package init(api fields: Fields) throws(PBTError) {
        self.init(
            id: IntervalID(member: try fields.int("member"), index: try fields.int("interval")),
            parent: try fields.interval(ifAny: "parent"),
            hyperparameters: Hyperparameters(try fields.object("hyperparameters")),
            changes: try Self.changes(fields), depth: try fields.int("depth"), created: try fields.time("created"))
        state = try Self.known(State.init(rawValue:), fields, "state")
        checkpointState = try Self.known(CheckpointState.init(rawValue:), fields, "checkpoint_state")
        score = fields["score"] == nil ? nil : try fields.score("score")
        metrics = try fields.object("metrics")
        checkpoint = try fields.text(ifAny: "checkpoint")
        isPinned = try fields.bool("pinned")
        attempts = try fields.int("attempts")
        failures = try fields.int("failures")
        reason = try fields.text(ifAny: "reason")
        worker = try fields.text(ifAny: "worker")
        leaseExpires = try fields.time(ifAny: "lease_expires")
        started = try fields.time(ifAny: "started")
        finished = try fields.time(ifAny: "finished")
        sequence = try fields.int(ifAny: "sequence").map { Int64($0) }
        isUndecided = try fields.bool(ifAny: "undecided") ?? false
        if fields["decided"] != nil {
            let when = try fields.fields("decided")
            decided = Decided(
                after: Int64(try when.int("after")), order: Int64(try when.int("order")),
                members: try when.int("members"))
        }
        label = try fields.text(ifAny: "label")
        if try fields.bool(ifAny: "deleted") == true { isDeleted = true }
        if fields["earlier"] != nil {
            earlierPlaces = try fields.list("earlier").compactMap { $0.int.map { Int64($0) } }
        }
        if fields["evaluations"] != nil {
            setEvaluations(try fields.list("evaluations").compactMap { Evaluation(value: $0) })
        }
        if let complaint = limitComplaint { throw PBTError(.badRequest, "interval \(id): \(complaint)") }
    }

    private static func changes(_ fields: Fields) throws(PBTError) -> [Change] {
        var changes: [Change] = []
        for value in try fields.list("changes") {
            guard let change = Change(value: value) else {
                throw PBTError(.badRequest, "changes: invalid change: \(value.json.prefix(100))")
            }
            changes.append(change)
        }
        return changes
    }

    private static func known<Result>(
        _ read: (String) -> Result?, _ fields: Fields, _ name: String
    ) throws(PBTError) -> Result {
        let text = try fields.text(name)
        guard let result = read(text) else {
            throw PBTError(.badRequest, "\(name): \"\(text)\" is not known to this version")
        }
        return result
    }
}
