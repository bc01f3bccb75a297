// SPDX-License-Identifier: Apache-2.0

/// The name of an attempt at an interval, and of the checkpoint that it publishes: `m0003-i0012-a1`.
///
/// Attempt 0 is not an attempt: `m0003-i0000-a0` is a copy of a checkpoint that founders continue
/// (``FounderCheckpoint``).
///
/// This is the only parser of such names. No other string is accepted as the name of a checkpoint, neither by a store
/// nor by code that reads or deletes files.
public struct CheckpointName: Sendable, Hashable, CustomStringConvertible {
    /// The interval.
    public let interval: IntervalID
    /// The number of the attempt, from 1; 0 for a copy that founders continue.
    public let attempt: Int

    /// Creates the name of an attempt.
    ///
    /// - Parameters:
    ///   - interval: The interval.
    ///   - attempt: The number of the attempt, from 1; 0 for a copy that founders continue.
    public init(_ interval: IntervalID, attempt: Int) {
        self.interval = interval
        self.attempt = attempt
    }

    /// Parses a name; nil for every string that ``description`` does not produce.
    public init?(_ text: String) {
        // The longest name has three numbers of 19 digits.
        guard text.utf8.count <= 64 else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 3, let member = Self.number(parts[0], after: "m"),
            let index = Self.number(parts[1], after: "i"), let attempt = Self.number(parts[2], after: "a"),
            attempt >= (index == 0 ? 0 : 1)
        else { return nil }
        self.init(IntervalID(member: member, index: index), attempt: attempt)
        // One spelling only: neither `m03` nor `m00003`.
        guard description.utf8.elementsEqual(text.utf8) else { return nil }
    }

    private static func number(_ part: Substring.UTF8View, after letter: Unicode.Scalar) -> Int? {
        let digits = part.dropFirst()
        guard part.first == UInt8(ascii: letter), !digits.isEmpty,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(String(Substring(digits)))
    }

    /// True if it names a copy of a checkpoint that founders continue, which no attempt published.
    package var isFounderCopy: Bool {
        attempt == 0
    }

    /// The name: member, interval, and attempt; the first two with at least four digits.
    public var description: String {
        "m\(Self.padded(interval.member))-i\(Self.padded(interval.index))-a\(attempt)"
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}

extension CheckpointName {
    /// Returns the error for a name that is not the one that this attempt publishes.
    func refusal(of given: String) -> PBTError {
        PBTError(
            .badValue,
            "checkpoint: attempt \(attempt) at interval \(interval) publishes \"\(self)\", not "
                + "\(Value.string(String(given.prefix(100))).json); finish with the name that publish returned")
    }
}

extension Interval {
    /// The name of the interval's checkpoint, if an attempt at the interval can have published it.
    ///
    /// Nil for a name that something else wrote into the store: no file is read, served, or deleted by such a name.
    public var checkpointName: CheckpointName? {
        guard let name = checkpoint.flatMap({ CheckpointName($0) }), name.interval == id, name.attempt <= attempts,
            !name.isFounderCopy
        else {
            return nil
        }
        return name
    }
}
