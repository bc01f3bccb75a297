// SPDX-License-Identifier: Apache-2.0

/// The monotone sequence with the least squared distance from some numbers, by the pool adjacent violators algorithm
/// (Ayer, Brunk, Ewing, Reid, Silverman: An empirical distribution function for sampling with incomplete information,
/// Annals of Mathematical Statistics 26, 1955).
struct IsotonicRegression {
    /// Neighbors with the same fitted value, their mean.
    struct Block {
        var range: Range<Int>
        var mean: Double
    }

    /// The blocks in order, each with another mean.
    let blocks: [Block]
    /// The sum of the squared distances.
    let error: Double
    /// The direction.
    let isIncreasing: Bool

    /// Fits finite numbers in linear time.
    init(_ numbers: [Double], isIncreasing: Bool) {
        var blocks: [Block] = []
        for (place, number) in numbers.enumerated() {
            var block = Block(range: place..<place + 1, mean: number)
            while let last = blocks.last, isIncreasing ? last.mean >= block.mean : last.mean <= block.mean {
                let count = Double(last.range.count + block.range.count)
                block = Block(
                    range: last.range.lowerBound..<block.range.upperBound,
                    mean: last.mean + (block.mean - last.mean) * Double(block.range.count) / count)
                blocks.removeLast()
            }
            blocks.append(block)
        }
        self.blocks = blocks
        self.isIncreasing = isIncreasing
        error = blocks.reduce(0) { sum, block in
            block.range.reduce(sum) { $0 + (numbers[$1] - block.mean) * (numbers[$1] - block.mean) }
        }
    }
}
