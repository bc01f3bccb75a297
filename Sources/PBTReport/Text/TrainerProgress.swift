// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The progress of a trainer within its interval, from its log.
package struct TrainerProgress: Sendable, Hashable {
    /// The trainer's own words: `step 120 of 500`, `45%`, or the last line of its output.
    package var text: String
    /// The completed fraction, from 0 to 1; nil if it says nothing about it.
    package var share: Double?

    /// `24%`; nil without a share.
    package var percent: String? {
        share.map { "\(Int(saturating: $0 * 100))%" }
    }

    /// The words before a number that name what is counted.
    private static let units = [
        "step", "steps", "epoch", "epochs", "batch", "batches", "iteration", "iterations", "iter", "iters", "update",
        "updates", "episode", "episodes", "frame", "frames", "image", "images", "sample", "samples",
    ]

    /// Reads the last line of a log.
    ///
    /// Understood are `step 120 of 500`, `Epoch 3/10` and the like, and a percentage, also in the bar of tqdm; of several
    /// the first that counts something by name, since `epoch 3/10, batch 7/90` is 20 % done. Of any other line only the
    /// text is shown.
    ///
    /// - Parameter line: A line without control characters.
    package init(line: String) {
        let line = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        text = line
        let scanned = Scanner(line)
        if let named = scanned.counts.first(where: { Self.units.contains($0.unit) }) {
            share = named.done / named.all
            text = "\(named.unit) \(Int(saturating: named.done)) of \(Int(saturating: named.all))"
        } else if let percent = scanned.percent {
            share = percent / 100
            if let count = scanned.counts.first {
                text = "\(Int(saturating: count.done)) of \(Int(saturating: count.all))"
            }
        }
    }

    /// Reads the metrics that a persistent trainer reports during an interval.
    ///
    /// Nil if there are none.
    ///
    /// - Parameter metrics: The metrics of a running interval.
    package init?(metrics: [String: Value]) {
        guard !metrics.isEmpty else { return nil }
        func number(_ names: [String]) -> Double? {
            names.lazy.compactMap { metrics[$0]?.double }.first { $0.isFinite }
        }
        for unit in ["step", "epoch", "batch", "iteration"] {
            guard let done = number([unit]) else { continue }
            let plural = unit == "batch" ? "batches" : "\(unit)s"
            guard let all = number([plural, "total_\(plural)", "max_\(plural)"]), all > 0, done >= 0, done <= all else {
                continue
            }
            share = done / all
            text = "\(unit) \(Int(saturating: done)) of \(Int(saturating: all))"
            return
        }
        let first = ["step", "epoch", "batch", "iteration"].filter { metrics[$0] != nil }
        let names = first + metrics.keys.filter { !first.contains($0) }.sorted()
        text = names.prefix(4).map { "\($0) \(metrics[$0]?.double.map(Format.score) ?? metrics[$0]?.argument ?? "")" }
            .joined(separator: ", ")
    }
}

/// The counts and the percentage in a line.
private struct Scanner {
    /// `120 of 500` or `120/500`, with the word before it in lowercase.
    struct Count {
        var unit: String
        var done: Double
        var all: Double
    }

    private(set) var counts: [Count] = []
    /// The first percentage, from 0 to 100.
    private(set) var percent: Double?
    private let characters: [Character]

    init(_ line: String) {
        characters = Array(line)
        var word = ""
        var place = 0
        while place < characters.count {
            if characters[place].isLetter {
                let start = place
                while place < characters.count, characters[place].isLetter { place += 1 }
                word = String(characters[start..<place]).lowercased()
                continue
            }
            guard Self.isDigit(characters[place]) else {
                place += 1
                continue
            }
            let isJoined = place > 0 && (Self.joins(characters[place - 1]) || characters[place - 1].isLetter)
            guard let (number, end) = number(at: place) else { break }
            if !isJoined { take(number, end, after: word) }
            place = end
            word = ""
        }
    }

    /// Takes a number that something else may follow: a count, or a percent sign.
    private mutating func take(_ number: Double, _ end: Int, after word: String) {
        var next = end
        if next < characters.count, characters[next] == " " { next += 1 }
        let rest = characters[next...]
        if rest.first == "%" {
            if percent == nil, number <= 100 { percent = number }
            return
        }
        guard let sign = ["/", "of", "out of"].first(where: { rest.starts(with: $0) }) else { return }
        next += sign.count
        if next < characters.count, characters[next] == " " { next += 1 }
        guard next < characters.count, Self.isDigit(characters[next]), let (all, last) = self.number(at: next),
            // Not a date, a time or a range.
            last >= characters.count || !Self.joins(characters[last]) || !hasDigit(at: last + 1)
        else { return }
        if all > 0, all.isFinite, number <= all { counts.append(Count(unit: word, done: number, all: all)) }
    }

    /// Returns the number that begins at a digit, and its end; nil if it is too long for one.
    private func number(at start: Int) -> (Double, Int)? {
        var end = start
        while end < characters.count, Self.isDigit(characters[end]) { end += 1 }
        if end + 1 < characters.count, characters[end] == ".", Self.isDigit(characters[end + 1]) {
            end += 1
            while end < characters.count, Self.isDigit(characters[end]) { end += 1 }
        }
        return Double(String(characters[start..<end])).map { ($0, end) }
    }

    private func hasDigit(at place: Int) -> Bool {
        place < characters.count && Self.isDigit(characters[place])
    }

    private static func isDigit(_ character: Character) -> Bool {
        ("0"..."9").contains(character)
    }

    /// Returns true for what joins the parts of a date, a time, a range, or a version.
    private static func joins(_ character: Character) -> Bool {
        [".", "/", ":", "-", "_"].contains(character)
    }
}
