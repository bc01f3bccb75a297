// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    static let evaluationCases = [
        Case("nothing is evaluated before the search has finished, or without evaluate") { store in
            let evaluating = try await store.evaluating()
            try await expectEqual(evaluating.claimEvaluation(from: "e", by: "w", for: .seconds(60), key: nil), .over)
            var other = StoreUnderTest.experiment("other", population: 1, intervals: 1)
            other.evaluate = nil
            _ = try await evaluating.create(other)
            try await evaluating.finish(try await evaluating.take("other"), score: 1)
            try await expectEqual(
                evaluating.claimEvaluation(from: "other", by: "w", for: .seconds(60), key: nil), .over)
        },
        Case("each evaluation is leased to one worker, and the last one chooses the winner") { store in
            let evaluating = try await store.evaluated()
            var leases: [Lease] = []
            for number in 0..<6 {
                let assignment = try await evaluating.takeEvaluation(by: "w\(number % 2)")
                try expectEqual(assignment.parentCheckpoint, assignment.interval.checkpoint)
                leases.append(assignment.lease)
            }
            try expectEqual(Set(leases.map { "\($0.interval) \($0.evaluation ?? -1)" }).count, 6)
            try await expectEqual(
                evaluating.claimEvaluation(from: "e", by: "w2", for: .seconds(60), key: nil),
                .nothingNow(holders: ["w0", "w1"]))
            for lease in leases {
                try expect(try await evaluating.record(of: "e").needsEvaluation)
                // Interval 0@0 scored best when it was trained; 2@0 does now.
                let finished = try await evaluating.finish(
                    lease, .trained(score: Double(lease.interval.member), metrics: ["m": 1], checkpoint: nil))
                try expect(finished.decisions.isEmpty && finished.garbage.isEmpty)
            }
            let record = try await evaluating.record(of: "e")
            try expectEqual(record.best, IntervalID(member: 2, index: 0))
            try expect(!record.needsEvaluation)
            try await expectEqual(evaluating.claimEvaluation(from: "e", by: "w", for: .seconds(60), key: nil), .over)
            for member in 0..<3 {
                let interval = try await evaluating.interval(IntervalID(member: member, index: 0), of: "e")
                try expectEqual(interval.evaluations.map(\.number), [0, 1])
                try expectEqual(interval.evaluations.map(\.score), [Double(member), Double(member)])
            }
        },
        Case("a repeated finish of an evaluation records nothing twice, and a repeated claim returns the same") {
            store in
            let evaluating = try await store.evaluated()
            let key = "k2345678901234567890123456789012"
            let first = try await evaluating.takeEvaluation(by: "w", key: key)
            try expectEqual(try await evaluating.takeEvaluation(by: "w", key: key).lease, first.lease)
            let outcome = Outcome.trained(score: 4, metrics: [:], checkpoint: nil)
            let finished = try await evaluating.finish(first.lease, outcome)
            let again = try await evaluating.finish(first.lease, .trained(score: 5, metrics: [:], checkpoint: nil))
            try expectEqual(again.interval.evaluations, finished.interval.evaluations)
            try expectEqual(finished.interval.evaluations.map(\.score), [4])
            try await expectError(.leaseLost) { _ = try await evaluating.renew(first.lease, for: .seconds(1)) }
        },
        Case("an evaluation whose lease expired goes to another worker, and the first cannot record it") { store in
            let evaluating = try await store.evaluated()
            let lost = try await evaluating.takeEvaluation(by: "dead")
            store.clock.advance(by: .seconds(59))
            let renewed = try await evaluating.renew(lost.lease, for: .seconds(60))
            try expect(renewed.expires > lost.lease.expires)
            store.clock.advance(by: .seconds(61))
            let taken = try await evaluating.takeEvaluation(by: "w")
            try expectEqual(taken.interval.id, lost.interval.id)
            try expectEqual(taken.lease.evaluation, lost.lease.evaluation)
            try expectEqual(taken.lease.attempt, 2)
            try expectEqual(taken.seed, lost.seed)
            try await expectError(.leaseLost, mentions: "worker w has it now") {
                _ = try await evaluating.finish(lost.lease, .trained(score: 9, metrics: [:], checkpoint: nil))
            }
            try await expectError(.leaseLost) { try await evaluating.release(lost.lease, because: "test") }
            let finished = try await evaluating.finish(
                taken.lease, .trained(score: 1, metrics: [:], checkpoint: nil))
            try expectEqual(finished.interval.evaluations.map(\.score), [1])
        },
        Case("a failed evaluation is retried as often as an interval, then recorded as failed; a release costs none") {
            store in
            let evaluating = try await store.evaluated()
            let first = try await evaluating.takeEvaluation(by: "w")
            try await evaluating.release(first.lease, because: "test")
            for attempt in 2...3 {
                let assignment = try await evaluating.takeEvaluation(by: "w")
                try expectEqual(assignment.lease.evaluation, first.lease.evaluation)
                try expectEqual(assignment.lease.attempt, attempt)
                let outcome =
                    attempt == 2
                    ? Outcome.failed(reason: "exit 3") : .trained(score: .nan, metrics: [:], checkpoint: nil)
                let finished = try await evaluating.finish(assignment.lease, outcome)
                try expectEqual(finished.interval.evaluations.count, attempt == 2 ? 0 : 1)
                _ = try await evaluating.finish(assignment.lease, outcome)
            }
            let interval = try await evaluating.interval(first.interval.id, of: "e")
            try expectEqual(interval.evaluations.first?.score, nil)
            try expectEqual(interval.evaluations.first?.reason, "the score is nan")
            try expect(try await evaluating.takeEvaluation(by: "w").lease.evaluation != first.lease.evaluation)
        },
        Case("the evaluations of a dead worker are taken back") { store in
            let evaluating = try await store.evaluated()
            let lost = try await evaluating.takeEvaluation(by: "dead")
            try await expectEqual(
                evaluating.abandon(worker: "dead", of: "e", because: "test"), [lost.lease.interval])
            try expectEqual(try await evaluating.takeEvaluation(by: "w").lease.evaluation, lost.lease.evaluation)
            try await expectEqual(evaluating.abandon(worker: "dead", of: "e", because: "test"), [])
        },
        Case("a lease on an evaluation does not finish an interval, and the reverse") { store in
            let evaluating = try await store.evaluated()
            let assignment = try await evaluating.takeEvaluation(by: "w")
            try await expectError(.badValue, mentions: "an evaluation has no checkpoint") {
                _ = try await evaluating.finish(
                    assignment.lease,
                    .trained(score: 1, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)"))
            }
            try await expectError(.badValue, mentions: "on an evaluation") {
                try await evaluating.report(assignment.lease, ["score": 1])
            }
            var forged = assignment.lease
            forged.evaluation = nil
            try await expectError(.leaseLost) {
                _ = try await evaluating.finish(forged, .failed(reason: "test"))
            }
            try await expectError(.badValue) {
                _ = try await evaluating.claimEvaluation(from: "e", by: "w", for: .zero, key: nil)
            }
        },
    ]
}

