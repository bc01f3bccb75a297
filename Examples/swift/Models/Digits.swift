// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// The 1,797 digits, shuffled once and for all, in three parts.
struct Digits: Sendable {
    /// The points of an image.
    static let points = 64
    /// The digits 0 to 9.
    static let classes = 10
    private static let count = 1797

    /// For each sample its points, 0 to 1, row by row.
    private let images: [Float]
    /// For each sample what it shows.
    let labels: [Int]
    /// The same, but 30 % of those to train on, drawn at random, replaced by any of the ten digits.
    let noisyLabels: [Int]

    /// The samples to train on.
    let training = 0..<1197
    /// The samples that scores come from.
    let validation = 1197..<1497
    /// The samples that no search sees.
    let test = 1497..<1797

    /// Reads the file: for each sample 64 bytes of 0 to 16, then the label.
    ///
    /// - Throws: A `PBTError` when it cannot be read or is not what it should be.
    init(_ path: FilePath) throws {
        let bytes = try readBytes(path)
        let stride = Self.points + 1
        let isRight = bytes.indices.allSatisfy { bytes[$0] <= ($0 % stride == Self.points ? 9 : 16) }
        guard bytes.count == Self.count * stride, isRight else {
            throw PBTError(.badValue, "\(path) is not the file with the \(Self.count) digits; see README.md there")
        }
        var random = RandomStream(seed: 1, .sample, member: 0, index: 0, name: "digits")
        var order = Array(0..<Self.count)
        for i in order.indices.dropLast() { order.swapAt(i, i + random.index(below: order.count - i)) }
        images = order.flatMap { sample in
            bytes[sample * stride..<sample * stride + Self.points].map { Float($0) / 16 }
        }
        labels = order.map { Int(bytes[$0 * stride + Self.points]) }
        var noisy = labels
        for i in training where random.unit() < 0.3 { noisy[i] = random.index(below: Self.classes) }
        noisyLabels = noisy
    }

    /// Lends the images: a function from a sample's number to its points.
    func withImages<Result>(_ body: ((Int) -> Reading) throws -> Result) rethrows -> Result {
        try images.withUnsafeBufferPointer { images in
            try body { images.part($0 * Self.points..<($0 + 1) * Self.points) }
        }
    }
}
