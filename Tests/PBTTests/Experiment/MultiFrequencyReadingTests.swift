// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// Sub-populations in an experiment file.
@Suite("Sub-populations in a file") struct MultiFrequencyReadingTests {
    private func read(_ exploit: String, _ more: String = "", population: Int = 24) throws -> Experiment {
        let text = """
            {"name": "x", "objective": {"metric": "m", "goal": "max"}, "population": \(population), "intervals": 50,
            "space": {"a": {"uniform": [0, 1]}}\(exploit.isEmpty ? "" : ", \"exploit\": \(exploit)")\(more)}
            """
        return try Experiment(document: Document(Value(json: text)), directory: "/")
    }

    private func complaint(_ exploit: String, _ more: String = "", population: Int = 24) -> String? {
        do {
            _ = try read(exploit, more, population: population)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(
        arguments: [
            (#"{"multi_frequency": [1, 5, 10]}"#, .multiFrequency()),
            (#"{"multi_frequency": {"every": [2, 3]}}"#, .multiFrequency(every: [2, 3])),
            (#""multi_frequency""#, .multiFrequency(every: [1, 5, 10])),
            (
                #"{"multi_frequency": [{"every": 1, "explore": {"step": 0.1}}, 5]}"#,
                .multiFrequency([.init(every: 1, explore: .step()), .init(every: 5)])
            ),
            (#"{"multi_frequency": [1, 5], "burn_in": 3}"#, .multiFrequency(every: [1, 5])),
        ] as [(String, ExploitRule)])
    func `are read, and written as they read`(text: String, rule: ExploitRule) throws {
        let experiment = try read(text)
        #expect(experiment.exploit == rule)
        let again = try Experiment(document: Document(experiment.value), directory: "/")
        #expect(again == experiment && again.value == experiment.value)
    }

    @Test func `members are dealt to them in turn, and stay blocks in experiments from before`() throws {
        let file = try read(#"{"multi_frequency": [1, 5]}"#)
        #expect(file.division?.isInterleaved == true && file.value["exploit"]?["members"] == "interleaved")
        let blocks = try read(#"{"multi_frequency": [1, 5], "members": "blocks"}"#)
        #expect(blocks.division?.isInterleaved == false && blocks.exploit == file.exploit.inBlocks)
        #expect(try read(#"{"members": "blocks"}"#, #", "preset": "portfolio""#).division?.isInterleaved == false)
        for experiment in [file, blocks] {
            let back = try Experiment(document: Document(experiment.value), directory: "/", isStored: true)
            #expect(back == experiment && back.value == experiment.value)
        }
        // A store's definition without it.
        var values = try #require(file.value.object)
        values["exploit"] = ["multi_frequency": [1, 5]]
        let old = try Experiment(document: Document(.object(values)), directory: "/", isStored: true)
        #expect(old.division?.isInterleaved == false && old.value["exploit"] == ["multi_frequency": [1, 5]])
        // The file that it came from goes on, unless it asks for another assignment.
        #expect(file.differences(from: old) == [] && file.withDefaults(of: old).division?.isInterleaved == false)
        #expect(blocks.differences(from: old) == [])
        let named = try read(#"{"multi_frequency": [1, 5], "members": "interleaved"}"#)
        #expect(named.differences(from: old).map(\.key) == ["exploit"])
        // Other rules have no such key.
        #expect(try read(#""best""#).value["exploit"] == "best")
        #expect(
            complaint(#"{"truncation": 0.2, "members": "blocks"}"#)?.contains(
                "exploit.members: requires multi_frequency") == true)
        #expect(
            complaint(#"{"multi_frequency": [1, 5], "members": "dealt"}"#)?.contains(
                #"exploit.members: must be interleaved or blocks, not "dealt""#) == true)
    }

    @Test func `as a word, and as a preset, they suit the population`() throws {
        #expect(try read(#""multi_frequency""#, population: 11).exploit == .multiFrequency(every: [1, 5]))
        for population in [6, 11, 12, 30] {
            let portfolio = try read("", #", "preset": "portfolio""#, population: population)
            #expect(portfolio.exploit == .portfolio(forPopulation: population))
            #expect(portfolio.exploit.subPopulations.map(\.every) == (population < 12 ? [1, 5] : [1, 2, 5]))
            #expect(try Experiment(document: Document(portfolio.value), directory: "/") == portfolio)
        }
        #expect(try read(#""best""#, #", "preset": "portfolio""#).exploit == .best)
    }

    @Test(arguments: [
        (
            #"{"multi_frequency": [5]}"#,
            "exploit.multi_frequency: must be a list of 2 to 100 intervals, one for each sub-population, for example [1, 5, 10], not [5]"
        ),
        (
            #"{"multi_frequency": 5}"#,
            "exploit.multi_frequency: must be a list of 2 to 100 intervals, one for each sub-population, for example [1, 5, 10], not 5"
        ),
        (
            #"{"multi_frequency": {"every": []}}"#,
            "exploit.multi_frequency.every: must be a list of 2 to 100 intervals, one for each sub-population, for example [1, 5, 10], not []"
        ),
        (
            #"{"multi_frequency": [1, 0]}"#,
            "exploit.multi_frequency[1]: must be a number of intervals from 1 to 1000000, or an object such as {every: 5, explore: {step: 0.1}}, not 0"
        ),
        (#"{"multi_frequency": [1, {"every": 0}]}"#, "exploit.multi_frequency[1].every: must be at least 1, not 0"),
        (
            #"{"multi_frequency": [1, {"explore": "none"}]}"#,
            "exploit.multi_frequency[1].every: is missing; write for example: every: 5"
        ),
        (
            #"{"multi_frequency": {"every": [1, 2], "explore": "none"}}"#,
            "exploit.multi_frequency.explore: unknown key; write a list: multi_frequency: [{every: 1, explore: {…}}, {every: 5}]"
        ),
        (
            #"{"portfolio": [1, 2]}"#,
            "exploit.portfolio: unknown key; write multi_frequency: [{every: 1, explore: {…}}, {every: 5, explore: {…}}]"
        ),
        (
            #"{"multi_frequency": [1, {"every": 2, "explore": {"perturb": [-1]}}]}"#,
            "exploit.multi_frequency[1].explore.perturb: must be a list of factors above 0, for example [0.8, 1.25], not [-1]"
        ),
    ])
    func `what is wrong is named with its place and a remedy`(text: String, message: String) {
        #expect(complaint(text) == message)
    }

    @Test func `they need members, and scores of the same interval`() throws {
        let rule = #"{"multi_frequency": [1, 5, 10]}"#
        #expect(
            complaint(rule, population: 8)
                == "exploit: multi_frequency needs 3 members for each of its 3 sub-populations: write population: 9 or more, not 8, or fewer sub-populations"
        )
        #expect(
            complaint(#""multi_frequency""#, population: 5)
                == "exploit: multi_frequency needs 3 members for each of its 2 sub-populations: write population: 6 or more, not 5"
        )
        #expect(
            complaint(rule, #", "decide": "early""#)
                == "decide: early cannot be combined with exploit.multi_frequency, which compares scores of the same interval; write decide: certain, or synchronous: true"
        )
        #expect(complaint(rule, #", "decide": "late""#)?.hasPrefix("decide: late cannot be combined with") == true)
        #expect(
            complaint(rule, #", "open": true"#)
                == "open: cannot be combined with exploit.multi_frequency: members that come at any time are not divided"
        )
        #expect(complaint(rule, #", "synchronous": true"#) == nil)
        #expect(complaint(rule, #", "decide": {"certain": {"patience": "1m"}}"#) == nil)
        #expect(complaint(rule, #", "kind": "random_search", "decide": "early""#) == nil)
    }

    @Test func `a store refuses in Swift what the file refuses`() async throws {
        let store = InMemoryStore()
        for (rule, decides, members) in [
            (ExploitRule.multiFrequency(every: [1]), .certain, 8), (.multiFrequency(every: [1, 0]), .certain, 8),
            (.multiFrequency(every: [1, 2]), .early, 8), (.multiFrequency(every: [1, 2]), .certain, 5),
        ] as [(ExploitRule, Experiment.Decides, Int)] {
            let experiment = Experiment.sample(population: members, exploit: rule, decides: decides)
            await #expect(throws: PBTError.self) { try await store.create(experiment) }
        }
        _ = try await store.create(Experiment.sample(exploit: .multiFrequency(every: [1, 2]), decides: .certain))
    }

    @Test func `a strategy of a sub-population must be present`() throws {
        let experiment = Experiment.sample(
            exploit: .multiFrequency([.init(every: 1), .init(every: 2, explore: .custom("mine"))]), decides: .certain)
        #expect(throws: PBTError.self) { try Strategies().check(experiment) }
    }
}
