// SPDX-License-Identifier: Apache-2.0

import PBT

/// A mapping of numbers to positions along an axis.
struct Scale: Sendable, Hashable {
    /// A number and its label.
    struct Tick: Sendable, Hashable {
        var value: Double
        var label: String
    }

    let isLogarithmic: Bool
    /// The numbers at the two ends.
    let low: Double
    let high: Double
    /// The pixels at the two ends.
    var start: Double
    var end: Double

    /// Creates a scale that shows all of these numbers, with a margin at the ends of a linear one.
    ///
    /// - Parameters:
    ///   - values: The numbers; those that are not finite, or not above 0 on a logarithmic scale, are ignored.
    ///   - isLogarithmic: True for a logarithmic scale.
    ///   - start: The pixel of the low end.
    ///   - end: The pixel of the high end.
    init(fitting values: some Sequence<Double>, isLogarithmic: Bool = false, from start: Double = 0, to end: Double = 1)
    {
        var low = Double.infinity
        var high = -Double.infinity
        for value in values where value.isFinite && (!isLogarithmic || value > 0) {
            low = min(low, value)
            high = max(high, value)
        }
        if low > high { (low, high) = isLogarithmic ? (0.1, 1) : (0, 1) }
        // Spans beyond these bounds overflow or underflow.
        let most = 8e307
        low = min(max(low, -most), most)
        high = min(max(high, -most), most)
        if isLogarithmic {
            low = max(low, 1e-300)
            high = max(high, low)
            // The quotient of the two may overflow.
            let reach = Mathematics.log(high) - Mathematics.log(low)
            let factor = high / low < 1.02 ? 1.25 : Mathematics.exp(0.03 * reach)
            self.init(isLogarithmic: true, low: low / factor, high: min(high * factor, most), from: start, to: end)
        } else {
            let span = high - low
            let isPoint = span <= 1e-12 * max(low.magnitude, high.magnitude) || span < 1e-290
            let room = isPoint ? max(0.1 * high.magnitude, high == 0 ? 1 : 1e-290) : 0.04 * span
            self.init(
                isLogarithmic: false, low: max(low - room, -most * 1.1), high: min(high + room, most * 1.1),
                from: start,
                to: end)
        }
    }

    /// Creates a scale from one number to another.
    init(isLogarithmic: Bool = false, low: Double, high: Double, from start: Double, to end: Double) {
        self.isLogarithmic = isLogarithmic
        self.low = low
        self.high = high
        self.start = start
        self.end = end
    }

    /// Returns the position of a number, from 0 at the low end to 1 at the high end; none if the axis cannot show it.
    func share(_ value: Double) -> Double? {
        guard value.isFinite else { return nil }
        // Beyond this, a difference overflows.
        guard isLogarithmic else { return (min(max(value, -8e307), 8e307) - low) / (high - low) }
        guard value > 0 else { return nil }
        return (Mathematics.log(value) - Mathematics.log(low)) / (Mathematics.log(high) - Mathematics.log(low))
    }

    /// Returns the pixel of a number; none if the axis cannot show it.
    ///
    /// Numbers beyond the ends have pixels beyond the ends.
    func position(_ value: Double) -> Double? {
        share(value).map { start + $0 * (end - start) }
    }

    func contains(_ value: Double) -> Bool {
        value >= low && value <= high
    }

    /// Returns about `count` round numbers between the two ends.
    func ticks(about count: Int) -> [Tick] {
        isLogarithmic ? logarithmicTicks(max(2, count)) : linearTicks(max(2, count))
    }

    private func linearTicks(_ count: Int) -> [Tick] {
        let step = Self.niceStep((high - low) / Double(count))
        let first = (low / step).rounded(.up)
        let last = (high / step).rounded(.down)
        // Below this, neighboring numbers are no longer distinguishable.
        guard step > 0, step > 8 * max(low.magnitude, high.magnitude).ulp, first <= last, last - first < 100 else {
            return [Tick(value: (low / 2 + high / 2), label: Format.significant(low / 2 + high / 2))]
        }
        let exponent = Int(saturating: (Mathematics.log10(step) + 1e-9).rounded(.down))
        let most = max(low.magnitude, high.magnitude)
        let isScientific = most >= 1e6 || exponent < -7
        let leading = Int(saturating: Mathematics.log10(most).rounded(.down))
        return stride(from: first, through: last, by: 1).map { place in
            let value = place * step
            let label =
                isScientific
                ? (value == 0
                    ? "0"
                    : Format.scientific(value, decimals: max(0, Self.exponent(of: value, or: leading) - exponent)))
                : Format.fixed(value, decimals: max(0, -exponent))
            return Tick(value: value, label: label)
        }
    }

