// SPDX-License-Identifier: Apache-2.0

/// Saturating arithmetic, for numbers that come from files, requests, rows, or trainers.
extension FixedWidthInteger {
    /// Returns the sum, clamped to the representable range.
    package func adding(saturating other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// Returns the difference, clamped to the representable range.
    package func subtracting(saturating other: Self) -> Self {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }

    /// Returns the product, clamped to the representable range.
    package func multiplied(saturatingBy other: Self) -> Self {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// Creates the integer part of a number, clamped to the representable range; 0 for NaN.
    package init(saturating number: Double) {
        guard !number.isNaN else {
            self = 0
            return
        }
        self = Self(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
    }
}

extension Duration {
    /// Returns a duration in seconds, at most 10^17; zero for NaN.
    package init(saturatingSeconds seconds: Double) {
        let most = 1e17
        self = .seconds(seconds.isNaN ? 0 : Swift.min(Swift.max(seconds, -most), most))
    }
}
