// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTSQLite
import PBTTesting
import Testing

@Suite struct LookExplainTests {
    @Test func `an exploit is explained in words and numbers`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt("explain", "digits", "0@2")
            #expect(
                answer.output == """
                    0@2 copies 2@1: its checkpoint, and its hyperparameters after explore.
                    0@1 ended with accuracy 0.5297, the 7th to finish; it ranked 4th of 5 members (higher is better).
                    Rule: truncation 34%.
                    The bottom 3 of 6 (rank 4 and below) are replaced by one of the top 3; rank 4 is among them.
                    Candidates, each equally likely: 1@1 (0.6000), 5@1 (0.5332), 2@1 (0.5325).
                    Donor: 2@1 (0.5325).

                    HYPERPARAMETER     0@1     2@1                      0@2
                    rate            0.0882  0.1053  ×1.25            0.1316
                    momentum        0.8205  0.9773  ×1.25 (clipped)  0.9900
                    batch               32     128  unchanged           128
                    note            a, "b"  a, "b"  unchanged        a, "b"
                    re-derived from the recorded rows: identical

                    Then: 0@2 ended with accuracy 0.6363, the 13th to finish; it ranked 1st of 5 members (higher is better). 0@3 continues from 0@2 with its own checkpoint and hyperparameters.

                    """)
            #expect(answer.error == "")
            #expect(answer.code == 0)
        }
    }

    @Test(arguments: [
        ("1@3", "1@2 diverged (the score is nan), the 14th to finish; it could not be ranked among 5 members."),
        (
            "3@2",
            "3@1 failed (exit 1: it broke, \"badly\"), the 10th to finish; it could not be ranked among 5 members."
        ),
        ("5@2", "5@2 continues from 5@1 with its own checkpoint and hyperparameters."),
        ("5@2", "The bottom 3 of 6 (rank 4 and below) are replaced by one of the top 3; rank 2 is not among them."),
        ("5@0", "5@0 is a founder: its hyperparameters were drawn from the space."),
        ("5@4", "There is no 5@4: the member's budget is spent."),
    ])
    func `every kind of outcome is told`(interval: String, line: String) async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt("explain", "digits", interval)
            #expect(answer.lines.contains(line), "\(answer.output)")
            #expect(answer.lines.contains("re-derived from the recorded rows: identical"))
            #expect(answer.code == 0)
        }
    }

    @Test func `an explanation as JSON has the ranking, the candidates and the changes`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let json = try await fixture.pbt("explain", "digits", "0@2", "--json").json()
            #expect(json["identical"] == true)
            #expect(json["founder"] == .null)
            let decision = try #require(json["decision"])
            #expect(decision["decision"] == "exploits")
            #expect(decision["donor"] == IntervalID(member: 2, index: 1).value)
            #expect((decision["rank"], decision["ranked"]) == (4, 5))
            #expect((decision["bottom"], decision["top"]) == (3, 3))
            #expect(decision["candidates"]?.array?.map { $0["member"] } == [1, 5, 2])
            #expect(decision["changes"]?.array?.map { $0["operation"] } == ["×1.25", "×1.25"])
            #expect(decision["next"] == IntervalID(member: 0, index: 2).value)
            #expect(json["then"]?["decision"] == "continues")
        }
    }

    @Test func `a whole run is verified, and its baseline`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt("explain", "digits", "--all")
            #expect(
                answer.output
                    == "6 founders and 24 decisions, 9 exploits among them, re-derived from the recorded rows: identical\n"
            )
            let json = try await fixture.pbt("explain", "digits.random_search", "--all", "--json").json()
            #expect(
                json == [
                    "name": "digits.random_search", "founders": 6, "decisions": 24, "exploits": 0, "identical": true,
                    "mismatches": [], "revisions": 1,
                ])
        }
    }

    @Test func `a row that was changed by hand is found`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let store = try fixture.store()
            let record = try await store.record(of: "digits")
            var row = try await store.interval(IntervalID(member: 0, index: 2), of: "digits")
            let rate = try row.hyperparameters.double("rate")
            row.hyperparameters["rate"] = .number(rate.nextUp)
            let changed = row
            try await store.write(durable: true) { try $0.updateHyperparameters(changed, in: record) }
            let one = try await fixture.pbt("explain", "digits", "0@2")
            #expect(one.code == 70)
            #expect(one.lines.contains("re-derived from the recorded rows: MISMATCH"))
            #expect(one.lines.contains("  rate is recorded as \(rate.nextUp), derived: \(rate)"))
            #expect(
                one.error
                    == "error: the record of 0@2 does not match its re-derivation: the store was edited by hand or is damaged, or this is a bug in pbt\n"
            )
            let all = try await fixture.pbt("explain", "digits", "--all")
            #expect(all.code == 70)
            // What descends from the changed row follows from it, and so is not wrong in itself: 0@3 continues with its own
            // hyperparameters, which are no longer those of the row.
            #expect(all.lines.first == "MISMATCH 0@2: rate is recorded as \(rate.nextUp), derived: \(rate)")
            #expect(try await fixture.pbt("explain", "digits", "5@2").code == 0)
        }
    }

    @Test func `neither or both of interval and --all is wrong usage`() async throws {
        try await LookFixture.with { fixture in
            let neither = try await fixture.pbt("explain", "digits")
            #expect(neither.code == 64)
            #expect(neither.error.hasPrefix("error: name an interval (MEMBER@INTERVAL), or give --all\n"))
            let both = try await fixture.pbt("explain", "digits", "0@1", "--all")
            #expect(both.code == 64)
            #expect(both.error.hasPrefix("error: give an interval or --all, not both\n"))
        }
    }

    @Test(
        arguments: [
            ExploitRule.truncation(0.3), .binaryTournament, .tTest(window: 3, significance: 0.4), .best, .ray(),
        ], [false, true])
    func `what three connections decided in turn is derived again by another process`(
        exploit: ExploitRule, isSynchronous: Bool
    ) async throws {
        try await LookFixture.with { fixture in
            var experiment = Experiment.looked("turns", population: 7, intervals: 8, baseline: false)
            experiment.exploit = exploit
            experiment.isSynchronous = isSynchronous
            experiment.retries = 1
            // Each has a cache of its own of how members stand, and catches up with what the others wrote.
            let stores = [try fixture.store(), try fixture.store(), try fixture.store()]
            _ = try await stores[0].create(experiment)
            var held: [(Int, Assignment)] = []
            var random = RandomStream(seed: 5, .trainer, member: 0, index: 0)
            while true {
                let turn = random.index(below: 3)
                if held.count < 4 {
                    let claim = try await stores[turn].claim(from: "turns", by: "w\(turn)", for: .seconds(60))
                    if case .over = claim { break }
                    if case .assignment(let assignment) = claim {
                        held.append((turn, assignment))
                        continue
                    }
                }
                fixture.clock.advance(by: .milliseconds(10))
                let (owner, assignment) = held.remove(at: random.index(below: held.count))
                let name = "\(assignment.lease.checkpointName)"
                let outcome: Outcome =
                    switch random.index(below: 15) {
                    case 0: .failed(reason: "trouble")
                    case 1: .trained(score: .nan, metrics: [:], checkpoint: name)
                    default:
                        .trained(
                            score: random.unit() + Double(assignment.interval.depth), metrics: [:], checkpoint: name)
                    }
                _ = try await stores[owner].finish(assignment.lease, outcome)
            }
            let answer = try await fixture.pbt("explain", "turns", "--all", "--json")
            #expect(answer.code == 0, "\(answer)")
            let json = try answer.json()
            #expect(json["identical"] == true)
            #expect(json["decisions"]?.int ?? 0 > 50)
            #expect(json["exploits"]?.int ?? 0 > 5)
        }
    }
}
