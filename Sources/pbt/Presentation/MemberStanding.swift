// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A member's latest finished interval, and its current activity.
struct MemberStanding {
    /// Its latest finished interval; its first when none has finished.
    let shown: Interval
    /// The waiting or running interval after that, if any.
    let open: Interval?

    /// Creates the standing of a member from its intervals, in order; at least one.
    init(_ intervals: ArraySlice<Interval>) {
        let last = intervals[intervals.index(before: intervals.endIndex)]
        let finished = intervals.last { $0.state.isFinished }
        shown = finished ?? last
        open = last.id == shown.id ? nil : last
    }

    /// The score, if it is finite.
    var score: Double? {
        shown.state == .done ? shown.score : nil
    }

    /// The member's activity in a few words.
    var words: String {
        guard let open else { return shown.state.rawValue }
        let result = shown.state == .done ? "" : "\(shown.state.rawValue), "
        return result + (open.state == .running ? "training @\(open.id.index)" : "waiting for @\(open.id.index)")
    }
}

extension LoadedExperiment {
    /// Returns the members, best first; those without a score last.
    func standings() -> [MemberStanding] {
        let objective = experiment.objective
        func isBest(_ standing: MemberStanding) -> Bool { standing.shown.id == history.best?.id }
        return history.members.map { MemberStanding($0) }.sorted { a, b in
            switch (a.score, b.score) {
            case (let x?, let y?) where x != y: objective.isBetter(x, than: y)
            case (.some, nil): true
            case (nil, .some): false
            default: isBest(a) == isBest(b) ? a.shown.id < b.shown.id : isBest(a)
            }
        }
    }
}
