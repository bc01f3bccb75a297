// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import SystemPackage
import Testing

@testable import ExampleModels

@Suite struct `The examples' data` {
    @Test(arguments: [
        ("digits.bin", 116_805, 0x7768_69cc_e379_5967 as UInt64), ("gpl-3.txt", 35_149, 0x3a7b_2fcb_c1b6_6470),
    ])
    func `are the files that the README tells of`(name: String, size: Int, checksum: UInt64) throws {
        let bytes = try readBytes(exampleData.appending(name))
        #expect(bytes.count == size)
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        #expect(hash == checksum)
    }

    @Test func `are 1,797 digits of ten classes in three parts`() throws {
        let digits = try Digits(exampleData.appending("digits.bin"))
        #expect(digits.labels.count == 1797)
        #expect([digits.training, digits.validation, digits.test].map(\.count) == [1197, 300, 300])
        for part in [digits.training, digits.validation, digits.test] {
            for digit in 0...9 { #expect(digits.labels[part].count { $0 == digit } >= part.count / 20) }
        }
        // The counts of the ten digits that the source gives for this part of its data.
        #expect(
            (0...9).map { digit in digits.labels.count { $0 == digit } }
                == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    }

    @Test func `have wrong labels in the training part only, three in ten drawn anew`() throws {
        let digits = try Digits(exampleData.appending("digits.bin"))
        let wrong = digits.labels.indices.filter { digits.labels[$0] != digits.noisyLabels[$0] }
        #expect(wrong.allSatisfy { digits.training.contains($0) })
        // Of those drawn anew a tenth comes out right: 27 % of 1,197 is 323, with a standard deviation of 15.
        #expect((278...368).contains(wrong.count))
    }

    @Test func `are a text whose parts do not look into each other`() throws {
        let text = try CharacterText(exampleData.appending("gpl-3.txt"), context: 8)
        #expect(text.alphabet.count == 76)
        #expect(text.training.upperBound + 8 == text.validation.lowerBound)
        #expect(text.validation.upperBound + 8 == text.test.lowerBound)
        #expect(text.test.upperBound == text.symbols.count)
        #expect(text.symbols.prefix(30).map { text.alphabet[$0] } == Array("                    GNU GENERA".utf8))
    }

    @Test func `that are missing or something else are refused with the path`() async throws {
        try await withTemporaryDirectory { directory in
            let missing = "cannot read \(directory)/digits.bin: No such file or directory"
            #expect(throws: PBTError(.inputOutput, missing)) { try NoisyDigits(data: FilePath(directory)) }
            let file = try FileDescriptor.open(
                FilePath(directory).appending("digits.bin"), .writeOnly, options: .create, permissions: .ownerReadWrite)
            _ = try file.closeAfter { try file.writeAll(repeatElement(17, count: 116_805)) }
            let other = "\(directory)/digits.bin is not the file with the 1797 digits; see README.md there"
            #expect(throws: PBTError(.badValue, other)) { try NoisyDigits(data: FilePath(directory)) }
        }
    }
}
