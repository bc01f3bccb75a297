// SPDX-License-Identifier: Apache-2.0

/// Describes the first of some numbers that is out of bounds, as a clause; ignores missing ones.
private func complaint(_ numbers: (name: String, number: Int64?, range: ClosedRange<Int>)...) -> String? {
    for (name, number, range) in numbers {
        guard let number, !range.contains(Int(number)) else { continue }
        return "\(name) is \(number), not between \(range.lowerBound) and \(range.upperBound)"
    }
    return nil
}

extension IntervalID {
    /// The problem with its numbers, as a clause; nil if they are within ``Limits``.
    package var limitComplaint: String? {
        complaint(
            ("the member", Int64(member), Limits.ordinals), ("the interval", Int64(index), Limits.ordinals))
    }
}

extension Interval {
    /// The problem with its numbers, as a clause; nil if they are within ``Limits``.
    ///
    /// Checked when an interval is read from a row or a message, so that later arithmetic does not overflow.
    package var limitComplaint: String? {
        if let found = id.limitComplaint ?? parent?.limitComplaint { return found }
        let (ordinals, counters, times) = (Limits.ordinals, Limits.counters, Limits.times)
        if let found = complaint(
            ("depth", Int64(depth), Limits.depths), ("attempts", Int64(attempts), ordinals),
            ("failures", Int64(failures), ordinals), ("sequence", sequence, counters),
            ("created", created.milliseconds, times), ("started", started?.milliseconds, times),
            ("finished", finished?.milliseconds, times), ("lease_expires", leaseExpires?.milliseconds, times))
        {
            return found
        }
        if let decided {
            let found = complaint(
                ("decided after", decided.after, counters), ("decided order", decided.order, counters),
                ("decided members", Int64(decided.members), counters))
            if let found { return found }
        }
        if state == .done, let score, !score.isFinite { return "it is done with the score \(score)" }
        guard !notes.isEmpty else { return nil }
        return earlierPlaces.lazy.compactMap { complaint(("an earlier place", $0, counters)) }.first
    }
}

extension ExperimentRecord {
    /// The problem with its numbers, as a clause; nil if they are within ``Limits``.
    package var limitComplaint: String? {
        let (counters, times) = (Limits.counters, Limits.times)
        for (state, count) in counts {
            if let found = complaint((state.rawValue, Int64(count), counters)) { return found }
        }
        if let found = best?.limitComplaint { return found }
        if let bestScore, !bestScore.isFinite { return "the best score is \(bestScore)" }
        return complaint(
            ("id", id, counters), ("members_ended", Int64(membersEnded), counters),
            ("skipped", Int64(clamping: skipped.magnitude), counters),
            ("failures_in_a_row", Int64(failuresInARow), counters),
            ("finished_intervals", finishedIntervals, counters), ("undecided", Int64(undecided), counters),
            ("late_decisions", lateDecisions, counters), ("generation", Int64(generation), counters),
            ("created", created.milliseconds, times), ("ended", ended?.milliseconds, times),
            ("generation_began", generationBegan.milliseconds, times),
            ("limit_began", limitBegan.milliseconds, times))
    }
}
