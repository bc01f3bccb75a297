// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTSchedy
import PBTServer
import PBTTesting
import ServerTestSupport
import Testing

/// Searches whose clients declare no objective.
@Suite(.timeLimit(.minutes(10))) struct SchedyObjectiveTests {
    private static let random: Value = ["RandomSearch": ["u": ["uniform": ["low": 0, "high": 1]]]]

    private static func history(_ place: SchedyPlace) async throws -> History {
        History(try await place.store.record(of: "e"), intervals: try await place.store.intervals(of: "e"))
    }

    @Test(arguments: SchedyStore.allCases, [["Manual": nil], random] as [Value])
    func `no objective is guessed: every job is done, and none is the best`(
        store: SchedyStore, scheduler: Value
    ) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", scheduler)
            for name in ["result", "time", "wer", "fid", "nll", "accuracy", "loss"] {
                let done = try await caller.push(
                    "e", ["status": "DONE", "hyperparameters": ["u": 1], "results": [name: 1]])
                #expect(done.jobStatus == "DONE")
            }
            _ = try await caller.push("e", ["status": "DONE", "hyperparameters": ["u": 1], "results": ["path": "/x"]])
            let record = try await place.store.record(of: "e")
            #expect(!record.experiment.objective.isDeclared)
            #expect(record.experiment.value["objective"] == .null)
            #expect(record.counts[.done] == 8)
            #expect(record.best == nil && record.bestScore == nil)
            #expect(try await place.store.intervals(of: "e").allSatisfy { $0.state == .done && $0.score == nil })
            let history = try await Self.history(place)
            #expect(history.best == nil)
            #expect(history.members.count == 8)
            #expect(OtherMetric.numeric(in: history.genealogy.intervals).count == 7)
            #expect(Leaderboard(history, now: place.clock.now).best == nil)
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `an objective that is declared later ranks what is done, and can be corrected`(store: SchedyStore) async throws
    {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", Self.random)
            for wer in [0.3, 0.1, 0.2] {
                _ = try await caller.push(
                    "e", ["status": "DONE", "hyperparameters": ["u": 1], "results": ["wer": .number(wer)]])
            }
            let other = try await caller.push(
                "e", ["status": "DONE", "hyperparameters": ["u": 1], "results": ["time": 9]])
            func declare(_ objective: Objective) async throws -> ExperimentRecord {
                var experiment = try await place.store.record(of: "e").experiment
                experiment.objective = objective
                _ = try await place.store.revise(experiment)
                return try await place.store.record(of: "e")
            }
            let minimized = try await declare(.minimize("wer"))
            #expect(minimized.best == IntervalID(member: 1, index: 0))
            #expect(minimized.bestScore == 0.1)
            #expect(minimized.counts[.done] == 3)
            #expect(minimized.counts[.diverged] == 1)
            // For its client it is as before.
            #expect(try await caller.job(other.id, of: "e").jobStatus == "DONE")
            #expect(try await Self.history(place).best?.id == minimized.best)
            // A new definition of the client, which has no objective, keeps it.
            let replaced = try await caller.call(
                "PUT", "experiments/e/", ["scheduler": ["RandomSearch": ["u": ["uniform": ["low": 0, "high": 2]]]]])
            #expect(replaced.status == 200)
            #expect(try await place.store.record(of: "e").experiment.objective == .minimize("wer"))
            _ = try await caller.push("e", ["status": "DONE", "hyperparameters": ["u": 1], "results": ["wer": 0.05]])
            #expect(try await place.store.record(of: "e").bestScore == 0.05)
            #expect(try await declare(.maximize("wer")).bestScore == 0.3)
            let timed = try await declare(.maximize("time"))
            #expect(timed.bestScore == 9)
            #expect(timed.counts[.done] == 1)
            #expect(timed.counts[.diverged] == 4)
            #expect(try await place.audit("e").mismatches == [])
            await #expect(throws: PBTError.self) { try await declare(.undeclared) }
        }
    }

    @Test func `a population's objective stays what it was`() async throws {
        try await withSchedy { place in
            let parameters: Value = ["objective": "max", "qualityResultName": "q", "exploit": ["truncate": 0.2]]
            _ = try await place.caller.create("e", ["PBT": parameters])
            var experiment = try await place.store.record(of: "e").experiment
            experiment.objective = .minimize("q")
            let changed = experiment
            let error = await #expect(throws: PBTError.self) { try await place.store.revise(changed) }
            #expect(error?.message.contains("cannot be ranked together") == true)
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `a job that is deleted is no failure, and not the best`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            _ = try await caller.create("e", ["Manual": nil])
            var experiment = try await place.store.record(of: "e").experiment
            experiment.objective = .maximize("acc")
            _ = try await place.store.revise(experiment)
            var ids: [String] = []
            for acc in [0.5, 0.9] {
                ids.append(
                    try await caller.push("e", ["status": "DONE", "results": ["acc": .number(acc)]]).id)
            }
            for status: Value in ["QUEUED", "RUNNING"] { ids.append(try await caller.push("e", ["status": status]).id) }
            for id in ids.dropFirst() {
                #expect(try await caller.call("DELETE", "experiments/e/jobs/\(id)/").status == 204)
            }
            let record = try await place.store.record(of: "e")
            #expect(record.bestScore == 0.5)
            #expect(record.counts.filter { $0.value != 0 } == [.done: 1])
            #expect(record.intervalsFinished == 1)
            #expect(record.intervalsPlanned == 1)
            let history = try await Self.history(place)
            #expect(history.members.count == 1)
            #expect(history.best?.label == ids[0])
            let kinds = try await place.store.events(of: "e", after: 0, limit: 100).map(\.kind)
            #expect(kinds.count { $0 == .deleted } == 3)
            #expect(!kinds.contains(.failed))
            #expect(try await place.audit("e").mismatches == [])
        }
    }

    @Test(arguments: SchedyStore.allCases)
    func `a waiting job of a population is deleted, and a copy takes its place`(store: SchedyStore) async throws {
        try await withSchedy(store) { place in
            let caller = place.caller
            let parameters: Value = [
                "objective": "max", "qualityResultName": "q", "exploit": ["truncate": 0.5], "maxGenerations": 2,
            ]
            _ = try await caller.create("e", ["PBT": parameters])
            _ = try await caller.push("e", ["status": "DONE", "hyperparameters": ["a": 1], "results": ["q": 1]])
            let waiting = try await caller.push("e", ["hyperparameters": ["a": 2]])
            #expect(try await caller.call("DELETE", "experiments/e/jobs/\(waiting.id)/").status == 204)
            #expect(try await place.store.record(of: "e").counts[.failed] ?? 0 == 0)
            var copies = 0
            while let job = try await caller.begin("e") {
                if job.results == ["q": 1] { copies += 1 }
                _ = try await caller.put(job, of: "e", status: "DONE", results: ["q": 2])
            }
            #expect(copies == 2)
            #expect(try await place.audit("e").mismatches == [])
        }
    }
}
