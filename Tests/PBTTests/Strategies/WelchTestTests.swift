// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

@Suite("Welch's test") struct WelchTestTests {
    private let own: [Double] = [10, 12, 9, 11, 10, 13, 12, 11, 10, 12]

    @Test(
        arguments: [
            ([12, 13, 11, 14, 12, 15, 13, 12, 13, 14], 3.475351, 17.969951, 0.00135296),
            ([10, 20, 5, 18, 9, 25, 12, 30, 2, 11], 1.130116, 9.355994, 0.14328321),
        ] as [([Double], Double, Double, Double)])
    func `t, degrees of freedom and p are the reference values`(other: [Double], t: Double, freedom: Double, p: Double)
    {
        let test = WelchTest(of: other, against: own)
        #expect((test.t - t).magnitude < 5e-7)
        #expect((test.degreesOfFreedom - freedom).magnitude < 5e-7)
        #expect((test.p - p).magnitude < 5e-9)
        #expect(test.isGreater(significance: 0.05) == (p < 0.05))
        let reverse = WelchTest(of: own, against: other)
        #expect((reverse.t + test.t).magnitude < 1e-12 && (reverse.p - (1 - test.p)).magnitude < 1e-12)
    }

    /// Closed forms of Student's distribution: one degree of freedom is Cauchy's, two have a square root.
    @Test(arguments: [0, 0.1, 0.5, 1, 2, 5, 12.706204736, 100, 1e6] as [Double])
    func `two and two scores of equal variance have two degrees of freedom, whose p is known`(t: Double) {
        // Both samples have variance 2 and mean difference d: t = d / √(2/2 + 2/2).
        let d = t * 2.0.squareRoot()
        let test = WelchTest(of: [d - 1, d + 1], against: [-1, 1])
        #expect((test.degreesOfFreedom - 2).magnitude < 1e-6)
        let expected = 0.5 - t / (2 * (2 + t * t).squareRoot())
        #expect((test.p - expected).magnitude < 1e-9, "\(test.p), not \(expected)")
    }

    @Test func `long windows are as exact as short ones`() {
        // 2,000 scores: Student's distribution is the normal one to four digits; its tail at 1.959964 is 0.025.
        let sample = (0..<2000).map { $0 % 2 == 0 ? 1.0 : -1.0 }
        let error = (2 * (2000.0 / 1999) / 2000).squareRoot()
        let test = WelchTest(of: sample.map { $0 + 1.959964 * error }, against: sample)
        #expect((test.p - 0.02502).magnitude < 2e-4)
    }

    @Test func `p is a probability, falls as the difference grows, and does not depend on the unit`() {
        var random = RandomStream.trial(3)
        for _ in 0..<500 {
            let a = (0..<2 + random.index(below: 9)).map { _ in random.normal() }
            let b = (0..<2 + random.index(below: 9)).map { _ in random.normal() * 3 }
            let test = WelchTest(of: a, against: b)
            #expect((0...1).contains(test.p))
            #expect(WelchTest(of: a.map { $0 + 0.1 }, against: b).p <= test.p)
            for unit in [0x1p-400, 0x1p-200, 0x1p300] {
                let scaled = WelchTest(of: a.map { $0 * unit }, against: b.map { $0 * unit })
                #expect((scaled.p - test.p).magnitude < 1e-9, "unit \(unit): \(scaled.p), not \(test.p)")
            }
        }
    }

    @Test func `fewer than two scores on either side prove nothing`() {
        for (a, b) in [([], []), ([5], [1]), ([5], [1, 2]), ([5, 6], [1]), ([5, 6], [])] as [([Double], [Double])] {
            let test = WelchTest(of: a, against: b)
            #expect(test.p == 1 && !test.isGreater(significance: 0.999))
        }
    }

    @Test func `without variance on both sides the higher mean wins, and equal ones do not`() {
        #expect(WelchTest(of: [2, 2], against: [1, 1]).isGreater(significance: 1e-12))
        #expect(!WelchTest(of: [1, 1], against: [2, 2]).isGreater(significance: 0.999))
        #expect(!WelchTest(of: [1, 1, 1], against: [1, 1]).isGreater(significance: 0.999))
    }

    @Test func `without variance on one side the test is that of the other`() {
        let test = WelchTest(of: [3, 3, 3], against: [0, 1, 2, 1])
        #expect((test.degreesOfFreedom - 3).magnitude < 1e-9)
        #expect(test.isGreater(significance: 0.05))
    }
}

