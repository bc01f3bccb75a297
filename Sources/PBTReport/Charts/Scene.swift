// SPDX-License-Identifier: Apache-2.0

import PBT

/// The data that all layers of a chart share.
struct Scene {
    let history: History
    let options: Chart.Options
    /// The intervals, by member and index.
    let intervals: [Interval]
    /// The place of each interval's parent.
    let parents: [Int?]
    let palette: Palette
    let objective: Objective
    /// The interval whose lineage is highlighted.
    let tip: Interval?
    /// The places of that lineage, from the founder.
    let path: [Int]
    /// True when the highlighted lineage is the best interval's.
    let isBest: Bool
    /// The greatest lineage depth of a finished interval, the baseline included.
    let trained: Int
    /// The number of members.
    let members: Int
    /// The colors of pieces.
    let coloring: Coloring
    /// The members whose lines are shown; none: all of them.
    let topMembers: Set<Int>?
    /// For each piece, true when it is an element of its own; on pages only.
    let isAlone: [Bool]

    /// The maximum number of members that are drawn individually.
    static let fewMembers = 24
    /// The maximum number of baseline members that are drawn individually.
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
    /// The baseline's intervals, if it is shown.
    var baseline: [Interval]? { options.showsBaseline ? history.baseline?.intervals : nil }
    /// The columns of the baseline, if it is shown.
    var baselineColumns: Columns? { options.showsBaseline ? history.baselineColumns : nil }
    var drawsEachMember: Bool { members <= Self.fewMembers }

    /// The end of an axis of training intervals: the budget while the experiment runs, else the greatest depth.
    var depth: Double {
        Double(max(1, trained, planned))
    }

    /// The number of intervals that a member will have at least; 0 if it is not known.
    var planned: Int {
        history.record.state.isOver || history.record.experiment.isEndless ? 0 : history.record.experiment.intervals
    }

    /// Returns the pieces whose lines are shown, grouped by tone, from the bottom layer to the top.
    func shownPieces(of pieces: [Piece]) -> [(tone: Coloring.Tone, pieces: [Piece])] {
        var groups: [[Piece]] = Array(repeating: [], count: coloring.tones.count)
        for piece in pieces where topMembers?.contains(piece.member) ?? true {
            groups[coloring.toneOfPiece[piece.id]].append(piece)
        }
        return zip(coloring.tones, groups).filter { !$1.isEmpty }.map { ($0, $1) }
    }

    /// Returns the members by their newest score, best first; those without one last.
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

    /// Returns the position of the start of an interval's training on the horizontal axis: the end of its parent's.
    func begin(_ place: Int) -> Double {
        guard options.axis == .time else { return Double(history.columns.depths[place] - 1) }
        let inherited = parents[place].map { history.columns.finished[$0] } ?? .nan
        return inherited.isNaN ? history.columns.started[place] : inherited
    }

    /// Returns the position of the end of its training on the horizontal axis; NaN when it is not known.
    func end(_ place: Int) -> Double {
        history.columns.end(place, on: options.axis)
    }

    /// The metric's name, safe for a sentence.
    var metric: String {
        XML.name(objective.metric)
    }

    /// The experiment's name, safe for a sentence.
    var name: String {
        XML.name(history.record.experiment.name, width: isNarrow ? 20 : 40)
    }

    /// The title: the best score, and the verdict against the baseline.
    var headline: String {
        guard let best = history.best?.finiteScore else { return "\(name): no score yet" }
        let verdict = baseline == nil ? nil : history.verdict
        return "\(name): best \(metric) \(Format.score(best))" + (verdict.map { ", \($0.headline)" } ?? "")
    }

    /// The summary of the experiment in sentences.
    var sentence: String {
        guard let best = history.best, let score = best.finiteScore else {
            return "No interval of \(name) has finished with a score yet."
        }
        var text = "Best \(metric) \(Format.score(score)), by member \(best.id.member) at interval \(best.id.index)"
        if baseline != nil, let verdict = history.verdict { text += "; \(verdict.text)" }
        let founders = history.families.foundersLeft
        text += ". "
        if history.copies > 0 {
            text +=
                "\(founders) of \(history.families.founders) founders left after \(count(history.copies, "copy", "copies")). "
        }
        return text + (objective.goal == .maximize ? "Higher is better." : "Lower is better.")
    }

    /// Returns a number with its noun.
    func count(_ number: Int, _ one: String, _ many: String) -> String {
        "\(number) \(number == 1 ? one : many)"
    }
}
