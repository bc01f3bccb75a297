// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// A text as numbers of symbols, in three parts that follow each other.
struct CharacterText: Sendable {
    /// The bytes that occur in it, in order.
    let alphabet: [UInt8]
    /// For each place of the text the number of its symbol in the alphabet.
    let symbols: [Int]
    /// The places whose symbols are learnt: the first 80 %.
    let training: Range<Int>
    /// The places that scores come from: the next 10 %.
    let validation: Range<Int>
    /// The places that no search sees: the last 10 %.
    let test: Range<Int>

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - path: The file; every byte is one symbol.
    ///   - context: How many symbols stand before one that is predicted.
    /// - Throws: A `PBTError` when it cannot be read or is too short.
    init(_ path: FilePath, context: Int) throws {
        let bytes = try readBytes(path)
        guard bytes.count >= 40 * context else {
            throw PBTError(.badValue, "\(path) has \(bytes.count) bytes; a text needs at least \(40 * context)")
        }
        alphabet = Set(bytes).sorted()
        var number = [Int](repeating: 0, count: 256)
        for (i, byte) in alphabet.enumerated() { number[Int(byte)] = i }
        symbols = bytes.map { number[Int($0)] }
        let (first, second) = (bytes.count * 8 / 10, bytes.count * 9 / 10)
        // A part's first symbols are context only, so that no part looks into another.
        training = context..<first
        validation = first + context..<second
        test = second + context..<bytes.count
    }
}
