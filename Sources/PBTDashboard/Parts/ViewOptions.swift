// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI
import PBTReport

/// The options of a page's charts and tables, from the query of its URL: every view can be linked.
struct ViewOptions: Sendable, Hashable {
    /// The scale of the y-axis.
    enum YScale: String, CaseIterable {
        case linear, log, error
    }

    var yScale: YScale
    var width: Chart.Width
    var tip: IntervalID?
    var showsBaseline: Bool
    var axes: [String]
    var axis: Chart.Axis
    var lanes: Chart.Lanes?
    var order: Chart.RowOrder
    var top: Int?
    /// `family`, `founder`, `score`, or a hyperparameter.
    var color: String
    var showsBestOfEach: Bool
    /// The decoded query; parameters that this type does not know are kept in links.
    private let query: [String: String]

    /// Parses a query.
    ///
    /// - Throws: A `PBTError` with code `badRequest` that names the parameter.
    init(_ query: [String: String]) throws {
        self.query = query.filter { $0.key != "fragment" }
        yScale = try Self.choice(query, "y", .linear)
        axis = try Self.choice(query, "x", .training)
        order = try Self.choice(query, "order", .member)
        lanes = try query["show"] == nil ? nil : Self.choice(query, "show", .all)
        color = query["color"] ?? "family"
        if let text = query["top"] {
            guard let top = Int(text), (1...1000).contains(top) else {
                throw Self.wrong("top", text, ["a number from 1 to 1000"])
            }
            self.top = top
        }
        showsBaseline = try Self.flag(query, "baseline") ?? true
        showsBestOfEach = try Self.flag(query, "stars") ?? false
        if let text = query["w"] {
            guard let width = Int(text).flatMap({ Chart.Width(rawValue: $0) }) else {
                throw Self.wrong("w", text, Chart.Width.allCases.map { "\($0.rawValue)" })
            }
            self.width = width
        } else {
            width = .medium
        }
        if let text = query["tip"], !text.isEmpty {
            guard let id = IntervalID(text) else { throw Self.wrong("tip", text, ["MEMBER@INTERVAL"]) }
            tip = id
        }
        axes = [query["a"], query["b"]].compactMap(\.self)
        if axes.count == 1 {
            throw PBTError(.badRequest, "?a= and ?b= belong together: the two hyperparameters of the scatter chart")
        }
    }

    private static func flag(_ query: [String: String], _ name: String) throws -> Bool? {
        guard let text = query[name] else { return nil }
        guard text == "0" || text == "1" else { throw wrong(name, text, ["0", "1"]) }
        return text == "1"
    }

    /// Checks that the options name what an experiment has.
    ///
    /// - Throws: A `PBTError` with code `badRequest` that names the parameter.
    func check(in history: History) throws {
        let name = PlainText.line(String(history.record.experiment.name.prefix(80)))
        if let tip, history.genealogy[tip] == nil {
            throw PBTError(.badRequest, "?tip=\(tip): \"\(name)\" has no such interval")
        }
        let names = history.hyperparameterNames
        if !["family", "founder", "score"].contains(color), !names.contains(color) {
            throw Self.unknown("color", color, among: ["family", "founder", "score"] + names)
        }
        for (key, axis) in zip(["a", "b"], axes) where !names.contains(axis) {
            throw Self.unknown(key, axis, among: names)
        }
    }

    private static func unknown(_ key: String, _ text: String, among names: [String]) -> PBTError {
        let shown = PlainText.line(String(text.prefix(40)))
        let advice =
            nearest(to: text, among: names).map { "did you mean \"\($0)\"?" }
            ?? (names.isEmpty
                ? "there are none" : "there are \(Array(names.prefix(20).map { String($0.prefix(40)) }).quotedList)")
        return PBTError(.badRequest, "?\(key)= names no hyperparameter: \"\(shown)\"; \(advice)")
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ query: [String: String], _ name: String, _ standard: Choice
    ) throws -> Choice where Choice.RawValue == String {
        guard let text = query[name] else { return standard }
        guard let choice = Choice(rawValue: text) else {
            throw wrong(name, text, Choice.allCases.map(\.rawValue))
        }
        return choice
    }

    /// Returns the choice that a parameter names.
    ///
    /// - Throws: A `PBTError` with code `badRequest` that names the parameter.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ standard: Choice
    ) throws -> Choice where Choice.RawValue == String {
        try Self.choice(query, name, standard)
    }

    private static func wrong(_ name: String, _ text: String, _ choices: [String]) -> PBTError {
        PBTError(
            .badRequest,
            "?\(name)= must be \(choices.joined(separator: " or ")), not \"\(text.prefix(40))\"")
    }

    /// Returns the options of a page's charts.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - theme: The colors.
    /// - Returns: Options that fit the experiment: axes that are not its hyperparameters are omitted.
    func chart(of history: History, theme: Chart.Theme) -> Chart.Options {
        let names = Set(history.hyperparameterNames)
        return Chart.Options(
            theme: theme, width: width, scale: scale(of: history), tip: tip, showsBaseline: showsBaseline,
            hyperparameters: axes.allSatisfy(names.contains) ? axes : [], color: color(among: names), top: top,
            axis: axis, lanes: lanes, order: order, showsBestOfEach: showsBestOfEach)
    }

    private func color(among names: Set<String>) -> Chart.Color {
        switch color {
        case "founder": .founder
        case "score": .score
        case let name where names.contains(name): .hyperparameter(name)
        default: .family
        }
    }

    private func scale(of history: History) -> Chart.ScoreScale {
        switch yScale {
        case .linear: .linear
        case .log: .logarithmic
        case .error: Self.bound(of: history).map { .error(bound: $0) } ?? .linear
        }
    }

    /// Returns the best possible score, guessed from the goal and the scores so far; nil when they allow no guess.
    static func bound(of history: History) -> Double? {
        let isUp = history.record.experiment.objective.goal == .maximize
        guard let best = history.best?.score else { return isUp ? 1 : 0 }
        if isUp { return (0...1).contains(best) ? 1 : nil }
        return best >= 0 ? 0 : nil
    }

    /// Returns the query of a link that changes some options and keeps the others; nil removes an option.
    func query(changing changes: KeyValuePairs<String, String?>) -> String {
        var query = query
        for (name, value) in changes { query[name] = value }
        guard !query.isEmpty else { return "?" }
        return "?"
            + query.sorted { $0.key < $1.key }
            .map { "\(PathSegment.encode($0.key))=\(PathSegment.encode($0.value))" }.joined(separator: "&")
    }

    /// The rows of a table of members; nil for the page's default.
    var rows: RowKind? {
        get throws { try query["rows"] == nil ? nil : choice("rows", .members) }
    }

    /// Returns the number of a parameter.
    ///
    /// - Parameters:
    ///   - name: The parameter.
    ///   - standard: The number without it.
    ///   - range: The numbers that it takes.
    /// - Returns: The number.
    /// - Throws: A `PBTError` with code `badRequest` that names the parameter.
    func number(_ name: String, _ standard: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let text = query[name] else { return standard }
        guard let number = Int(text), range.contains(number) else {
            throw Self.wrong(
                name, text,
                range.upperBound == .max
                    ? ["a number from \(range.lowerBound)"]
                    : ["a number from \(range.lowerBound) to \(range.upperBound)"])
        }
        return number
    }

    /// The value of a parameter of the query.
    subscript(name: String) -> String? { query[name] }
}