    private static func exponent(of value: Double, or other: Int) -> Int {
        value == 0 ? other : Int(saturating: (Mathematics.log10(value.magnitude) + 1e-9).rounded(.down))
    }

    private func logarithmicTicks(_ count: Int) -> [Tick] {
        let first = Int(saturating: (Mathematics.log10(low) - 1e-9).rounded(.up))
        let last = Int(saturating: (Mathematics.log10(high) + 1e-9).rounded(.down))
        let decades = Mathematics.log10(high) - Mathematics.log10(low)
        if decades < 0.7 { return linearTicks(count) }
        var values: [Double] = []
        if decades <= Double(count) / 1.5 {
            let factors = decades <= Double(count) / 3 ? [1.0, 2, 5] : decades <= Double(count) / 2 ? [1, 3] : [1]
            for exponent in (first - 1)...max(first - 1, last) {
                values += factors.map { $0 * Mathematics.power(10, exponent) }
            }
        } else {
            let every = max(1, Int(saturating: (decades / Double(count)).rounded(.up)))
            let begin = Int(saturating: (Double(first) / Double(every)).rounded(.up)) * every
            values = stride(from: begin, through: last, by: every).map { Mathematics.power(10, $0) }
        }
        let ticks = values.filter { $0 >= low * (1 - 1e-9) && $0 <= high * (1 + 1e-9) }
            .map { Tick(value: $0, label: Self.logarithmicLabel($0)) }
        return ticks.count < 2 ? linearTicks(count) : ticks
    }

    private static func logarithmicLabel(_ value: Double) -> String {
        let exponent = exponent(of: value, or: 0)
        guard (-3...5).contains(exponent) else { return Format.scientific(value, decimals: 0) }
        return Format.fixed(value, decimals: max(0, -exponent))
    }

    /// Returns the smallest of 1, 2, 5 times a power of ten that is not much less than a number.
    static func niceStep(_ raw: Double) -> Double {
        guard raw > 0, raw.isFinite else { return 0 }
        let exponent = Int(saturating: Mathematics.log10(raw).rounded(.down))
        let power = Mathematics.power(10, exponent)
        guard power > 0 else { return 0 }
        for factor in [1.0, 2, 5] where factor * power >= raw * 0.75 { return factor * power }
        return 10 * power
    }

    /// Returns the ticks of an axis of integers.
    func wholeTicks(about count: Int) -> [Tick] {
        let step = max(1, Self.niceStep((high - low) / Double(max(1, count))))
        return stride(from: (low / step).rounded(.up) * step, through: high, by: step).map {
            Tick(value: $0, label: $0 < 1e6 ? Format.fixed($0, decimals: 0) : $0.short)
        }
    }

    /// Returns the ticks of an axis of milliseconds.
    func timeTicks(about count: Int) -> [Tick] {
        let raw = (high - low) / Double(max(1, count))
        let second = 1000.0
        let (minute, hour, day) = (60 * second, 3600 * second, 86400 * second)
        let steps =
            [1.0, 2, 5, 10, 15, 30].map { $0 * second } + [1.0, 2, 5, 10, 15, 30].map { $0 * minute }
            + [1.0, 2, 3, 6, 12].map { $0 * hour }
        let step =
            raw <= 0.75 * second
            ? max(1, Self.niceStep(raw))
            : steps.first { $0 >= raw * 0.75 } ?? max(1, Self.niceStep(raw / day)) * day
        return stride(from: (low / step).rounded(.up) * step, through: high, by: step).map {
            Tick(value: $0, label: Self.timeLabel($0, step: step))
        }
    }

    private static func timeLabel(_ value: Double, step: Double) -> String {
        guard value > 0 else { return "0" }
        if step < 1000 { return value < 1000 ? "\(Int(saturating: value))ms" : "\((value / 1000).short)s" }
        let seconds = Int(saturating: value / 1000)
        let parts = [(seconds / 86400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")]
        return parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
    }
}
