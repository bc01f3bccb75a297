// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import PBT
public import PBTReport

/// `pbt plot`.
struct PlotCommand: AsyncParsableCommand {
    /// The x-axis.
    enum Across: String, CaseIterable, ExpressibleByArgument {
        case training, time
    }

    /// The lineages that are shown.
    enum Lanes: String, CaseIterable, ExpressibleByArgument {
        case all, survivors, path
    }

    /// The order of the rows of a lineage chart.
    enum Order: String, CaseIterable, ExpressibleByArgument {
        case member, family
    }

    /// The color theme.
    enum Theme: String, CaseIterable, ExpressibleByArgument {
        case light, dark
    }

    /// The scale of the y-axis.
    enum Height: String, CaseIterable, ExpressibleByArgument {
        case linear, log, error
    }

    static let configuration = CommandConfiguration(
        commandName: "plot",
        abstract: "Draw an experiment as SVG or PNG.",
        discussion: """
            curves: score by training, with the best lineage and the random search. schedule: the hyperparameters of the \
            best lineage. lineage: who copied whom. scatter: two hyperparameters or metrics against each other; \
            several experiments are panels with the same axes. share: the founders' \
            shares of the population. timeline: each worker's intervals over time. comparison: the best score so far of \
            several experiments; those that differ only in name and seed are one curve. overview: curves and schedule.
            """)

