// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// The bandit that draws the categories of PB2-Mix.
@Suite("Bandit of categories") struct CategoryBanditTests {
    /// The probabilities after each round in which four members play what they draw, and one category is worth 1.
    private func played(
        _ bandit: inout CategoryBandit, rounds: Int, good: Int, plays: Int = 4, trial: Int
    ) -> [[Double]] {
        var random = RandomStream.trial(trial, name: "bandit\(good)")
        return (0..<rounds).map { _ in
            bandit.learn(
                from: (0..<plays).map { _ in
                    let category = bandit.drawn(using: &random)
                    return (category, category == good ? 1 : 0)
                })
            return bandit.probabilities
        }
    }

    @Test(arguments: [(3, 4), (2, 4), (8, 4), (8, 1), (20, 40), (1, 4)])
    func `probabilities sum to 1, and none is below the uniform share`(count: Int, plays: Int) {
        for trial in 0..<20 {
            var bandit = CategoryBandit(of: count, rounds: 50)
            for probabilities in played(&bandit, rounds: 50, good: trial % count, plays: plays, trial: trial) {
                #expect((probabilities.reduce(0, +) - 1).magnitude < 1e-12)
                let least = bandit.uniformShare / Double(count)
                #expect(probabilities.allSatisfy { $0 >= least - 1e-15 }, "\(probabilities), \(least)")
            }
        }
    }

    @Test func `the uniform share is a fifth with at least as many plays as categories`() {
        var bandit = CategoryBandit(of: 3, rounds: 25)
        bandit.learn(from: [(0, 1), (1, 0), (2, 0), (0, 1)])
        #expect(bandit.uniformShare == 0.2)
        // √(8·ln 2 / (1.718281828·4·2.5)), by hand.
        var sparse = CategoryBandit(of: 8, rounds: 25)
        sparse.learn(from: [(0, 1), (1, 0), (2, 0), (0, 1)])
        #expect((sparse.uniformShare - 0.568081).magnitude < 1e-6, "\(sparse.uniformShare)")
    }

    @Test func `without rounds all are equally likely`() {
        #expect(CategoryBandit(of: 4, rounds: 10).probabilities == [0.25, 0.25, 0.25, 0.25])
    }

    @Test func `the good one of three has more than half after 20 rounds`() {
        for trial in 0..<50 {
            var bandit = CategoryBandit(of: 3, rounds: 40)
            let last = played(&bandit, rounds: 20, good: 1, trial: trial).last ?? []
            #expect(last[1] > 0.5, "trial \(trial): \(last)")
        }
    }

    @Test func `when another one becomes the good one, it has more than half within 40 rounds`() {
        for trial in 0..<50 {
            var bandit = CategoryBandit(of: 3, rounds: 40)
            _ = played(&bandit, rounds: 20, good: 0, trial: trial)
            #expect(bandit.probabilities[2] < 0.2)
            let after = played(&bandit, rounds: 40, good: 2, trial: trial)
            #expect(after.contains { $0[2] > 0.5 }, "trial \(trial): \(after.last ?? [])")
        }
    }

    @Test func `thousands of plays of a round stay finite`() {
        var bandit = CategoryBandit(of: 3, rounds: 10)
        for _ in 0..<5 { bandit.learn(from: (0..<20_000).map { ($0 % 3, $0 % 3 == 2 ? 1 : 0) }) }
        let probabilities = bandit.probabilities
        #expect(probabilities.allSatisfy(\.isFinite) && probabilities[2] > 0.8, "\(probabilities)")
    }
}