@Suite("Exploit by t-test") struct TTestRuleTests {
    private func member(_ id: Int, _ window: [Double], index: Int = 9) -> Population.Member {
        Population.Member(
            id: id, index: index, depth: index + 1, score: window.last ?? 0, window: window, hyperparameters: [:])
    }

    private func isReplaced(
        _ own: [Double], by other: [Double], goal: Objective.Goal = .maximize, significance: Double = 0.05
    ) -> Bool {
        var population = Population(objective: Objective(metric: "x", goal: goal), seed: 1)
        population.update(member(0, own))
        population.update(member(1, other))
        var random = RandomStream.trial(0)
        return ExploitRule.tTest(significance: significance)
            .donor(for: 0, depth: 10, in: population, using: &random) == 1
    }

    private let own: [Double] = [10, 12, 9, 11, 10, 13, 12, 11, 10, 12]
    private let better: [Double] = [12, 13, 11, 14, 12, 15, 13, 12, 13, 14]
    private let lucky: [Double] = [10, 20, 5, 18, 9, 25, 12, 30, 2, 11]

    @Test func `a significantly better member is taken over, a merely lucky one is not`() {
        #expect(isReplaced(own, by: better))
        #expect(!isReplaced(own, by: lucky))
        #expect(!isReplaced(better, by: own))
    }

    @Test func `with less being better it is the other way round`() {
        #expect(isReplaced(better, by: own, goal: .minimize))
        #expect(!isReplaced(own, by: better, goal: .minimize))
        #expect(isReplaced(own.map { -$0 }, by: better.map { -$0 }, goal: .minimize))
    }

    @Test func `significance is what it says`() {
        #expect(isReplaced(own, by: better, significance: 0.0014))
        #expect(!isReplaced(own, by: better, significance: 0.0013))
    }

    @Test func `a window of one score replaces nobody`() {
        #expect(!isReplaced([1], by: [2]))
        #expect(!isReplaced([1, 1.1, 0.9], by: [100]))
    }

    @Test func `equal members copy each other as often as the significance says`() {
        let trials = 6000
        var random = RandomStream.trial(17)
        let copies = (0..<trials).count { _ in
            let own = (0..<10).map { _ in random.normal() }
            let other = (0..<10).map { _ in random.normal() }
            return isReplaced(own, by: other)
        }
        // Expected 300, standard deviation 17.
        #expect((copies - 300).magnitude < 85, "\(copies)")
    }

    @Test func `the window holds the last scores of a member's own weights`() throws {
        let experiment = Experiment.sample(exploit: .tTest(window: 3))
        var standing: Population.Member?
        for index in 0..<5 {
            standing = experiment.standing(
                of: experiment.trained(0, index: index, score: Double(index)), after: standing)
        }
        #expect(standing?.window == [2, 3, 4])
        // A copy takes the member out of the population, so the next score begins a new window.
        let after = experiment.standing(of: experiment.trained(0, index: 5, score: 9), after: nil)
        #expect(after?.window == [9])
    }

    @Test func `whoever has the best mean is never replaced, though others may have had the better last score`() {
        var random = RandomStream.trial(23)
        for _ in 0..<300 {
            let windows = (0..<6).map { _ in (0..<4).map { _ in random.normal() } }
            let means = windows.map { $0.reduce(0, +) / 4 }
            let best = windows.indices.max { means[$0] < means[$1] } ?? 0
            for other in windows.indices where other != best {
                #expect(!isReplaced(windows[best], by: windows[other], significance: 0.49))
            }
        }
        #expect(isReplaced([1, 1.1, 0.9, 3], by: [5, 5.1, 4.9, 2]), "the last score alone protects nobody")
    }

    @Test func `a copy clears the window in a whole run`() throws {
        let experiment = Experiment.sample(
            population: 6, intervals: 15, space: FigureTwoSpace.value, exploit: .tTest(window: 4, significance: 0.4))
        let outcome = try FigureTwoSpace.run(experiment)
        let exploits = outcome.decisions.filter { $0.donor != nil }
        #expect(exploits.count > 3)
        for decision in exploits {
            // With one score of its own, a fresh copy can neither be replaced nor give.
            let fresh = IntervalID(member: decision.interval.member, index: decision.interval.index + 1)
            #expect(!outcome.decisions.contains { $0.interval == fresh && $0.donor != nil })
            #expect(!outcome.decisions.contains { $0.donor == fresh })
        }
    }
}