    @Argument(help: "curves, schedule, lineage, scatter, share, timeline, comparison or overview.") var kind: Chart.Kind
    @Argument(help: "The experiment; comparison and scatter take several.", completion: .experiments) var experiments:
        [String]
    @Option(
        name: [.short, .customLong("output")],
        help: """
            FILE.svg, FILE.png, or - for SVG on standard output. Without it, curves and schedule are drawn on the terminal.
            """)
    var output: String?
    @Option(name: .long, help: "light or dark.") var theme: Theme = .light
    @Option(name: .long, help: "The width in pixels: the largest of 360, 640 and 960 that fits.") var width = 640
    @Option(name: .customLong("y"), help: "linear, log, or error: the distance from the best possible score.")
    var height: Height = .linear
    @Option(name: .long, help: "The best possible score, for --y error; default: 1 or 0 where the scores allow it.")
    var bound: Double?
    @Option(name: .long, help: "MEMBER or MEMBER@INTERVAL whose lineage is highlighted; default: the best interval.")
    var tip: IntervalArgument?
    @Option(name: .customLong("axis"), help: "A hyperparameter or metric for scatter; give it twice.") var axes:
        [String] = []
    @Flag(name: .long, help: "For scatter: a star for the best of each interval.") var stars = false
    @Option(
        name: .customLong("color-by"),
        help: "Color by family, founder, score, or the name of a hyperparameter.")
    var color: String?
    @Option(name: .long, help: "Show only the top N members by their latest scores.") var top: Int?
    @Option(name: .customLong("x"), help: "The x-axis: training, or time since the first interval started.")
    var across: Across = .training
    @Option(name: .long, help: "For lineage: all, survivors or path; default: all, up to 30 members.")
    var show: Lanes?
    @Option(name: .long, help: "For lineage: the order of the rows, member or family.") var order: Order?
    @Flag(name: .customLong("no-baseline"), help: "Leave out the random search.") var hidesBaseline = false
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if width < 1 { throw ValidationError("--width must be at least 1, not \(width)") }
        if bound != nil, height != .error { throw ValidationError("--bound requires --y error") }
        if !axes.isEmpty, kind != .scatter || axes.count != 2 {
            throw ValidationError("--axis is for scatter, which takes two: --axis NAME --axis NAME")
        }
        if kind != .comparison, kind != .scatter, experiments.count != 1 {
            throw ValidationError(
                "only comparison and scatter take several experiments; name one for \(kind.rawValue)")
        }
        if let top, top < 1 { throw ValidationError("--top must be at least 1, not \(top)") }
        if let bound, !bound.isFinite { throw ValidationError("--bound must be a finite number, not \(bound)") }
        try validateMeaning()
        guard let output else {
            guard Terminal.output.isTerminal else {
                throw ValidationError("name the output: -o FILE.svg, -o FILE.png, or -o - for SVG on standard output")
            }
            if kind != .curves, kind != .schedule {
                throw ValidationError(
                    "only curves and schedule are drawn on a terminal; name the output: -o FILE.svg")
            }
            return
        }
        let name = output.lowercased()
        if output != "-", !name.hasSuffix(".svg"), !name.hasSuffix(".png") {
            throw ValidationError("\"\(output)\" must end in .svg or .png, or be - for SVG on standard output")
        }
    }

    /// Rejects options that would change nothing in this kind of chart.
    private func validateMeaning() throws {
        let meanings: [(isGiven: Bool, name: String, kinds: [Chart.Kind])] = [
            (color != nil, "--color-by", [.curves, .lineage, .share, .timeline, .overview]),
            (top != nil, "--top", [.curves, .schedule, .lineage, .overview]),
            (across == .time, "--x time", [.curves, .schedule, .comparison, .overview]),
            (stars, "--stars", [.scatter]), (show != nil, "--show", [.lineage]), (order != nil, "--order", [.lineage]),
        ]
        for meaning in meanings where meaning.isGiven && !meaning.kinds.contains(kind) {
            let kinds = meaning.kinds.map(\.rawValue)
            throw ValidationError("\(meaning.name) is for \(kinds.joined(separator: ", ")) only")
        }
    }

    func run() async throws {
        var all: [LoadedExperiment] = []
        for experiment in experiments { all.append(try await storeOptions.load(experiment)) }
        guard let loaded = all.first else { throw Failure(.usage, "name an experiment") }
        for name in axes {
            for loaded in all where !loaded.metrics.contains(name) { try check(name, in: loaded, or: loaded.metrics) }
        }
        let objectives = Set(all.map(\.experiment.objective))
        if objectives.count > 1 {
            let metrics = all.map { "\($0.experiment.name): \($0.experiment.objective.metric)" }
            throw Failure(
                .usage,
                "experiments with different objectives cannot be compared (\(metrics.joined(separator: ", ")))")
        }
        guard let output else { return try draw(loaded) }
        let options = Chart.Options(
            theme: theme == .light ? .light : .dark, width: Chart.Width(fitting: width), scale: try scale(of: loaded),
            tip: try tip.map { try loaded.interval($0).id }, showsBaseline: !hidesBaseline, hyperparameters: axes,
            color: try chosenColor(in: loaded), top: top, axis: across == .time ? .time : .training,
            lanes: show.flatMap { Chart.Lanes(rawValue: $0.rawValue) }, order: order == .family ? .family : .member,
            showsBestOfEach: stars)
        let svg = Chart.drawn(
            kind, of: loaded.history, comparedWith: all.dropFirst().map(\.history), options: options
        ).svg
        let bytes = output.lowercased().hasSuffix(".png") ? try await PNG.bytes(of: svg) : Array(svg.utf8)
        var file = try OutputFile(output)
        try file.append(bytes)
        try file.finish()
    }

    /// Draws on the terminal.
    private func draw(_ loaded: LoadedExperiment) throws {
        let terminal = Terminal.output
        let chart = TextChart(
            loaded.history, tip: try tip.map { try loaded.interval($0).id }, width: terminal.width ?? 80,
            glyphs: terminal.glyphs)
        let lines = kind == .curves ? chart.curves(height: min(24, terminal.height - 1)) : chart.schedule(height: 5)
        for line in lines { try Output.line(line.text(terminal.styled)) }
    }

    private func check(_ name: String, in loaded: LoadedExperiment, or metrics: [String]? = nil) throws {
        guard loaded.experiment.space[name] == nil else { return }
        let names = loaded.experiment.space.names + (metrics ?? [])
        let advice =
            nearest(to: name, among: names).map { "did you mean \"\($0)\"?" } ?? "there are \(names.quotedList)"
        let kinds = metrics == nil ? "hyperparameter" : "hyperparameter or metric"
        throw Failure(.usage, "there is no \(kinds) \"\(name)\"; \(advice)")
    }

    private func chosenColor(in loaded: LoadedExperiment) throws -> Chart.Color {
        switch color {
        case nil, "family": return .family
        case "founder": return .founder
        case "score": return .score
        case .some(let name):
            try check(name, in: loaded)
            return .hyperparameter(name)
        }
    }

    private func scale(of loaded: LoadedExperiment) throws -> Chart.ScoreScale {
        switch height {
        case .linear: return .linear
        case .log: return .logarithmic
        case .error:
            if let bound { return .error(bound: bound) }
            let goal = loaded.experiment.objective.goal
            guard let best = loaded.history.best?.score else { return .error(bound: goal == .maximize ? 1 : 0) }
            if goal == .maximize, best <= 1 { return .error(bound: 1) }
            if goal == .minimize, best >= 0 { return .error(bound: 0) }
            throw Failure(.usage, "the best possible score cannot be guessed from \(best); give it with --bound")
        }
    }
}

extension LoadedExperiment {
    /// The metrics that intervals reported numbers for, by name.
    fileprivate var metrics: [String] {
        var names: Set<String> = []
        for interval in history.genealogy.intervals {
            for (name, value) in interval.metrics where value.double?.isFinite == true { names.insert(name) }
        }
        return names.sorted()
    }
}

extension Chart.Kind: ExpressibleByArgument {}
