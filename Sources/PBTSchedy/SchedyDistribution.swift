// SPDX-License-Identifier: Apache-2.0

import PBT

/// A distribution as Schedy writes it: `{"uniform": {"low": 0, "high": 1}}`.
enum SchedyDistribution {
    /// Reads the distribution of one hyperparameter.
    ///
    /// A distribution with one value only, such as a range whose ends are equal, becomes that constant.
    ///
    /// - Parameters:
    ///   - value: The distribution.
    ///   - name: The hyperparameter's name, for messages.
    /// - Returns: What founders draw from.
    /// - Throws: A ``SchedyFailure`` with status 400.
    static func read(_ value: Value, of name: String) throws(SchedyFailure) -> Dimension {
        func failure(_ problem: String) -> SchedyFailure {
            SchedyFailure(400, "hyperparameter \"\(name.prefix(40))\": \(problem)")
        }
        func number(_ arguments: Value, _ key: String) throws(SchedyFailure) -> Double {
            guard let number = arguments[key]?.double, number.isFinite else {
                throw failure("\"\(key)\" must be a finite number")
            }
            return number
        }
        guard let object = value.object, object.count == 1, let (kind, arguments) = object.first else {
            throw failure("must be one distribution such as {\"uniform\": {\"low\": 0, \"high\": 1}}")
        }
        switch kind {
        case "uniform", "loguniform":
            let (low, high) = (try number(arguments, "low"), try number(arguments, "high"))
            guard low <= high, (high - low).isFinite else { throw failure("\"low\" must not be above \"high\"") }
            guard kind == "uniform" || low > 0 else { throw failure("\"low\" must be above 0 for loguniform") }
            guard low < high else { return .constant(.number(low)) }
            return kind == "uniform" ? .uniform(low...high) : .logUniform(low...high)
        case "normal":
            let (mean, deviation) = (try number(arguments, "mean"), try number(arguments, "std"))
            guard deviation >= 0 else { throw failure("\"std\" must be at least 0") }
            return deviation == 0 ? .constant(.number(mean)) : .normal(mean: mean, deviation: deviation)
        case "choice":
            guard let values = arguments["values"]?.array, !values.isEmpty else {
                throw failure("\"values\" must be a list with something in it")
            }
            return try choice(values.map(\.finite), weights: arguments["weights"], failure)
        case "const": return .constant(arguments.finite)
        default:
            throw failure("unknown distribution \"\(kind.prefix(20))\"; uniform, loguniform, normal, choice, const")
        }
    }

    /// A choice in which no value stands twice: what does has the weight of both.
    private static func choice(
        _ values: [Value], weights: Value?, _ failure: (String) -> SchedyFailure
    ) throws(SchedyFailure) -> Dimension {
        var given = values.map { _ in 1.0 }
        if let weights, weights != .null {
            given = (weights.array ?? []).compactMap(\.double)
            guard given.count == values.count, weights.array?.count == values.count,
                given.allSatisfy({ $0.isFinite && $0 >= 0 }), given.contains(where: { $0 > 0 })
            else { throw failure("\"weights\" must be a number of at least 0 for each value, not all 0") }
        }
        var distinct: [Value] = []
        var total: [Double] = []
        for (value, weight) in zip(values, given) {
            if let place = distinct.firstIndex(where: { $0.isSame(as: value) }) {
                total[place] += weight
            } else {
                distinct.append(value)
                total.append(weight)
            }
        }
        return .choice(distinct, weights: total)
    }
}
