// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTReport

/// A schedule as a Python module for a framework: data, and a few functions that need nothing but the framework.
package struct ScheduleCode: Sendable {
    /// The frameworks.
    package enum Framework: String, Sendable, CaseIterable {
        case pytorch, optax, keras, transformers
    }

    /// The interval that the schedule trained.
    package struct Origin: Sendable {
        private let experiment: String
        private let interval: IntervalID
        private let metric: String
        private let score: Double?
        private let version: String

        /// Creates an origin.
        ///
        /// - Parameters:
        ///   - experiment: The experiment's name.
        ///   - interval: The interval.
        ///   - metric: The objective's metric.
        ///   - score: The interval's score, if it has one.
        ///   - version: The version of `pbt`.
        package init(experiment: String, interval: IntervalID, metric: String, score: Double?, version: String) {
            self.experiment = experiment
            self.interval = interval
            self.metric = metric
            self.score = score
            self.version = version
        }

        /// A line for a comment.
        fileprivate var text: String {
            let result = score.map { " (\(Value.python(metric)): \($0))" } ?? ""
            let tip = "interval \(interval) of \(Value.python(experiment))\(result)"
            return "The schedule of \(tip), written by pbt \(version)."
        }
    }

    private let schedule: Schedule
    private let total: Int
    private let origin: Origin
    private let remark: String
    /// The name of the learning rate.
    let learningRate: String

    /// Creates the code of a schedule.
    ///
    /// - Parameters:
    ///   - schedule: The schedule.
    ///   - total: The steps of the training, from 1 to 10^12.
    ///   - learningRate: The name of the learning rate, one of ``learningRates(in:)`` or another numeric one.
    ///   - origin: The interval that the schedule trained.
    ///   - remark: A description of the schedule's fit and length: one line without names.
    package init(_ schedule: Schedule, total: Int, learningRate: String, origin: Origin, remark: String) {
        self.schedule = schedule
        self.total = total
        self.learningRate = learningRate
        self.origin = origin
        self.remark = remark
    }

    /// Returns the module.
    package func text(for framework: Framework) -> String {
        switch framework {
        case .pytorch: pytorch
        case .optax: optax
        case .keras: keras
        case .transformers: transformers
        }
    }

    /// The comment that a module starts with.
    var header: String {
        """
        # \(origin.text)
        # \(remark)
        """
    }

    /// The data.
    var constants: String {
        var kinds = ""
        var points = ""
        for name in schedule.names {
            guard let curve = schedule.curves[name] else { continue }
            kinds += "    \(Value.python(name)): \(Value.python(Self.kind(of: curve))),\n"
            points += "    \(Value.python(name)): [\n"
            for point in self.points(of: curve) { points += "        (\(point.step), \(point.value.python)),\n" }
            points += "    ],\n"
        }
        return """
            # The length of the training; later steps have the last values.
            STEPS = \(total)

            LEARNING_RATE = \(Value.python(learningRate))

            # The course between points: "steps", or "linear", "log" (of x) or "reverse log" (of 1 - x).
            KINDS: dict[str, str] = {
            \(kinds)}

            # Steps and values.
            POINTS: dict[str, list[tuple[int, Any]]] = {
            \(points)}\(arraysText)
            """
    }

    /// The lengths of arrays; empty without any.
    private var arraysText: String {
        let arrays = schedule.arrays
        guard !arrays.isEmpty else { return "" }
        let lines = arrays.map { "    \(Value.python($0.name)): \($0.length),\n" }
        return "\n\n# The lengths of arrays, whose elements are \"NAME[0]\" and so on.\n"
            + "ARRAYS: dict[str, int] = {\n\(lines.joined())}"
    }

    /// The functions that read the data.
    var valueFunctions: String {
        guard !schedule.arrays.isEmpty else { return Self.valueFunction }
        return "\(Self.valueFunction)\n\n\n\(Self.arrayFunction)"
    }

    private static func kind(of curve: Schedule.Curve) -> String {
        switch curve {
        case .steps: "steps"
        case .line(_, .linear): "linear"
        case .line(_, .logarithmic): "log"
        case .line(_, .reverseLogarithmic): "reverse log"
        }
    }

    /// Returns the points of a curve, each at another step; the first is at 0.
    private func points(of curve: Schedule.Curve) -> [(step: Int, value: Value)] {
        let all =
            switch curve {
            case .steps(let steps): steps.map { ($0.start, $0.value ?? .null) }
            case .line(let knots, _): knots.map { ($0.place, Value.number($0.value)) }
            }
        var points: [(step: Int, value: Value)] = []
        for (interval, value) in all {
            let step = schedule.moment(interval, of: total)
            // A training with fewer steps than intervals leaves some out.
            if points.last?.step == step { points.removeLast() }
            if step < total || points.isEmpty || !Self.isSteps(curve) { points.append((step, value)) }
        }
        return points
    }

    private static func isSteps(_ curve: Schedule.Curve) -> Bool {
        if case .steps = curve { true } else { false }
    }

    /// Returns true if a hyperparameter has a number in all intervals.
    package static func isNumeric(_ name: String, in schedule: Schedule) -> Bool {
        switch schedule.curves[name] {
        case .steps(let steps): steps.allSatisfy { $0.value?.double?.isFinite ?? false }
        case .line: true
        case nil: false
        }
    }

    /// Returns the numeric hyperparameters whose name, in a group or not, is one of a learning rate.
    package static func learningRates(in schedule: Schedule) -> [String] {
        let known: Set = ["lr", "learningrate", "rate", "eta", "initiallr", "baselr", "maxlr", "peaklr"]
        return schedule.names.filter { name in
            known.contains(plain(schedule.space.definedName(of: name))) && isNumeric(name, in: schedule)
        }
    }

    /// The hyperparameters that are settings of PyTorch's optimizers: the name of the setting, and the index in it.
    var settings: [(name: String, setting: String, index: Int?)] {
        schedule.names.compactMap { name in
            guard name != learningRate, Self.isNumeric(name, in: schedule) else { return nil }
            switch Self.plain(name) {
            case "momentum": return (name, "momentum", nil)
            case "dampening": return (name, "dampening", nil)
            case "weightdecay", "wd", "l2": return (name, "weight_decay", nil)
            case "beta1", "adambeta1", "betas[0]", "adambetas[0]": return (name, "betas", 0)
            case "beta2", "adambeta2", "betas[1]", "adambetas[1]": return (name, "betas", 1)
            case "eps", "epsilon", "adameps", "adamepsilon": return (name, "eps", nil)
            default: return nil
            }
        }
    }

    /// Returns a name without its group, in lower case and without separators: `adambeta1` for `optimizer.adam_beta1`,
    /// `betas[0]` for `optimizer.betas[0]`.
    private static func plain(_ name: String) -> String {
        let last = name.split(separator: ".").last.map(String.init) ?? name
        return String(last.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "[" || $0 == "]" })
    }

    /// The function that reads an array.
    private static let arrayFunction = """
        def array(name: str, step: int) -> list[Any]:
            \"""Returns the elements of an array at a step, from 0.\"""
            return [value(f"{name}[{place}]", step) for place in range(ARRAYS[name])]
        """

    /// The function that reads the data.
    private static let valueFunction = """
        def value(name: str, step: int) -> Any:
            \"""Returns the value of a hyperparameter at a step, from 0.\"""
            points = POINTS[name]
            place = bisect_right([at for at, _ in points], step)
            if KINDS[name] == "steps":
                return points[max(place - 1, 0)][1]
            place = min(max(place, 1), len(points) - 1)
            (left, a), (right, b) = points[place - 1], points[place]
            part = min(max((step - left) / (right - left), 0.0), 1.0)
            if KINDS[name] == "log":
                between = math.exp((1 - part) * math.log(a) + part * math.log(b))
            elif KINDS[name] == "reverse log":
                between = -math.expm1((1 - part) * math.log1p(-a) + part * math.log1p(-b))
            else:
                between = (1 - part) * a + part * b
            return min(max(between, min(a, b)), max(a, b))
        """
}
