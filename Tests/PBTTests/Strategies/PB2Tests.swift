// SPDX-License-Identifier: Apache-2.0

import PBTTesting
import Testing

@testable import PBT

/// Rows of a generation of which each member continued its own founder.
private struct Rows {
    var experiment: Experiment
    var intervals: [Interval] = []

    init(_ experiment: Experiment) { self.experiment = experiment }

    /// Adds a member's founder and next interval.
    mutating func add(_ hyperparameters: Hyperparameters, from before: Double, to after: Double) {
        let member = intervals.count / 2
        var founder = experiment.firstInterval(of: member, hyperparameters: hyperparameters, at: epoch).done(before)
        founder.sequence = Int64(member)
        let next = Interval(
            id: IntervalID(member: member, index: 1), parent: founder.id, hyperparameters: hyperparameters, depth: 2,
            created: epoch
        ).done(after)
        intervals += [founder, next]
    }

    var history: IntervalHistory {
        let intervals = intervals
        return IntervalHistory { index in intervals.filter { $0.id.index == index } }
    }

    /// The decisions about all members after index 1, with one history.
    func decisions(_ strategies: Strategies = Strategies()) throws -> [Decision] {
        var population = Population(experiment)
        let last = intervals.filter { $0.id.index == 1 }
        for interval in last {
            if let standing = experiment.standing(of: interval, after: nil) { population.update(standing) }
        }
        let history = history
        return try last.map {
            try experiment.decide(
                after: $0, in: population, learningFrom: history, strategies: strategies, at: epoch)
        }
    }
}

private func experiment(
    _ space: SearchSpace, _ explore: ExploreRule = .pb2(), goal: Objective.Goal = .maximize, population: Int = 8,
    exploit: ExploitRule = .truncation(0.25), intervals: Int = 10, seed: UInt64 = 1
) -> Experiment {
    .sample(
        goal: goal, population: population, intervals: intervals, seed: seed, space: space, exploit: exploit,
        explore: explore, decides: .certain)
}

/// Eight members whose gain grows with `a`.
private func growing(
    _ explore: ExploreRule = .pb2(PB2(kappa: .constant(0))), space: SearchSpace = ["a": .uniform(0...3)],
    goal: Objective.Goal = .maximize, seed: UInt64 = 1, name: String = "a"
) -> Rows {
    var rows = Rows(experiment(space, explore, goal: goal, seed: seed))
    let sign = goal == .maximize ? 1.0 : -1.0
    for member in 0..<8 {
        let a = 0.2 + 0.25 * Double(member)
        rows.add([name: .number(a)], from: 0, to: sign * 10 * a)
    }
    return rows
}

@Suite("PB2") struct PB2Tests {
    @Test(arguments: [
        (3, 0.03646, 0.38232), (10, 0.27726, 1.58629), (100, 0.73778, 3.88888), (1000, 1.19829, 6.19146),
    ])
    func `β has the published values in both forms, and κ is its root`(rows: Int, original: Double, ray: Double) {
        #expect((PB2.Kappa.original.beta(rows: rows) - original).magnitude < 5.1e-6)
        #expect((PB2.Kappa.ray.beta(rows: rows) - ray).magnitude < 5.1e-6)
        #expect(PB2.Kappa.original.value(rows: rows) == PB2.Kappa.original.beta(rows: rows).squareRoot())
        #expect(PB2.Kappa.constant(2).value(rows: rows) == 2)
    }

    @Test(arguments: [0, 1, 2]) func `β of fewer than three rows is not negative`(rows: Int) {
        #expect(PB2.Kappa.original.value(rows: rows) == 0)
        #expect(PB2.Kappa.ray.value(rows: rows) == 0.2.squareRoot())
    }

