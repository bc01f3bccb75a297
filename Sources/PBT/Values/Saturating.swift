// SPDX-License-Identifier: Apache-2.0

/// Arithmetic that ends at the greatest or least number instead of ending the process: for every number that comes from
/// a file, a request, a row, or a trainer.
extension FixedWidthInteger {
    /// The sum, or the greatest or least number when it is beyond that.
    package func adding(saturating other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// The difference, or the greatest or least number when it is beyond that.
    package func subtracting(saturating other: Self) -> Self {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }

    /// The product, or the greatest or least number when it is beyond that.
    package func multiplied(saturatingBy other: Self) -> Self {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// The whole part of a number, or the greatest or least number when it is beyond that; 0 for NaN.
    package init(saturating number: Double) {
        guard !number.isNaN else {
            self = 0
            return
        }
        self = Self(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
    }
}

extension Duration {
    /// So many seconds, or the longest time that is worth telling, 10^17 seconds; zero for NaN.
    package init(saturatingSeconds seconds: Double) {
        let most = 1e17
        self = .seconds(seconds.isNaN ? 0 : Swift.min(Swift.max(seconds, -most), most))
    }
}
