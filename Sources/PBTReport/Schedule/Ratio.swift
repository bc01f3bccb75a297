// SPDX-License-Identifier: Apache-2.0

/// A positive rational number, exact: `4`, `2.5`, or `5/2`.
public struct Ratio: Sendable, Hashable {
    /// The number above the line, at least 1.
    public let numerator: Int
    /// The number below the line, at least 1.
    public let denominator: Int

    /// Parses an integer, a decimal number or a fraction; nil if it is not one, is not above 0, or has more than nine
    /// digits on either side.
    public init?(_ text: String) {
        func number(_ digits: some StringProtocol) -> Int? {
            guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return nil
            }
            return Int(digits)
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let top: Int
        let bottom: Int
        if parts.count == 2 {
            guard let above = number(parts[0]), let below = number(parts[1]) else { return nil }
            (top, bottom) = (above, below)
        } else {
            let decimals = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 1, decimals.count <= 2, let whole = number(decimals[0]) else { return nil }
            let fraction = decimals.count == 2 ? decimals[1] : ""
            guard let rest = decimals.count == 2 ? number(fraction) : 0 else { return nil }
            bottom = fraction.utf8.reduce(1) { power, _ in 10 * power }
            top = whole * bottom + rest
        }
        guard top > 0, bottom > 0 else { return nil }
        let divisor = Self.greatestCommonDivisor(top, bottom)
        (numerator, denominator) = (top / divisor, bottom / divisor)
    }

    private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
        b == 0 ? a : greatestCommonDivisor(b, a % b)
    }

    /// Returns a number times the ratio, rounded to the nearest integer, at least 1; nil if that is too large.
    ///
    /// - Parameters:
    ///   - number: A number of at least 0.
    ///   - most: The greatest result.
    /// - Returns: The product.
    public func times(_ number: Int, atMost most: Int) -> Int? {
        let (product, overflows) = number.multipliedReportingOverflow(by: numerator)
        guard !overflows else { return nil }
        let (whole, rest) = product.quotientAndRemainder(dividingBy: denominator)
        // Half a unit rounds up.
        let rounded = rest >= denominator - rest ? whole + 1 : whole
        return rounded <= most ? max(rounded, 1) : nil
    }
}

extension Ratio: CustomStringConvertible {
    /// `4`, or `5/2`.
    public var description: String {
        denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)"
    }
}