    @Test(arguments: [Objective.Goal.maximize, .minimize])
    func `without κ it chooses the end that gains more`(goal: Objective.Goal) throws {
        for seed: UInt64 in 1...10 {
            let decisions = try growing(goal: goal, seed: seed).decisions()
            let chosen = decisions.compactMap { $0.donor == nil ? nil : $0.next?.hyperparameters["a"]?.double }
            #expect(chosen.count == 2 && chosen.allSatisfy { $0 > 2 }, "\(chosen)")
            for decision in decisions where decision.donor != nil {
                let prediction = try #require(decision.prediction)
                #expect(prediction.gain > 10 && prediction.deviation >= 0 && prediction.rows == 8, "\(prediction)")
                #expect(decision.next?.changes.map(\.operation) == ["pb2"])
            }
        }
    }

    @Test func `of two members at 1 and 2 that gain 10 and 20, it goes above 1.5`() throws {
        var rows = Rows(
            experiment(["a": .uniform(0...3)], .pb2(PB2(kappa: .constant(0))), population: 2, exploit: .best))
        rows.add(["a": 1.0], from: 0, to: 10)
        rows.add(["a": 2.0], from: 0, to: 20)
        let chosen = try rows.decisions()[0].next?.hyperparameters["a"]?.double
        #expect(try #require(chosen) > 1.5)
    }

    @Test func `with κ it goes where little is known`() throws {
        // All members are at the lower end, and what they gain is noise.
        var rows = Rows(experiment(["a": .uniform(0...1)], .pb2(PB2(kappa: .constant(3)))))
        var random = RandomStream.trial(1)
        for member in 0..<8 { rows.add(["a": .number(0.01 * Double(member))], from: 0, to: random.normal()) }
        let chosen = try rows.decisions().compactMap { $0.donor == nil ? nil : $0.next?.hyperparameters["a"]?.double }
        #expect(chosen.count == 2 && chosen.allSatisfy { $0 > 0.07 }, "\(chosen)")
    }

    @Test func `members of a generation choose differently`() throws {
        for spread in PB2.Spread.allCases {
            for seed: UInt64 in 1...5 {
                var rows = Rows(
                    experiment(
                        ["a": .uniform(0...1), "b": .uniform(0...1)],
                        .pb2(PB2(kappa: .constant(2), spread: spread)), population: 16, seed: seed))
                var random = RandomStream.trial(Int(seed))
                for _ in 0..<16 {
                    let (a, b) = (random.unit(), random.unit())
                    // With noise; without it the model soon knows everything, and nothing repels.
                    rows.add(["a": .number(a), "b": .number(b)], from: 0, to: a - b * b + random.normal())
                }
                let chosen = try rows.decisions().filter { $0.donor != nil }.compactMap(\.next?.hyperparameters)
                #expect(chosen.count == 4)
                for (i, one) in chosen.enumerated() {
                    for other in chosen[..<i] {
                        let distance =
                            try (one.double("a") - other.double("a")).magnitude
                            + (one.double("b") - other.double("b")).magnitude
                        #expect(distance > 0.001, "\(one), \(other)")
                    }
                }
            }
        }
    }

    @Test func `nested and flat spaces, and any order, give the same choices`() throws {
        func read(_ space: Value, order: [String]) throws -> Experiment {
            var read = try Experiment(
                document: Document([
                    "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 8, "intervals": 5,
                    "space": space, "explore": "pb2", "seed": 3, "order": .array(order.map { .string($0) }),
                ]), directory: "/")
            read.exploit = .truncation(0.25)
            return read
        }
        let range: Value = ["log_uniform": [0.001, 1.0]]
        let flat = try read(["m.a": range, "b": range], order: ["m.a", "b"])
        let nested = try read(["m": ["a": range], "b": range], order: ["b", "m.a"])
        let decisions = try [flat, nested].map { experiment in
            var rows = Rows(experiment)
            for member in 0..<8 {
                rows.add(experiment.founder(member), from: 0, to: Double(member * member % 5))
            }
            return try rows.decisions().map { ($0.outcome, $0.next?.hyperparameters) }
        }
        #expect(decisions[0].map(\.0) == decisions[1].map(\.0))
        #expect(decisions[0].map(\.1) == decisions[1].map(\.1))
    }

