// SPDX-License-Identifier: Apache-2.0

import PBT

/// What the layers of a picture share.
struct Scene {
    let history: History
    let options: Chart.Options
    /// Its intervals, by member and index.
    let intervals: [Interval]
    /// For each interval, the place of its parent.
    let parents: [Int?]
    let palette: Palette
    let objective: Objective
    /// The interval whose lineage stands out.
    let tip: Interval?
    /// The places of that lineage, from the founder.
    let path: [Int]
    /// Whether the lineage is the best interval's.
    let isBest: Bool
    /// The most intervals of training that anything finished holds, the baseline included.
    let trained: Int
    /// How many members there are.
    let members: Int
    /// What the colors of pieces mean.
    let coloring: Coloring
    /// The members whose lines are shown; none: all of them.
    let topMembers: Set<Int>?
    /// For each piece, whether it is an element of its own; on pages only.
    let isAlone: [Bool]

    /// Up to so many members are drawn one by one.
    static let fewMembers = 24
    /// Up to so many members of the baseline are drawn one by one.
    static let fewBaselineMembers = 16

    init(_ history: History, _ options: Chart.Options) {
        self.history = history
        self.options = options
        intervals = history.genealogy.intervals
        parents = history.genealogy.parents
        palette = Palette(options.theme)
        objective = history.record.experiment.objective
        let tip = options.tip.flatMap { history.genealogy[$0] } ?? history.best
        self.tip = tip
        path = tip.flatMap { history.genealogy.place(of: $0.id) }.map { history.genealogy.lineage(at: $0) } ?? []
        isBest = tip?.id == history.best?.id
        trained = max(history.columns.trained, options.showsBaseline ? history.baselineColumns?.trained ?? 0 : 0)
        members = history.columns.members
        coloring = Coloring(history, options.color, palette)
        topMembers = options.top.flatMap { Self.top($0, of: history) }
        isAlone = options.theme == .page ? Self.alone(history, path: path, members: members) : []
    }

    var width: Double { Double(options.width.rawValue) }
    var isNarrow: Bool { options.width == .narrow }
    var pathColor: String { isBest ? palette.best : palette.ink }
    /// The baseline's intervals, if they are shown.
    var baseline: [Interval]? { options.showsBaseline ? history.baseline?.intervals : nil }
    /// The columns of the baseline, if it is shown.
    var baselineColumns: Columns? { options.showsBaseline ? history.baselineColumns : nil }
    var drawsEachMember: Bool { members <= Self.fewMembers }

    /// The greatest number on an axis of intervals of training: the budget while the experiment runs, else what was
    /// trained.
    var depth: Double {
        Double(max(1, trained, planned))
    }

    /// How many intervals a member is going to have at least, as far as it is known.
    var planned: Int {
        history.record.state.isOver || history.record.experiment.isEndless ? 0 : history.record.experiment.intervals
    }

    /// The pieces whose lines are shown, by their tones, from the lowest to the topmost.
    func shownPieces(of pieces: [Piece]) -> [(tone: Coloring.Tone, pieces: [Piece])] {
        var groups: [[Piece]] = Array(repeating: [], count: coloring.tones.count)
        for piece in pieces where topMembers?.contains(piece.member) ?? true {
            groups[coloring.toneOfPiece[piece.id]].append(piece)
        }
        return zip(coloring.tones, groups).filter { !$1.isEmpty }.map { ($0, $1) }
    }

    /// Members by their newest score, the best first; those without one last.
    static func ranked(_ history: History) -> [Int] {
        let objective = history.record.experiment.objective
        var newest: [(member: Int, key: Double)] = []
        for (start, end) in zip(history.columns.starts, history.columns.starts.dropFirst()) where start < end {
            let score = history.columns.scores[start..<end].last { !$0.isNaN }
            newest.append((history.columns.ids[start].member, score.map { objective.key($0) } ?? -.infinity))
        }
        return newest.sorted { ($1.key, $0.member) < ($0.key, $1.member) }.map(\.member)
    }

    private static func top(_ count: Int, of history: History) -> Set<Int>? {
        count < history.columns.members ? Set(ranked(history).prefix(max(0, count))) : nil
    }

    /// Where along the axis from left to right an interval's training began: where its parent's ended.
    func begin(_ place: Int) -> Double {
        guard options.axis == .time else { return Double(history.columns.depths[place] - 1) }
        let inherited = parents[place].map { history.columns.finished[$0] } ?? .nan
        return inherited.isNaN ? history.columns.started[place] : inherited
    }

    /// Where along that axis its training ended; not a number when that is not known.
    func end(_ place: Int) -> Double {
        history.columns.end(place, on: options.axis)
    }

    /// The metric's name as part of a sentence.
    var metric: String {
        XML.name(objective.metric)
    }

    /// The experiment's name as part of a sentence.
    var name: String {
        XML.name(history.record.experiment.name, width: isNarrow ? 20 : 40)
    }

    /// The best score beside the baseline's: what a title says.
    var headline: String {
        guard let best = history.best?.finiteScore else { return "\(name): no score yet" }
        let beside = baseline == nil ? nil : history.baselineBest?.finiteScore
        return "\(name): best \(metric) \(Format.score(best))"
            + (beside.map { ", random search \(Format.score($0))" } ?? "")
    }

    /// What a person would say about the experiment.
    var sentence: String {
        guard let best = history.best, let score = best.finiteScore else {
            return "No interval of \(name) has finished with a score yet."
        }
        var text = "Best \(metric) \(Format.score(score)), by member \(best.id.member) at interval \(best.id.index)"
        if baseline != nil, let other = history.baselineBest?.finiteScore {
            let difference = Format.significant((score - other).magnitude, digits: 3)
            text +=
                score == other
                ? ", the same as random search"
                : ", \(difference) \(objective.isBetter(score, than: other) ? "better" : "worse") than random search"
        }
        let founders = history.families.foundersLeft
        text += ". "
        if history.copies > 0 {
            text +=
                "\(founders) of \(history.families.founders) founders left after \(count(history.copies, "copy", "copies")). "
        }
        return text + (objective.goal == .maximize ? "Higher is better." : "Lower is better.")
    }

    /// A number and what it counts.
    func count(_ number: Int, _ one: String, _ many: String) -> String {
        "\(number) \(number == 1 ? one : many)"
    }
}
