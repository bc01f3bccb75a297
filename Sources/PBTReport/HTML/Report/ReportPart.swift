// SPDX-License-Identifier: Apache-2.0

import PBT

/// One experiment in a report.
struct ReportPart {
    private let history: History
    /// The fragment identifier that links refer to.
    let id: String
    /// The name, on one line.
    let name: String
    private let isAlone: Bool
    private let storeOption: [String]

    /// Creates a part.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - number: The number of the part, from 1.
    ///   - isAlone: True for the only part, whose name is the title of the page.
    ///   - storeOption: The option that names the store in a command.
    init(_ history: History, number: Int, isAlone: Bool, storeOption: [String] = []) {
        self.history = history
        self.storeOption = storeOption
        self.isAlone = isAlone
        id = "e\(number)"
        name = PlainText.line(history.record.experiment.name)
    }

    private var record: ExperimentRecord { history.record }
    private var experiment: Experiment { record.experiment }
    /// True when members may continue the checkpoints of others.
    private var isPopulation: Bool { experiment.kind == .populationBasedTraining }

    /// A section with a title.
    struct Section {
        var id: String
        var title: String
        var html: HTML
    }

    /// The part as HTML.
    var html: HTML {
        tag("section", ["id": id]) {
            if !isAlone { tag("h2") { name } }
            tag("p") { sentence }
            tiles
            tag("div", ["class": "grid"]) {
                for section in sections {
                    tag("section", ["id": section.id, "class": "card"]) {
                        tag("h3") { section.title }
                        section.html
                    }
                }
            }
        }
    }

    /// The sections, most interesting first.
    var sections: [Section] {
        var sections: [Section] = []
        func add(_ key: String, _ title: String, _ html: HTML) {
            sections.append(Section(id: "\(id)-\(key)", title: title, html: html))
        }
        func picture(
            _ key: String, _ title: String, _ table: ChartTable, more: HTML = .nothing,
            _ chart: (History, Chart.Options) -> Chart
        ) {
            add(
                key, title,
                Self.picture { chart(history, $0) } + more + Self.details("View data", table))
        }
        picture("curves", "Learning curves", .scores(of: history), Chart.curves(of:options:))
        picture("schedule", "Schedule of the winner", .schedule(of: history), Chart.schedule(of:options:))
        if isPopulation {
            picture("lineage", "Lineage", .lineage(of: history), Chart.lineage(of:options:))
            picture("share", "Founders", .share(of: history), Chart.share(of:options:))
        }
        picture("scatter", "Hyperparameters", .scatter(of: history), Chart.scatter(of:options:))
        picture("timeline", "Workers", .timeline(of: history), Chart.timeline(of:options:))
        add("winner", "Winner", winner)
        if isPopulation { add("explore", "Effect of exploration", explored) }
        add("members", "Members", scrollRegion("Members") { HTML.table(ReportTables.members(of: history)) })
        let troubles = ReportTables.troubles(of: history)
        if !troubles.rows.isEmpty {
            add("failures", "Failures", scrollRegion("Failures") { HTML.table(troubles) })
        }
        add(
            "settings", "Settings",
            scrollRegion("Search space") { HTML.table(ReportTables.space(of: experiment)) }
                + Self.details("All settings", ReportTables.settings(of: experiment)))
        return sections
    }

    /// Returns a chart in a wide and a narrow version, one of which is shown, and its summary.
    static func picture(_ chart: (Chart.Options) -> Chart) -> HTML {
        let wide = chart(Chart.Options(theme: .page, width: .medium))
        return tag("div", ["class": "picture wide"]) { HTML.picture(wide) }
            + tag("div", ["class": "picture narrow"]) {
                HTML.picture(chart(Chart.Options(theme: .page, width: .narrow)))
            } + tag("p", ["class": "note"]) { wide.summary }
    }

    /// Returns a table that is collapsed at first.
    static func details(_ title: String, _ table: ChartTable) -> HTML {
        tag("details") {
            tag("summary") { title }
            scrollRegion(title) { HTML.table(table) }
        }
    }

    /// The state of the experiment in a sentence.
    private var sentence: HTML {
        let method =
            switch experiment.kind {
            case .populationBasedTraining: "Population based training"
            case .randomSearch: "Random search"
            case .successiveHalving: "Successive halving"
            case .manual: "Manual search"
            case .replay: "Replay of a schedule"
            }
        let goal = experiment.objective.goal == .maximize ? "higher is better" : "lower is better"
        let reason = record.reason.map { ": \(PlainText.line($0))" } ?? ""
        return HTML(
            "\(method) of \(experiment.population) \(experiment.population == 1 ? "member" : "members"), "
                + "seed \(experiment.seed); \(PlainText.line(experiment.objective.metric)), \(goal). "
                + "Created \(record.created); \(record.state.rawValue)\(reason).")
    }