    @Test func `after the founders there is nothing to learn from, so that it perturbs`() throws {
        let experiment = experiment(["a": .logUniform(1e-4...1), "kind": .boolean])
        let founders = (0..<8).map { experiment.trained($0, score: Double($0)) }
        let history = IntervalHistory { $0 == 0 ? founders : [] }
        let population = experiment.population(scores: (0..<8).map(Double.init))
        let decisions = try founders.map {
            try experiment.decide(after: $0, in: population, learningFrom: history, at: epoch)
        }
        let changes = decisions.flatMap { $0.next?.changes ?? [] }
        #expect(Set(changes.filter { $0.name == "a" }.map(\.operation)).isSubset(of: ["×0.8", "×1.25"]))
        #expect(changes.count == 4 && decisions.allSatisfy { $0.prediction == nil })
    }

    @Test func `a decision without a history says what is missing`() throws {
        let experiment = experiment(["a": .uniform(0...1)])
        let error = #expect(throws: PBTError.self) { try experiment.decisions(scores: [1, 2, 3, 4, 5, 6, 7, 8]) }
        #expect(error?.code == .badValue)
        #expect(
            error?.message
                == "explore pb2 learns from the finished intervals: pass their history when you call decide")
        #expect(try Experiment.sample().decisions(scores: [1, 2, 3, 4]).count == 4)
    }

    @Test func `a rule of its own explores a hyperparameter, and a fixed one follows the donor`() throws {
        var rows = Rows(
            experiment([
                "a": .uniform(0...3), "own": .uniform(1...2).explored(by: .perturb(by: [0.5])),
                "fixed": .uniform(0...1).immutable(), "free": .free(.uniform(0...1)),
                "sizes": .choice([1, 2, 4, 8], ordered: true),
                "layers": .integer(1...9),
            ]))
        for member in 0..<8 { rows.add(rows.experiment.founder(member), from: 0, to: Double(member)) }
        for decision in try rows.decisions() where decision.donor != nil {
            let next = try #require(decision.next)
            let operations = Dictionary(uniqueKeysWithValues: next.changes.map { ($0.name, $0.operation) })
            #expect(operations["a"] == "pb2" && operations["sizes"] == "pb2" && operations["layers"] == "pb2")
            #expect(operations["own"] == "×0.5")
            #expect(["×0.8", "×1.25"].contains(operations["free"]))
            #expect(operations["fixed"] == nil)
            #expect([1, 2, 4, 8].contains(next.hyperparameters["sizes"]))
            #expect((1...9).contains(next.hyperparameters["layers"]?.int ?? 0))
            #expect(next.changes.allSatisfy { rows.experiment.space[$0.name]?.complaint(about: $0.new) == nil })
        }
    }

    @Test func `categories keep the donor's value half of the time`() throws {
        var operations: [String: Int] = [:]
        for seed: UInt64 in 1...60 {
            var rows = Rows(experiment(["a": .uniform(0...3), "kind": .choice(["x", "y", "z"])], seed: seed))
            for member in 0..<8 { rows.add(rows.experiment.founder(member), from: 0, to: Double(member)) }
            for change in try rows.decisions().flatMap({ $0.next?.changes ?? [] }) where change.name == "kind" {
                operations[change.operation, default: 0] += 1
            }
        }
        #expect(operations.count == 2 && (35...85).contains(operations["kept"] ?? 0), "\(operations)")
        #expect((35...85).contains(operations["resampled"] ?? 0), "\(operations)")
    }

    @Test func `PB2-Mix draws the category that gains, and asks the model at it`() throws {
        var drawn: [String: Int] = [:]
        for seed: UInt64 in 1...25 {
            var rows = Rows(
                experiment(
                    ["a": .uniform(0...1), "kind": .choice(["low", "high"])], .pb2Mix(PB2(kappa: .constant(0))),
                    population: 16, seed: seed))
            for member in 0..<16 {
                let (a, isHigh) = (Double(member / 2) / 7, member % 2 == 0)
                // The best number depends on the category.
                let gain = isHigh ? 2 + a : 1 - a
                rows.add(["a": .number(a), "kind": isHigh ? "high" : "low"], from: 0, to: gain)
            }
            for next in try rows.decisions().filter({ $0.donor != nil }).compactMap(\.next) {
                let (kind, a) = (
                    try #require(next.hyperparameters["kind"]?.string), try next.hyperparameters.double("a")
                )
                drawn[kind, default: 0] += 1
                #expect(kind == "high" ? a > 0.7 : a < 0.3, "\(kind) \(a)")
                #expect(next.changes.map(\.operation).sorted() == ["bandit", "pb2"])
            }
        }
        #expect((drawn["high"] ?? 0) > (drawn["low"] ?? 0), "\(drawn)")
    }
}