extension StoreUnderTest {
    /// Opens the store with an experiment of three members and one interval, of which each is evaluated twice.
    fileprivate func evaluating() async throws -> any EvaluatingStore {
        guard let store = try await open() as? any EvaluatingStore else {
            throw StoreContract.Violation(description: "the store does not record evaluations")
        }
        var experiment = Self.experiment(population: 3, intervals: 1)
        experiment.evaluate = Experiment.Evaluate(candidates: 3, repeats: 2)
        experiment.trainer = Experiment.Trainer(command: ["true"], directory: "/")
        _ = try await store.create(experiment)
        return store
    }

    /// The same after the search, in which the first member scored best.
    fileprivate func evaluated() async throws -> any EvaluatingStore {
        let store = try await evaluating()
        for score in [3.0, 2, 1] { try await store.finish(try await store.take(), score: score) }
        try expectEqual(try await store.record(of: "e").best, IntervalID(member: 0, index: 0))
        return store
    }
}

extension EvaluatingStore {
    /// Claims an evaluation, which must succeed.
    fileprivate func takeEvaluation(
        by worker: String, key: String? = nil, file: StaticString = #fileID, line: Int = #line
    ) async throws -> Assignment {
        let claim = try await claimEvaluation(from: "e", by: worker, for: .seconds(60), key: key)
        guard case .assignment(let assignment) = claim else {
            throw StoreContract.Violation(description: "\(file):\(line): nothing to evaluate: \(claim)")
        }
        return assignment
    }
}
