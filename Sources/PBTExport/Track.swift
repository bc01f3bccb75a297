// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTReport

/// A sequence of finished intervals that other tools show as one run: a member's own, or a lineage.
///
/// Steps strictly increase. The step of a member is the index of the interval. Along a lineage it is the number of the
/// interval in the schedule, so a copy is not a jump in time.
package struct Track: Sendable {
    /// The subject of a track.
    package enum Kind: Sendable, Hashable {
        /// The intervals of one member.
        case member(Int)
        /// The lineage of a member's newest interval.
        case lineage(Int)
        /// The lineage of the best interval.
        case best
    }

    /// One interval on the track.
    package struct Point: Sendable {
        /// The step, from 0.
        package let step: Int
        /// The finished interval.
        package let interval: Interval
    }

    /// The subject.
    package let kind: Kind
    /// The name: `members/m07`, `lineages/m07`, `lineages/best`; numbers are padded so that names sort.
    package let name: String
    /// The intervals.
    package let points: [Point]
    /// An identifier of its course: as long as it stays the same, the track only grows.
    package let course: String

    /// Returns the tracks of a history: all members, and, where members were copied, the lineages of the current ones.
    ///
    /// - Parameter history: The history.
    /// - Returns: The members by number, then the best lineage if there is a best, then the others by member.
    package static func all(of history: History) -> [Track] {
        let genealogy = history.genealogy
        let last = genealogy.intervals.last?.id.member ?? 0
        let digits = max(2, String(last).count)
        func label(_ member: Int) -> String {
            let number = String(member)
            return "m" + String(repeating: "0", count: digits - number.count) + number
        }
        var tracks: [Track] = []
        var start = 0
        let intervals = genealogy.intervals
        for place in intervals.indices
        where place + 1 == intervals.count || intervals[place + 1].id.member != intervals[place].id.member {
            let own = intervals[start...place].filter(\.state.isFinished)
            let member = intervals[place].id.member
            tracks.append(
                Track(
                    kind: .member(member), name: "members/\(label(member))",
                    points: own.map { Point(step: $0.id.index, interval: $0) }, course: ""))
            start = place + 1
        }
        func ancestry(_ id: IntervalID, _ kind: Kind, _ name: String) -> Track {
            let path = genealogy.lineage(of: id).enumerated().filter(\.element.state.isFinished)
            // A lineage changes exactly when the member is replaced: with each of its lives.
            let life = genealogy.place(of: id).map { history.pieces[history.pieceOfPlace[$0]].life } ?? 0
            return Track(
                kind: kind, name: "lineages/\(name)",
                points: path.map { Point(step: $0.offset, interval: $0.element) },
                course: "\(label(id.member))-\(life)")
        }
        if let best = history.best { tracks.append(ancestry(best.id, .best, "best")) }
        // Without copies each lineage is the member's own track.
        guard history.copies > 0 else { return tracks }
        tracks += history.families.population.map { ancestry($0, .lineage($0.member), label($0.member)) }
        return tracks
    }
}

extension Interval {
    /// The time of its current state: when it finished, or the nearest known time.
    package var latest: Timestamp {
        finished ?? started ?? created
    }

    /// The changes by exploit and explore before it, in words; none when it continues its own member or is a founder.
    package func copyText(in history: History) -> String? {
        guard isExploit, let parent else { return nil }
        let donor = history.genealogy[parent]
        let score = donor?.score.map { ", which scored \(Format.score($0))" } ?? ""
        var text = "Continues \(parent)\(score)."
        for change in changes {
            text +=
                "\n\n\(change.name): \(change.before?.json ?? "-") \(change.operation) → \(change.after?.json ?? "-")"
            if change.isClipped { text += " (clipped)" }
        }
        return text
    }
}
