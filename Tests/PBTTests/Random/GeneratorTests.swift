// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Generators") struct GeneratorTests {
    @Test func `SplitMix64 gives its published vector`() {
        var generator = SplitMix64(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect(expected.map { _ in generator.next() } == expected)
    }

    @Test func `xoshiro256** gives its published vector`() {
        var generator = Xoshiro256(state: (1, 2, 3, 4))
        let expected: [UInt64] = [
            11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
            16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777,
            2_904_607_092_377_533_576,
        ]
        #expect(expected.map { _ in generator.next() } == expected)
    }

    @Test func `xoshiro256** takes its state from four words of SplitMix64`() {
        var seeder = SplitMix64(seed: 99)
        var expected = Xoshiro256(state: (seeder.next(), seeder.next(), seeder.next(), seeder.next()))
        var generator = Xoshiro256(seed: 99)
        for _ in 0..<20 { #expect(generator.next() == expected.next()) }
    }

    @Test func `seed 0 is as good as any`() {
        var generator = Xoshiro256(seed: 0)
        let words = (0..<1000).map { _ in generator.next() }
        #expect(Set(words).count == 1000)
        let ones = words.reduce(0) { $0 + $1.nonzeroBitCount }
        // 64,000 fair bits: mean 32,000, standard deviation 126.
        #expect((ones - 32000).magnitude < 5 * 127)
    }

    @Test func `a state of zeros only is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            _ = Xoshiro256(state: (0, 0, 0, 0))
        }
    }
}
