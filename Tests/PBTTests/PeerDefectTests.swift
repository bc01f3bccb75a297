// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// Defects found in other programs for population based training: none of them may ever be ours.
///
/// 14 is about command lines: the half of it that is not here is tested with the worker.
@Suite("Peers' defects") struct PeerDefectTests {
    private func explored(
        _ dimension: Dimension, from value: Value, by rule: ExploreRule, draws: Int = 1000
    ) -> Set<Value> {
        Set(
            (0..<draws).map { number in
                var random = RandomStream.trial(number)
                return dimension.explored(from: value, by: rule, using: &random).value
            })
    }

    @Test func `1 - a choice of texts is not multiplied`() {
        for rule in [ExploreRule.perturb(), .perturb(resampling: 0.25), .ray()] {
            #expect(explored(.choice(["relu", "tanh"]), from: "relu", by: rule) == ["relu", "tanh"])
        }
    }

    @Test func `2 - integers 1 and 2 and a number at 0 can move without resampling`() {
        #expect(explored(.integer(1...8), from: 1, by: .perturb(by: [1.2, 0.8])) == [1, 2])
        #expect(explored(.integer(1...8), from: 2, by: .perturb(by: [1.2, 0.8])) == [1, 3])
        #expect(explored(.uniform(0...1), from: 0.0, by: .perturb(by: [1.2, 0.8])).count == 2)
    }

    @Test func `3 - a number between 0 and 1 stays there over 1,000 chains of 20 explores`() {
        for chain in 0..<1000 {
            var random = RandomStream.trial(chain)
            var value = Dimension.uniform(0...1).sample(using: &random)
            for _ in 0..<20 {
                value =
                    Dimension.uniform(0...1).explored(from: value, by: .perturb(by: [1.2, 0.8]), using: &random).value
                #expect((0...1).contains(value.double ?? .nan))
            }
        }
    }

    @Test func `4 - a member whose score is NaN is replaced, and does not push out a healthy one`() throws {
        // Eight members, the bottom quarter: with member 0 at NaN, two healthy ones must not go in its stead.
        let scores = [Double.nan, 1, 2, 3, 4, 5, 6, 7]
        let decisions = try Experiment.sample(population: 8, exploit: .truncation(0.25)).decisions(scores: scores)
        #expect(decisions[0].donor != nil)
        // The bottom quarter is two: the one at NaN, and the worst of the others.
        #expect(decisions.filter { $0.donor != nil }.map(\.interval.member) == [0, 1])
    }

    @Test func `5 - a replaced member continues the donor's checkpoint, not its own`() async throws {
        let experiment = Experiment.sample(
            population: 6, intervals: 6, space: FigureTwo.space, exploit: .truncation(0.34))
        var run = try await StoreRun(experiment, of: FigureTwo())
        var exploits = 0
        while let assignment = try await run.claim() {
            let finished = try await run.finish(assignment)
            if let parent = assignment.interval.parent, parent.member != assignment.interval.id.member {
                exploits += 1
                #expect(assignment.parentCheckpoint == "\(CheckpointName(parent, attempt: 1))")
            }
            #expect(finished.interval.state == .done)
        }
        #expect(exploits > 3)
    }

