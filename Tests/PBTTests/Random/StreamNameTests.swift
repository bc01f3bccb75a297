// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// A stream is its name: (seed, purpose, member, index, hyperparameter).
@Suite("Streams") struct StreamNameTests {
    private func first(
        _ seed: UInt64 = 1, _ purpose: RandomStream.Purpose = .sample, member: Int = 2, index: Int = 3,
        name: String = "lr"
    ) -> [UInt64] {
        var stream = RandomStream(seed: seed, purpose, member: member, index: index, name: name)
        return (0..<4).map { _ in stream.next() }
    }

    @Test func `the same name gives the same draws`() {
        #expect(first() == first())
    }

    @Test func `every part of the name matters`() {
        let streams = [
            first(), first(2), first(1 << 63), first(1, .exploit), first(1, .explore), first(1, .tie),
            first(1, .trainer),
            first(member: 3), first(member: 1 << 40), first(index: 2), first(index: 4), first(name: ""),
            first(name: "lr2"), first(name: "rl"), first(name: "LR"),
        ]
        #expect(Set(streams).count == streams.count)
        #expect(Set(streams.flatMap { $0 }).count == 4 * streams.count)
    }

    @Test func `parts do not run into each other`() {
        #expect(first(member: 1, index: 12) != first(member: 11, index: 2))
        #expect(first(member: 2, index: 3) != first(member: 3, index: 2))
        #expect(first(member: 0, index: 256) != first(member: 256, index: 0))
    }

    @Test func `streams of neighbors are not correlated`() {
        // 64 bits of 2,000 neighboring streams: half of them should differ from one to the next.
        var differing = 0
        for member in 0..<2000 {
            differing += (first(member: member)[0] ^ first(member: member + 1)[0]).nonzeroBitCount
        }
        #expect((differing - 64000).magnitude < 5 * 179)
    }

    @Test func `100,000 streams begin differently`() {
        var words: Set<UInt64> = []
        for member in 0..<1000 {
            for index in 0..<100 { words.insert(first(member: member, index: index)[0]) }
        }
        #expect(words.count == 100_000)
    }
}

