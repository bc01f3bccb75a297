// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A member as it is shown: by its newest interval that has finished, and what it does now.
struct MemberStanding {
    /// Its newest interval that has finished; its first when none has.
    let shown: Interval
    /// Its interval that waits or runs, when there is one after that.
    let open: Interval?

    /// The member whose intervals these are, in order; at least one.
    init(_ intervals: ArraySlice<Interval>) {
        let last = intervals[intervals.index(before: intervals.endIndex)]
        let finished = intervals.last { $0.state.isFinished }
        shown = finished ?? last
        open = last.id == shown.id ? nil : last
    }

    /// Its score, when that is finite.
    var score: Double? {
        shown.state == .done ? shown.score : nil
    }

    /// What it does, in a few words.
    var words: String {
        guard let open else { return shown.state.rawValue }
        let result = shown.state == .done ? "" : "\(shown.state.rawValue), "
        return result + (open.state == .running ? "training @\(open.id.index)" : "waiting for @\(open.id.index)")
    }
}

extension LoadedExperiment {
    /// The members, best first; those without a score last.
    func standings() -> [MemberStanding] {
        let objective = experiment.objective
        return history.members.map { MemberStanding($0) }.sorted { a, b in
            switch (a.score, b.score) {
            case (let x?, let y?) where x != y: objective.isBetter(x, than: y)
            case (.some, nil): true
            case (nil, .some): false
            default: a.shown.id < b.shown.id
            }
        }
    }
}