    @Test func `6 - a resampling probability can be set, and text in its place is a clear error`() throws {
        let good = try Broken(#"{"explore": {"perturb": [0.8, 1.2], "resample": 0.2}}"#, "").complaint
        #expect(good == nil)
        let bad = try Broken(#"{"explore": {"resample": "0.2"}}"#, "").complaint
        #expect(bad == #"explore.resample: must be a finite number, not "0.2""#)
    }

    @Test func `7 - an integer at its bound stays an integer, through the store's JSON too`() throws {
        let units = Dimension.integer(16...64)
        var value: Value = 64
        for number in 0..<100 {
            var random = RandomStream.trial(number)
            value = units.explored(from: value, by: .perturb(), using: &random).value
            guard case .integer = value else {
                Issue.record("\(value) is no integer")
                return
            }
            value = try Value(json: value.json)
        }
        #expect(explored(units, from: 64, by: .perturb()) == [51, 64])
        #expect(Value.integer(64).json == "64")
    }

    @Test func `8 - the first of a list never becomes the last`() {
        let sizes = Dimension.choice([16, 32, 64, 128], ordered: true)
        #expect(explored(sizes, from: 16, by: .perturb()) == [16, 32])
        #expect(explored(sizes, from: 128, by: .perturb()) == [64, 128])
        #expect(explored(.choice([16, 32, 64, 128]), from: 16, by: .ray(resampling: 0)) == [16, 32])
    }

    @Test func `9 - one NaN does not stop a generation's exploits`() async throws {
        let experiment = Experiment.sample(
            population: 8, intervals: 3, space: FigureTwo.space, exploit: .truncation(0.25), synchronous: true)
        var run = try await StoreRun(experiment, of: FigureTwo())
        run.overrides = [IntervalID(member: 2, index: 0): .nan]
        try await run.run()
        let first = run.decisions.filter { $0.interval.index == 0 }
        // The bottom two of eight, of whom it is one.
        #expect(first.count { $0.donor != nil } == 2)
        #expect(first.first { $0.interval.member == 2 }?.donor != nil)
        #expect(try await run.store.interval(IntervalID(member: 2, index: 0), of: "sample").state == .diverged)
        #expect(try await run.store.record(of: "sample").state == .finished)
    }

    @Test(arguments: 0..<8)
    func `9a, 9b - a NaN is never a donor, wherever it stands`(place: Int) throws {
        for rule in [ExploitRule.truncation(0.25), .truncation(0.5), .binaryTournament, .tTest(), .best, .ray()] {
            var scores = (0..<8).map { Double($0) }
            scores[place] = .nan
            for goal in Objective.Goal.allCases {
                let decisions = try Experiment.sample(goal: goal, population: 8, exploit: rule).decisions(
                    scores: scores)
                #expect(decisions.allSatisfy { $0.donor?.member != place })
            }
        }
    }

    @Test func `9c - a NaN is never the best, and wins no tournament`() async throws {
        let experiment = Experiment.sample(
            population: 4, intervals: 3, space: FigureTwo.space, exploit: .binaryTournament)
        var run = try await StoreRun(experiment, of: FigureTwo())
        run.overrides = [
            IntervalID(member: 0, index: 0): .nan, IntervalID(member: 1, index: 1): .infinity,
            IntervalID(member: 2, index: 2): -.infinity,
        ]
        try await run.run()
        let record = try await run.store.record(of: "sample")
        let intervals = try await run.store.intervals(of: "sample")
        #expect(record.bestScore == intervals.filter { $0.state == .done }.compactMap(\.score).max())
        #expect(record.counts[.diverged] == 3)
        #expect(intervals.allSatisfy { interval in interval.parent.map { run.overrides[$0] == nil } ?? true })
    }

    @Test(arguments: [1, 3, 9])
    func `10 - the population is as large as asked for, however many workers there are`(workers: Int) async throws {
        let experiment = Experiment.sample(population: 5, intervals: 3, space: FigureTwo.space)
        var run = try await StoreRun(experiment, of: FigureTwo())
        #expect(try await run.store.intervals(of: "sample").map(\.id.member) == [0, 1, 2, 3, 4])
        while true {
            var held: [Assignment] = []
            for worker in 0..<workers {
                if let assignment = try await run.claim("w\(worker)") { held.append(assignment) }
            }
            #expect(held.count <= 5)
            if held.isEmpty { break }
            for assignment in held { try await run.finish(assignment) }
        }
        #expect(Set(try await run.store.intervals(of: "sample").map(\.id.member)).count == 5)
        #expect(try await run.store.record(of: "sample").counts[.done] == 15)
    }

    @Test func `11 - every option that a definition may name takes effect`() throws {
        let experiment = try read(
            #"{"name": "x", "objective": {"metric": "m", "goal": "max"}, "population": 4, "intervals": 2, "space": {"a": {"uniform": [1, 2], "bounds": [0, 100]}}, "explore": {"perturb": [3], "resample": 0.5}}"#
        )
        let values = explored(try #require(experiment.space["a"]), from: 10.0, by: experiment.explore)
        #expect(values.contains(30.0))
        #expect(values.count > 100 && values.allSatisfy { $0 == 30.0 || (1...2).contains($0.double ?? .nan) })
    }

    @Test func `12 - a definition that is read from the store and written again keeps its limits`() async throws {
        var experiment = Experiment.sample(population: 4, intervals: 17)
        experiment.stop = .init(target: 0.5, after: .seconds(60))
        let store = InMemoryStore()
        _ = try await store.create(experiment)
        let read = try await store.record(of: "sample").experiment
        try await store.edit(read)
        #expect(try await store.record(of: "sample").experiment == experiment)
        #expect(try Experiment(document: Document(Value(json: read.value.json)), directory: "/") == experiment)
    }

    @Test func `13 - two workers never have the same interval`() async throws {
        let store = InMemoryStore()
        _ = try await store.create(.sample(population: 200, intervals: 1))
        let claimed = try await withThrowingTaskGroup(of: [Assignment].self) { group in
            for worker in 0..<16 {
                group.addTask {
                    var mine: [Assignment] = []
                    while case .assignment(let assignment) = try await store.claim(
                        from: "sample", by: "w\(worker)", for: .seconds(60))
                    {
                        mine.append(assignment)
                    }
                    return mine
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claimed.count == 200)
        #expect(Set(claimed.map(\.interval.id)).count == 200)
        #expect(Set(claimed.map(\.lease.token)).count == 200)
    }

    @Test func `13 - a worker that lost its lease writes nothing`() async throws {
        let clock = ManualClock()
        var run = try await StoreRun(
            .sample(population: 1, intervals: 2, space: FigureTwo.space), of: FigureTwo(), clock: clock)
        let stale = try #require(try await run.claim("slow", for: .seconds(10)))
        clock.advance(by: .seconds(11))
        let fresh = try #require(try await run.claim("quick", for: .seconds(10)))
        #expect(fresh.interval.id == stale.interval.id && fresh.lease.attempt == 2)
        await #expect(
            throws: PBTError(.leaseLost, #"worker slow no longer has interval 0@0 of "sample": it is running now"#)
        ) {
            try await run.store.finish(
                stale.lease, .trained(score: 99, metrics: [:], checkpoint: "\(stale.lease.checkpointName)"))
        }
        try await run.finish(fresh)
        let interval = try await run.store.interval(fresh.interval.id, of: "sample")
        #expect(interval.score != 99 && interval.checkpoint == "m0000-i0000-a2")
    }

    @Test func `14 - a value that contains = stays whole`() throws {
        let text = "--flag=a=b"
        let experiment = try read(
            #"{"name": "x", "objective": {"metric": "m", "goal": "max"}, "population": 1, "intervals": 1, "space": {"flag": {"choice": ["--flag=a=b"]}}, "command": ["train", "--opt=x=y"]}"#
        )
        #expect(experiment.founder(0)["flag"] == .string(text))
        #expect(try Value(json: experiment.founder(0).description)["flag"] == .string(text))
        #expect(experiment.trainer?.command == ["train", "--opt=x=y"])
        #expect(try read(experiment.value.json) == experiment)
    }

    @Test func `15 - decisions are the same for negative, shifted and scaled scores`() throws {
        let scores = [3.0, -1, 4, 1, -5, 9, 2, 6]
        for rule in [ExploitRule.truncation(0.25), .binaryTournament, .best, .ray()] {
            for goal in Objective.Goal.allCases {
                let experiment = Experiment.sample(goal: goal, population: 8, exploit: rule)
                let decisions = try experiment.decisions(scores: scores)
                #expect(try experiment.decisions(scores: scores.map { $0 - 1000 }) == decisions)
                #expect(try experiment.decisions(scores: scores.map { $0 * 1e-6 }) == decisions)
            }
            // Less of the opposite is more.
            let most = try Experiment.sample(goal: .maximize, population: 8, exploit: rule).decisions(scores: scores)
            let least = try Experiment.sample(goal: .minimize, population: 8, exploit: rule).decisions(
                scores: scores.map { -$0 })
            #expect(most == least)
        }
    }

    @Test func `16 - a synchronous run that was interrupted goes on where it was`() async throws {
        let experiment = Experiment.sample(
            population: 4, intervals: 5, space: FigureTwo.space, exploit: .truncation(0.25), synchronous: true)
        var whole = try await StoreRun(experiment, of: FigureTwo())
        try await whole.run()
        var broken = try await StoreRun(experiment, of: FigureTwo())
        // Two generations and a half; then a worker dies, another gives back, and the run is paused.
        for _ in 0..<10 { try await broken.finish(try #require(try await broken.claim())) }
        _ = try #require(try await broken.claim("dies"))
        let given = try #require(try await broken.claim("leaves"))
        #expect(try await broken.claim() == nil, "the generation is not complete")
        try await broken.store.pause("sample")
        #expect(try await broken.store.abandon(worker: "dies", of: "sample", because: "killed").count == 1)
        try await broken.store.release(given.lease, because: "shutdown")
        #expect(try await broken.claim() == nil, "it is paused")
        try await broken.store.resume("sample")
        #expect(try await broken.store.record(of: "sample").generation == 2)
        try await broken.run()
        #expect(try await broken.store.record(of: "sample").state == .finished)
        let (a, b) = (try await whole.store.intervals(of: "sample"), try await broken.store.intervals(of: "sample"))
        #expect(a.map(\.score) == b.map(\.score) && a.map(\.hyperparameters) == b.map(\.hyperparameters))
        #expect(a.map(\.parent) == b.map(\.parent) && a.count == 20)
    }

    @Test func `16 - a member that is dead for good does not block the others for ever`() async throws {
        var experiment = Experiment.sample(
            population: 4, intervals: 4, space: FigureTwo.space, exploit: .truncation(0.25), synchronous: true)
        experiment.retries = 1
        var run = try await StoreRun(experiment, of: FigureTwo())
        while let assignment = try await run.claim("w") {
            if assignment.interval.id.member == 2, assignment.interval.id.index == 1 {
                _ = try await run.store.finish(assignment.lease, .failed(reason: "killed"))
            } else {
                try await run.finish(assignment)
            }
        }
        let record = try await run.store.record(of: "sample")
        #expect(record.state == .finished && record.counts[.failed] == 1 && record.counts[.done] == 15)
    }
}