@Suite("What PB2 learns from") struct PB2RowTests {
    private func rows(_ rows: Rows, upTo index: Int = 1, most: Int = 1000) throws -> [PB2Row] {
        try PB2Row.last(most, upTo: index, in: rows.history, by: rows.experiment.objective)
    }

    @Test func `a gain is the difference to the parent's score, through lineage, in the objective's direction`() throws
    {
        var given = Rows(experiment(["a": .uniform(0...1)], goal: .minimize))
        given.add(["a": 0.5], from: 3, to: 1)
        given.add(["a": 0.25], from: 7, to: 8)
        // Takes over the other member.
        given.intervals[3].parent = IntervalID(member: 0, index: 0)
        let found = try rows(given)
        #expect(found.map(\.gain) == [2, -5])
        #expect(found.map(\.before) == [-3, -3])
    }

    @Test func `later indices do not count, even if they exist`() throws {
        var given = growing()
        given.intervals.append(
            Interval(
                id: IntervalID(member: 0, index: 2), parent: IntervalID(member: 0, index: 1),
                hyperparameters: ["a": 1.0],
                depth: 3, created: epoch
            ).done(1000))
        #expect(try rows(given).count == 8)
        #expect(try rows(given, upTo: 2).count == 9)
        #expect(try rows(given, upTo: 2)[0].id.index == 2)
        #expect(try rows(given, upTo: 0).isEmpty)
    }

    @Test func `NaN, infinity, failures and what follows them never enter`() throws {
        var given = growing()
        for (place, score) in [(1, Double.nan), (3, .infinity), (5, -.infinity)] {
            given.intervals[place].score = score
            given.intervals[place].state = .diverged
        }
        given.intervals[7] = given.intervals[7].failed()
        given.intervals[8].score = nil
        given.intervals[10].state = .diverged
        given.intervals[13].score = 1e308
        given.intervals[12].score = -1e308
        #expect(try rows(given).map(\.id.member) == [7])
        for decision in try given.decisions() where decision.donor != nil {
            #expect(try #require(decision.next?.hyperparameters["a"]?.double).isFinite)
        }
    }

    @Test func `huge and tiny scores give legal values`() throws {
        for scale in [1e-300, 1e150, 1e307] {
            var given = growing()
            for place in given.intervals.indices {
                given.intervals[place].score = (given.intervals[place].score ?? 0) / 40 * scale
            }
            for decision in try given.decisions() where decision.donor != nil {
                let value = try #require(decision.next?.hyperparameters["a"])
                #expect(given.experiment.space["a"]?.complaint(about: value) == nil)
                #expect(try #require(decision.prediction).gain.isFinite)
            }
        }
    }

    @Test func `gains are standardized, clipped, and 0 if they are equal`() {
        let gains = StandardizedGains([1, 2, 3, 4, 100])
        #expect((gains.mean - 22).magnitude < 1e-12)
        #expect((gains.deviation - 39.012818).magnitude < 1e-6)
        #expect((gains.values[4] - 78 / gains.deviation).magnitude < 1e-12 && gains.values[4] < 2)
        #expect(StandardizedGains([0, 0, 0, 0, 0, 0, 0, 0, 0, 9]).values[9] == 2)
        for equal in [[5.0], [5, 5, 5], [0, 0], [0.1, 0.1, 0.1], []] {
            #expect(StandardizedGains(equal).values.allSatisfy { $0 == 0 } && StandardizedGains(equal).deviation == 0)
        }
    }

