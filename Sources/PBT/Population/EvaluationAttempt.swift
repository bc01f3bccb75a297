// SPDX-License-Identifier: Apache-2.0

/// The attempts at one evaluation of an interval's checkpoint, with the lease of the current one.
struct EvaluationAttempt: Sendable, Hashable {
    /// The number of the evaluation, from 0.
    var number: Int
    /// The number of attempts that workers started.
    var attempts = 0
    /// The number of attempts that failed, or lost their lease.
    var failures = 0
    /// The worker of the last attempt.
    var worker = ""
    /// The secret of the last lease, in the stored form of ``LeaseSecret``; nil if the attempt was released or lost.
    var token: String?
    /// The time at which the lease expires; nil if nobody evaluates.
    var expires: Timestamp?

    /// Creates a record without attempts.
    init(number: Int) {
        self.number = number
    }

    /// The record as a JSON object.
    var value: Value {
        var object: [String: Value] = [
            "number": .integer(number), "attempts": .integer(attempts), "failures": .integer(failures),
            "worker": .string(worker),
        ]
        object["token"] = token.map { .string($0) }
        object["expires"] = expires.map { .integer(Int($0.milliseconds)) }
        return .object(object)
    }

    /// Reads a JSON object; nil for anything else.
    init?(value: Value) {
        guard let object = value.object, let number = object["number"]?.int, (0..<Evaluation.most).contains(number),
            let attempts = object["attempts"]?.int, let failures = object["failures"]?.int, attempts >= 0, failures >= 0
        else { return nil }
        self.number = number
        self.attempts = min(attempts, Limits.ordinals.upperBound)
        self.failures = min(failures, Limits.ordinals.upperBound)
        worker = object["worker"]?.string ?? ""
        token = object["token"]?.string
        expires = object["expires"]?.int.map { Timestamp(milliseconds: Int64($0)) }
    }
}

extension Interval {
    /// The attempts at evaluations of its checkpoint.
    var evaluationAttempts: [EvaluationAttempt] {
        guard !notes.isEmpty, let list = notes["evaluating"]?.array else { return [] }
        return list.compactMap { EvaluationAttempt(value: $0) }
    }

    /// Returns the attempts at an evaluation.
    func attempt(at evaluation: Int) -> EvaluationAttempt {
        evaluationAttempts.first { $0.number == evaluation } ?? EvaluationAttempt(number: evaluation)
    }

    /// Records the attempts at an evaluation.
    mutating func setAttempt(_ attempt: EvaluationAttempt) {
        let others = evaluationAttempts.filter { $0.number != attempt.number }
        notes["evaluating"] = .array((others + [attempt]).sorted { $0.number < $1.number }.map(\.value))
    }
}

/// The evaluations that an experiment needs after its search: their number, and of which checkpoints.
struct EvaluationPlan: Sendable, Hashable {
    /// The evaluated intervals, best first.
    var candidates: [IntervalID]
    /// The number of evaluations of each.
    var repeats: Int
    /// `candidates` and `repeats` of the definition when the plan was made.
    var definition: [Int]
    /// True if all are recorded, and the winner is chosen.
    var isDone = false

    /// Creates a plan.
    init(_ candidates: [IntervalID], repeats: Int, for experiment: Experiment) {
        self.candidates = candidates
        self.repeats = repeats
        definition = Self.settings(of: experiment)
    }

    /// Returns the settings of a definition that a plan depends on.
    static func settings(of experiment: Experiment) -> [Int] {
        experiment.evaluate.map { [$0.candidates, $0.repeats] } ?? []
    }

    /// The plan as a JSON object.
    var value: Value {
        [
            "candidates": .array(candidates.map(\.value)), "repeats": .integer(repeats),
            "definition": .array(definition.map { .integer($0) }), "done": .bool(isDone),
        ]
    }

    /// Reads a JSON object; nil for anything else.
    init?(value: Value) {
        guard let repeats = value["repeats"]?.int, (1...Evaluation.most).contains(repeats),
            let list = value["candidates"]?.array
        else { return nil }
        candidates = list.compactMap { item in
            guard let member = item["member"]?.int, let index = item["interval"]?.int else { return nil }
            return IntervalID(member: member, index: index)
        }
        self.repeats = repeats
        definition = value["definition"]?.array?.compactMap(\.int) ?? []
        isDone = value["done"] == true
    }
}

extension ExperimentRecord {
    /// The evaluations after the search; nil if they have not started.
    var evaluationPlan: EvaluationPlan? {
        get { notes["evaluation"].flatMap { EvaluationPlan(value: $0) } }
        set { notes["evaluation"] = newValue?.value }
    }

    /// True if its search has finished, and evaluations of its best checkpoints are missing.
    package var needsEvaluation: Bool {
        guard state == .finished, best != nil, experiment.evaluate != nil, notes["evaluation"] != .string("over") else {
            return false
        }
        // Earlier versions recorded the choice only.
        guard let plan = evaluationPlan else { return !isEvaluated }
        return !plan.isDone || plan.definition != EvaluationPlan.settings(of: experiment)
    }

    /// Records that another store has nothing to evaluate.
    package mutating func markEvaluationOver() {
        notes["evaluation"] = .string("over")
    }
}