/// Draws written down once: a change of any of them changes what every experiment does, so it must be meant.
@Suite("Pinned draws") struct PinnedDrawTests {
    @Test func `words, numbers, indices and normals are as they were`() {
        var random = RandomStream(seed: 7, .sample, member: 3, index: 2, name: "learning_rate")
        #expect(
            (0..<3).map { _ in random.next() } == [
                18_343_595_062_455_346_004, 10_269_605_116_430_901_062, 6_702_877_680_398_252_157,
            ])
        #expect(random.unit() == 0.09724651764326653)
        #expect(random.index(below: 1000) == 518)
        #expect(random.index(weights: [1, 2, 3]) == 1)
        #expect((random.normal() - 0.4549554439685492).magnitude < 1e-14)
    }

    @Test func `a founder is as it was`() throws {
        let space: SearchSpace = [
            "rate": .logUniform(1e-5...1), "momentum": .uniform(0.1...0.9999),
            "size": .choice([32, 64, 128], ordered: true),
            "layers": .integer(1...8), "units": .logInteger(1...1024), "flag": .boolean,
            "activation": .choice(["relu", "tanh"], weights: [2, 1]), "noise": .normal(mean: 0, deviation: 1),
            "decay": .logNormal(mean: -3, deviation: 1),
        ]
        let founder = space.sample(seed: 7, member: 0, index: 0)
        #expect(founder["size"] == 32)
        #expect(founder["layers"] == 2)
        #expect(founder["units"] == 3)
        #expect(founder["flag"] == true)
        #expect(founder["activation"] == "relu")
        #expect(founder["momentum"] == 0.6430714758750199)
        // These go through the C library, which may differ in the last place.
        #expect(try (founder.double("rate") / 0.00025953723177012404 - 1).magnitude < 1e-14)
        #expect(try (founder.double("noise") / 1.2915786863915273 - 1).magnitude < 1e-13)
        #expect(try (founder.double("decay") / 0.03963695562298636 - 1).magnitude < 1e-13)
    }

    @Test func `a trainer's seed is as it was, and has 31 bits`() {
        let experiment = Experiment(
            "pinned", objective: .maximize("x"), population: 1, intervals: 1, seed: 7, space: ["a": .uniform(0...1)])
        #expect(experiment.trainerSeed(for: IntervalID(member: 0, index: 0)) == 245_081_135)
        for index in 0..<1000 {
            let seed = experiment.trainerSeed(for: IntervalID(member: index, index: index))
            #expect(seed >= 0 && seed < 1 << 31)
        }
    }

    @Test func `members share the seed of an interval, which has 31 bits and a stream of its own`() {
        let experiment = Experiment(
            "pinned", objective: .maximize("x"), population: 9, intervals: 9, seed: 7, space: ["a": .uniform(0...1)])
        var other = experiment
        other.name = "renamed"
        other.population = 2
        let seeds = (0..<1000).map { experiment.intervalSeed(at: $0) }
        #expect(Set(seeds).count == 1000)
        #expect(seeds.allSatisfy { $0 >= 0 && $0 < 1 << 31 })
        #expect((0..<1000).map { other.intervalSeed(at: $0) } == seeds)
        #expect(seeds[0] == 883_231_382)
        for member in 0..<9 {
            let own = (0..<1000).map { experiment.trainerSeed(for: IntervalID(member: member, index: $0)) }
            #expect(Set(own).isDisjoint(with: seeds))
        }
        other.seed = 8
        #expect(other.intervalSeed(at: 0) != seeds[0])
    }

    @Test func `six decisions are as they were`() throws {
        let space: SearchSpace = ["a": .uniform(0...1), "b": .choice(["x", "y", "z"]), "c": .integer(1...9)]
        let experiment = Experiment(
            "pinned", objective: .maximize("x"), population: 6, intervals: 3, seed: 7, space: space,
            exploit: .truncation(0.34), explore: .perturb(resampling: 0.2), isSynchronous: true)
        var population = Population(objective: experiment.objective, seed: experiment.seed)
        let founders = (0..<6).map { member in
            let founder = experiment.firstInterval(of: member, at: Timestamp(milliseconds: 0))
            return founder.done(Double(member / 2))
        }
        for founder in founders { population.update(try #require(experiment.standing(of: founder, after: nil))) }
        let decisions = try founders.map { founder in
            let decision = try experiment.decide(after: founder, in: population, at: Timestamp(milliseconds: 0))
            let changes = (decision.next?.changes ?? []).map { "\($0.name) \($0.old)\($0.operation)=\($0.new)" }
            return ([decision.name, decision.next?.parent?.description ?? "none"] + changes).joined(separator: " ")
        }
        #expect(
            decisions == [
                "exploits 5@0 a 0.3223248957731428×0.8=0.25785991661851426 b \"z\"resampled=\"z\" c 1×0.8=1",
                "exploits 4@0 a 0.7520550555427983×0.8=0.6016440444342387 b \"y\"resampled=\"x\" c 1×1.25=2",
                "continues 2@0",
                "exploits 5@0 a 0.3223248957731428×0.8=0.25785991661851426 b \"z\"resampled=\"y\" c 1resampled=7",
                "continues 4@0",
                "continues 5@0",
            ])
    }

    @Test func `a hyperparameter added to a space moves no other draw`() {
        let small: SearchSpace = ["b": .uniform(0...1), "d": .integer(0...1_000_000)]
        let large: SearchSpace = [
            "a": .uniform(0...1), "b": .uniform(0...1), "c": .boolean, "d": .integer(0...1_000_000),
            "e": .choice(["x", "y"]),
        ]
        for member in 0..<50 {
            let (one, other) = (
                small.sample(seed: 5, member: member, index: 0), large.sample(seed: 5, member: member, index: 0)
            )
            #expect(one["b"] == other["b"] && one["d"] == other["d"])
        }
    }
}