    @Test(arguments: [1, 2, 8]) func `equal gains, and a single row, still give a legal choice`(count: Int) throws {
        var given = Rows(experiment(["a": .uniform(0...1), "b": .logUniform(1e-3...1)], population: count))
        for member in 0..<count { given.add(given.experiment.founder(member), from: 1, to: 2) }
        let model = try PB2Model(upTo: 1, in: given.history, of: given.experiment, PB2())
        var learned = try #require(model)
        let donor = Population.Member(
            id: 0, index: 1, depth: 2, score: 2, hyperparameters: given.experiment.founder(0))
        let suggestion = learned.suggestion(
            for: IntervalID(member: 0, index: 2), from: donor, besides: [], in: given.experiment)
        #expect(suggestion.prediction?.gain == 1 && suggestion.prediction?.rows == count)
        for (name, value) in suggestion.values {
            #expect(given.experiment.space[name]?.complaint(about: value.value) == nil)
        }
    }

    @Test func `of 10,000 members' history the last 1000 rows count`() throws {
        let experiment = experiment(["a": .uniform(0...1)], population: 10_000)
        var reads: [Int] = []
        let history = IntervalHistory { index in
            reads.append(index)
            return (0..<10_000).map { member in
                var interval = Interval(
                    id: IntervalID(member: member, index: index),
                    parent: index == 0 ? nil : IntervalID(member: member, index: index - 1),
                    hyperparameters: ["a": .number(Double(member % 100) / 100)], depth: index + 1, created: epoch
                ).done(Double(index * (member % 7)))
                interval.sequence = Int64(index * 10_000 + member)
                return interval
            }
        }
        let found = try PB2Row.last(1000, upTo: 40, in: history, by: experiment.objective)
        #expect(found.count == 1000 && found.allSatisfy { $0.id.index == 40 })
        #expect(reads == [40, 39])
    }

    @Test(arguments: NamedDimension.every) func `places and values of every kind fit together`(named: NamedDimension) {
        guard let axis = PB2Axis("x", named.dimension) else { return }
        for place in [0, 0.1, 0.37, 0.5, 0.9, 1] {
            let value = axis.value(at: place)
            #expect(named.dimension.complaint(about: value) == nil, "\(place): \(value)")
            let back = axis.place(of: value)
            #expect(back.map { axis.value(at: $0) } == value, "\(place): \(value), \(back ?? .nan)")
        }
        #expect(axis.place(of: "text") == nil)
        #expect(axis.place(of: .number(.nan)) == nil)
        for far in [-1e308, 1e308] {
            if let place = axis.place(of: .number(far)) { #expect((0...1).contains(place)) }
        }
    }

    @Test func `scales follow the distributions`() throws {
        #expect(
            try #require(PB2Axis("x", .logUniform(1e-4...1))).value(at: 0.5).double.map {
                ($0 - 0.01).magnitude < 1e-12
            } == true)
        #expect(try #require(PB2Axis("x", .uniform(0...1, bounds: -1...1))).value(at: 0.25) == -0.5)
        let reverse = try #require(PB2Axis("x", .reverseLogUniform(0.9...0.9999)))
        #expect(try #require(reverse.value(at: 2.0 / 3).double) - 0.999 < 1e-9)
        #expect(PB2Axis("x", .integer(5...5)) == nil && PB2Axis("x", .boolean) == nil)
        #expect(PB2Axis("x", .normal(mean: 1, deviation: 2))?.value(at: 1).double == 7)
        #expect(PB2Axis("x", .normal(mean: 1, deviation: 2, bounds: 0...2))?.value(at: 1).double == 2)
    }
}
