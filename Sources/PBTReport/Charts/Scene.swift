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

    /// How a piece is coloured: by what became of it.
    func color(of piece: Piece) -> String {
        guard let last = piece.places.last, history.families.survives[last] else { return palette.extinct }
        guard let family = history.families.family[last] else { return palette.trunk }
        return palette.families[family % palette.families.count]
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
                "\(founders) of \(max(members, founders)) founders left after \(count(history.copies, "copy", "copies")). "
        }
        return text + (objective.goal == .maximize ? "Higher is better." : "Lower is better.")
    }

    /// A number and what it counts.
    func count(_ number: Int, _ one: String, _ many: String) -> String {
        "\(number) \(number == 1 ? one : many)"
    }
}
