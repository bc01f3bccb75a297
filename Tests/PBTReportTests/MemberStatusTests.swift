// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTTesting
import Testing

@Suite struct MemberStatusTests {
    private static let now = Timestamp(milliseconds: 100_000)

    private static func record(_ state: ExperimentRecord.State = .running, retries: Int = 2) -> ExperimentRecord {
        var experiment = HandMadeRun(population: 2, intervals: 3).experiment
        experiment.retries = retries
        var record = SimulatedRun.record(experiment, [])
        record.state = state
        return record
    }

    private static func interval(_ state: Interval.State, index: Int = 1, failures: Int = 0) -> Interval {
        var interval = Interval(
            id: IntervalID(member: 0, index: index), parent: nil, hyperparameters: ["rate": 0.1], depth: index + 1,
            created: Timestamp(milliseconds: 0))
        interval.state = state
        interval.failures = failures
        return interval
    }

    private static func status(
        _ interval: Interval, finished: Interval? = nil, in record: ExperimentRecord = record()
    ) -> MemberStatus {
        MemberStatus(of: interval, finished: finished, in: record, now: now)
    }

    @Test(arguments: [(-5000, nil), (0, nil), (2000, nil), (2001, 2001), (42_000, 42_000)] as [(Int64, Int64?)])
    func `a lease counts as expired when that is more than a difference of clocks`(late: Int64, silence: Int64?) {
        var running = Self.interval(.running)
        running.leaseExpires = Timestamp(milliseconds: Self.now.milliseconds - late)
        #expect(running.silence(at: Self.now) == silence.map { .milliseconds($0) })
        #expect(Self.status(running) == silence.map { .stalled(.milliseconds($0)) } ?? .training(nil))
        #expect(Self.status(running, in: Self.record(.finished)) == .training(nil))
    }

    @Test func `each status has a word, words with details, and a note`() {
        var silent = Self.interval(.running)
        silent.leaseExpires = Timestamp(milliseconds: 58_000)
        var failed = Self.interval(.failed, failures: 3)
        failed.reason = "exit 1"
        var retrying = Self.interval(.waiting, failures: 1)
        retrying.reason = "exit 1"
        let table: [(status: MemberStatus, word: String, words: String, note: String, mark: String)] = [
            (Self.status(Self.interval(.running)), "training", "training", "", ""),
            (
                Self.status(Self.interval(.running, failures: 1)), "training", "training, attempt 2 of 3",
                "attempt 2 of 3", ""
            ),
            (Self.status(silent), "stalled", "stalled 42s", "no heartbeat for 42s", "!"),
            (Self.status(retrying), "retrying", "retrying, attempt 2 of 3", "attempt 2 of 3: exit 1", "×"),
            (Self.status(Self.interval(.waiting)), "waiting", "waiting", "", ""),
            (Self.status(Self.interval(.waiting), in: Self.record(.paused)), "paused", "paused", "", ""),
            (Self.status(Self.interval(.done)), "waiting", "done, awaiting decision", "", ""),
            (Self.status(Self.interval(.done, index: 2)), "done", "done", "", ""),
            (Self.status(Self.interval(.done), in: Self.record(.finished)), "done", "done", "", ""),
            (
                Self.status(Self.interval(.waiting), in: Self.record(.finished)), "not trained", "not trained", "", ""
            ),
            (
                Self.status(
                    Self.interval(.waiting, index: 2, failures: 1), finished: failed, in: Self.record(.failed)),
                "failed", "failed", "exit 1", "×"
            ),
            (Self.status(failed), "failed", "failed", "exit 1", "×"),
            (Self.status(Self.interval(.diverged)), "diverged", "diverged", "", "×"),
        ]
        for (status, word, words, note, mark) in table {
            #expect(status.word == word && status.words == words && status.note == note && status.mark == mark)
            #expect(status.isProblem == !mark.isEmpty)
        }
    }

    @Test func `a member that diverged is replaced while the experiment decides about it`() {
        var diverged = Self.interval(.diverged)
        diverged.isUndecided = true
        #expect(Self.status(diverged).note == "to be replaced")
        #expect(Self.status(diverged, in: Self.record(.finished)).note.isEmpty)
    }
}

@Suite struct HistoryLoaderTests {
    @Test func `a history is read with its random search and its revisions, and then brought up to date`() async throws
    {
        let store = InMemoryStore()
        var experiment = HandMadeRun("toy", population: 2, intervals: 2).experiment
        experiment.hasBaseline = true
        _ = try await store.create(experiment)
        var loader = HistoryLoader()
        let first = try await loader.load("toy", from: store)
        #expect(first.history.genealogy.intervals.count == 2)
        #expect(first.baseline == nil && first.history.baseline == nil && first.baselineOf == nil)

        let search = try #require(experiment.baseline)
        _ = try await store.create(search)
        let assignment = try await store.claim(from: "toy", by: "worker", for: .seconds(60))
        guard case .assignment = assignment else {
            Issue.record("nothing was claimed")
            return
        }
        let (second, revisions) = try await loader.loadWithRevisions("toy", from: store)
        #expect(second.history.genealogy.intervals.count { $0.state == .running } == 1)
        #expect(second.baseline?.experiment.name == search.name)
        #expect(second.history.baseline?.intervals.count == 2)
        #expect(revisions.count == 1)

        let other = try await loader.load(search.name, from: store)
        #expect(other.baselineOf == "toy" && other.baseline == nil)
        #expect(other.history.genealogy.intervals == second.history.baseline?.intervals)
        await #expect(throws: PBTError.self) { try await loader.load("none", from: store) }
    }
}
