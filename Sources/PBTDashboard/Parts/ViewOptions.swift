// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI
import PBTReport

/// What a page's address says about how its pictures and tables look.
///
/// All of it is in the query, so every view is a link.
struct ViewOptions: Sendable, Hashable {
    /// How scores become heights.
    enum Height: String, CaseIterable {
        case linear, log, error
    }

    var height: Height
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
    /// The query as it was sent, decoded; what this type does not know is kept in links.
    private let query: [String: String]

    /// What a query says.
    ///
    /// - Throws: A `PBTError` with code `badRequest` that names the parameter.
    init(_ query: [String: String]) throws {
        self.query = query.filter { $0.key != "fragment" }
        height = try Self.choice(query, "y", .linear)
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
        showsBaseline = query["baseline"] != "0"
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
        if axes.count != 2 { axes = [] }
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ query: [String: String], _ name: String, _ usual: Choice
    ) throws -> Choice where Choice.RawValue == String {
        guard let text = query[name] else { return usual }
        guard let choice = Choice(rawValue: text) else {
            throw wrong(name, text, Choice.allCases.map(\.rawValue))
        }
        return choice
    }

    private static func wrong(_ name: String, _ text: String, _ choices: [String]) -> PBTError {
        PBTError(
            .badRequest,
            "?\(name)= must be \(choices.joined(separator: " or ")), not \"\(text.prefix(40))\"")
    }

    /// The options of a page's pictures.
    ///
    /// - Parameters:
    ///   - history: What they are made from.
    ///   - theme: Their colors.
    /// - Returns: Options that fit what there is: axes that are no hyperparameters are left out.
    func chart(of history: History, theme: Chart.Theme) -> Chart.Options {
        let space = history.record.experiment.space
        return Chart.Options(
            theme: theme, width: width, scale: scale(of: history), tip: tip, showsBaseline: showsBaseline,
            hyperparameters: axes.allSatisfy { space[$0] != nil } ? axes : [], color: color(in: space), top: top,
            axis: axis, lanes: lanes, order: order)
    }

    private func color(in space: SearchSpace) -> Chart.Color {
        switch color {
        case "founder": .founder
        case "score": .score
        case let name where space[name] != nil: .hyperparameter(name)
        default: .family
        }
    }

    private func scale(of history: History) -> Chart.ScoreScale {
        switch height {
        case .linear: .linear
        case .log: .logarithmic
        case .error: Self.bound(of: history).map { .error(bound: $0) } ?? .linear
        }
    }

    /// The best score that can be meant, if that can be guessed.
    static func bound(of history: History) -> Double? {
        let isUp = history.record.experiment.objective.goal == .maximize
        guard let best = history.best?.score else { return isUp ? 1 : 0 }
        if isUp { return (0...1).contains(best) ? 1 : nil }
        return best >= 0 ? 0 : nil
    }

    /// The query of a link that changes some options and keeps the others; a value of none leaves an option out.
    func query(changing changes: KeyValuePairs<String, String?>) -> String {
        var query = query
        for (name, value) in changes { query[name] = value }
        guard !query.isEmpty else { return "?" }
        return "?"
            + query.sorted { $0.key < $1.key }
            .map { "\(PathSegment.encode($0.key))=\(PathSegment.encode($0.value))" }.joined(separator: "&")
    }

    /// What an option is in the query.
    subscript(name: String) -> String? { query[name] }
}