    private var tiles: HTML {
        func tile(_ title: String, _ value: String, isBest: Bool = false, of text: String? = nil) -> HTML {
            tag("div", ["class": isBest ? "tile best" : "tile", "title": text]) {
                tag("dt") { title }
                tag("dd") { value }
            }
        }
        let metric = PlainText.middle(PlainText.line(experiment.objective.metric), width: 24)
        let finished = record.intervalsFinished
        return tag("dl", ["class": "tiles"]) {
            if let best = history.best, let score = best.score {
                tile("★ Best \(metric), \(best.id)", Format.score(score), isBest: true)
                if let verdict = history.verdict {
                    tile("vs. \(history.baselineWords)", verdict.short, of: verdict.text)
                }
                for metric in history.otherMetrics.prefix(4) {
                    tile(PlainText.middle(PlainText.line(metric.name), width: 24), metric.valueText)
                }
            } else {
                tile("Best \(metric)", "–")
            }
            tile("Intervals", experiment.isEndless ? "\(finished)" : "\(finished) / \(record.intervalsPlanned)")
            if isPopulation {
                tile("Copies", "\(history.copies)")
                tile("Founders left", "\(history.families.foundersLeft) / \(history.families.founders)")
            }
            if let ended = record.ended { tile("Duration", Format.duration(ended.since(record.created))) }
        }
    }

    private var winner: HTML {
        guard let best = history.best, let score = best.score else {
            return tag("p", ["class": "note"]) { "No interval has finished with a score yet." }
        }
        let lineage = history.lineage(of: best.id)
        let copies = lineage.count { $0.isExploit }
        let founder = lineage.first.map { "\($0.id)" } ?? "-"
        let hyperparameters = ReportTables.hyperparameters(of: best, in: history.record.experiment.space)
        return tag("p") {
            best.label.map { "Job \(PlainText.line($0)), interval " } ?? "Interval "
            tag("strong", ["class": "best"]) { "\(best.id)" }
            " scored \(Format.score(score)) after \(best.depth) "
            "\(best.depth == 1 ? "interval" : "intervals") of training, through \(copies) "
            "\(copies == 1 ? "copy" : "copies") from the founder \(founder)."
        } + compared
            + scrollRegion("Hyperparameters of the winner") { HTML.table(hyperparameters) }
            + tag("p", ["class": "note"]) {
                checkpoint(of: best)
                " To train with its schedule again: "
                tag("code") {
                    Shell.command(["pbt", "replay", record.experiment.name] + storeOption)
                }
            }
    }

    private func checkpoint(of best: Interval) -> HTML {
        guard !history.keepsFilesElsewhere(best) else {
            let files = history.modelFiles(of: best)
            return files.isEmpty
                ? HTML("Its client keeps its files; its results name none.")
                : HTML("Its client keeps its files: ")
                    + HTMLBuilder.buildArray(
                        files.map { file in
                            HTML("\(file.key) ") + tag("code") { PlainText.line(file.path) } + HTML(". ")
                        })
        }
        return HTML("Its checkpoint is ") + tag("code") { PlainText.line(best.checkpoint ?? "-") }
            + HTML(" (\(best.checkpointState.rawValue)).")
    }

    /// The comparison with the random search, the other metrics, and the repeated evaluations.
    private var compared: HTML {
        let metrics = history.otherMetrics
        let evaluations = EvaluationText(history)
        var html = HTML.nothing
        if let verdict = history.verdict { html = html + tag("p") { "Score: \(verdict.text)." } }
        if !metrics.isEmpty {
            html = html + scrollRegion("Other metrics") { HTML.table(ReportTables.metrics(metrics, of: history)) }
        }
        if !evaluations.lines.isEmpty {
            html = html + scrollRegion("Evaluations") { HTML.table(ReportTables.evaluations(evaluations.intervals)) }
        }
        return html
    }

    private var explored: HTML {
        let operators = ChartTable.operators(of: history)
        return scrollRegion("Effect of exploration") { HTML.table(operators) }
            + Self.details("Diversity of the population", .diversity(of: history))
    }
}
