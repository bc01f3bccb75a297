// SPDX-License-Identifier: Apache-2.0

package import PBT

/// Formats numbers, durations and sizes for people.
///
/// Full precision belongs in JSON and CSV.
package enum Format {
    /// Returns a number with this many decimals, rounded to nearest.
    package static func fixed(_ number: Double, decimals: Int) -> String {
        guard number.isFinite else { return number.description }
        let scaled = (number.magnitude * Mathematics.power(10, decimals)).rounded()
        guard scaled < 0x1p53 else { return number.description }
        var digits = String(Int64(scaled))
        if decimals > 0 {
            if digits.count <= decimals {
                digits = String(repeating: "0", count: decimals + 1 - digits.count) + digits
            }
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals))
        }
        return number < 0 && scaled > 0 ? "-\(digits)" : digits
    }

    /// Returns a number in scientific notation, `1.25e-7`, with this many decimals.
    package static func scientific(_ number: Double, decimals: Int) -> String {
        guard number.isFinite else { return number.description }
        guard number != 0 else { return fixed(0, decimals: decimals) }
        var exponent = Int(saturating: Mathematics.log10(number.magnitude).rounded(.down))
        var mantissa = scaled(number, byPowerOfTen: -exponent)
        let scale = Mathematics.power(10, decimals)
        mantissa = (mantissa * scale).rounded() / scale
        if mantissa.magnitude >= 10 {
            mantissa /= 10
            exponent += 1
        } else if mantissa.magnitude < 1 {
            mantissa *= 10
            exponent -= 1
        }
        return "\(fixed(mantissa, decimals: decimals))e\(exponent)"
    }

    /// Returns a number with this many significant digits, including trailing zeros: `0.9950`.
    package static func significant(_ number: Double, digits: Int = 4) -> String {
        guard number.isFinite else { return number.description }
        guard number != 0 else { return "0" }
        let exponent = Int(saturating: Mathematics.log10(number.magnitude).rounded(.down))
        guard (-4...6).contains(exponent) else { return scientific(number, decimals: digits - 1) }
        return fixed(number, decimals: max(0, digits - 1 - exponent))
    }

    /// Returns a score for a sentence or a label: integers as they are, other numbers with at least four significant
    /// digits, and up to seven if necessary to distinguish them from 1.
    package static func score(_ number: Double) -> String {
        if number == number.rounded(), number.magnitude < 1e6 { return fixed(number, decimals: 0) }
        guard (0.9..<1).contains(number.magnitude) else { return significant(number) }
        for digits in 4...7 {
            let text = significant(number, digits: digits)
            if text.drop(while: { $0 == "-" }).hasPrefix("0") { return text }
        }
        return significant(number, digits: 7)
    }

    /// Returns the cells of a column of numbers, with the same number of decimals where their magnitudes allow it.
    ///
    /// - Parameter numbers: The numbers; none for an empty cell, shown as `-`.
    /// - Returns: A string for each.
    package static func column(_ numbers: [Double?]) -> [String] {
        let finite = numbers.compactMap { $0 }.filter { $0.isFinite && $0 != 0 }
        let magnitudes = finite.map { $0.magnitude }
        guard let least = magnitudes.min(), let most = magnitudes.max() else {
            return numbers.map { $0.map { $0 == 0 ? "0" : $0.description } ?? "-" }
        }
        let isWhole = most < 1e9 && finite.allSatisfy { $0 == $0.rounded() }
        let isAlike = most < 1e6 && least >= 1e-4 && most / least < 1e4
        let decimals = isWhole ? 0 : max(0, 3 - Int(saturating: Mathematics.log10(most).rounded(.down)))
        return numbers.map { number in
            guard let number else { return "-" }
            guard number.isFinite else { return number.description }
            if isWhole || isAlike { return fixed(number, decimals: decimals) }
            return number == 0 ? "0" : scientific(number, decimals: 2)
        }
    }

    /// Returns a value on one line; numbers with at most four significant digits, strings without quotation marks.
    package static func value(_ value: Value?) -> String {
        switch value {
        case nil: "-"
        case .number(let number): number.short
        case .string(let string): string
        case .some(let other): other.json
        }
    }

    /// Returns a duration in its two largest units: `8.2s`, `42s`, `4m12s`, `3h05m`, `2d04h`.
    package static func duration(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.milliseconds)
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        if milliseconds < 10_000 { return fixed(Double(milliseconds / 100) / 10, decimals: 1) + "s" }
        let seconds = milliseconds / 1000
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m\(two(seconds % 60))s"
        case ..<86400: return "\(seconds / 3600)h\(two(seconds / 60 % 60))m"
        default: return "\(seconds / 86400)d\(two(seconds / 3600 % 24))h"
        }
    }

    /// Returns a number of bytes in the largest binary unit that is at least 1: `1.4 GiB`.
    package static func bytes(_ bytes: Int64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        guard bytes.magnitude >= 1024 else { return "\(bytes) B" }
        var amount = Double(bytes) / 1024
        var unit = 0
        // 1023.95 would be shown as 1024.0.
        while amount.magnitude >= 1023.95, unit + 1 < units.count {
            amount /= 1024
            unit += 1
        }
        return "\(fixed(amount, decimals: amount.magnitude < 99.95 ? 1 : 0)) \(units[unit])"
    }

    /// Returns a number times a power of ten, computed in steps that never overflow.
    private static func scaled(_ number: Double, byPowerOfTen exponent: Int) -> Double {
        var result = number
        var left = exponent
        while left != 0 {
            let step = max(-300, min(300, left))
            result *= Mathematics.power(10, step)
            left -= step
        }
        return result
    }
}
