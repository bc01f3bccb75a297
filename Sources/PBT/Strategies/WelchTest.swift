// SPDX-License-Identifier: Apache-2.0

/// Welch's t-test of two samples with unequal variances.
///
/// Source: Welch 1947, "The generalization of Student's problem when several different population variances are
/// involved", Biometrika 34. `t` and the degrees of freedom are exact; `p` is accurate to about 1e-12.
public struct WelchTest: Sendable, Hashable {
    /// The difference of the means in units of its standard error; infinite if neither sample varies.
    public let t: Double
    /// The degrees of freedom by Welch and Satterthwaite; NaN if neither sample varies.
    public let degreesOfFreedom: Double
    /// The p-value: the probability, under equal means, of a `t` at least as great.
    public let p: Double

    /// Performs the test for a greater mean of the first sample.
    ///
    /// - Parameters:
    ///   - sample: The sample whose mean may be greater; finite numbers.
    ///   - other: The sample to compare with; finite numbers.
    public init(of sample: [Double], against other: [Double]) {
        guard sample.count >= 2, other.count >= 2 else {
            (t, degreesOfFreedom, p) = (.nan, .nan, 1)
            return
        }
        let (meanA, errorA) = Self.meanAndSquaredError(sample)
        let (meanB, errorB) = Self.meanAndSquaredError(other)
        let squaredError = errorA + errorB
        guard squaredError > 0 else {
            t = meanA == meanB ? 0 : (meanA > meanB ? .infinity : -.infinity)
            degreesOfFreedom = .nan
            p = meanA > meanB ? 0 : 1
            return
        }
        t = (meanA - meanB) / squaredError.squareRoot()
        // By ratios, not by squares of the errors, which overflow or underflow for very large or small scores.
        let (shareA, shareB) = (errorA / squaredError, errorB / squaredError)
        degreesOfFreedom = 1 / (shareA * shareA / Double(sample.count - 1) + shareB * shareB / Double(other.count - 1))
        p = Self.upperTail(t: t, degreesOfFreedom: degreesOfFreedom)
    }

    /// Returns true if the first sample's mean is greater at a significance level (one-sided).
    public func isGreater(significance: Double) -> Bool {
        p < significance
    }

    private static func meanAndSquaredError(_ sample: [Double]) -> (mean: Double, squaredError: Double) {
        let count = Double(sample.count)
        let mean = sample.reduce(0, +) / count
        let variance = sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        return (mean, variance / count)
    }

    /// Returns the upper tail of Student's distribution, by the regularized incomplete beta function.
    static func upperTail(t: Double, degreesOfFreedom: Double) -> Double {
        let x = degreesOfFreedom / (degreesOfFreedom + t * t)
        let half = 0.5 * incompleteBeta(x, degreesOfFreedom / 2, 0.5)
        return t >= 0 ? half : 1 - half
    }

    /// Returns the regularized incomplete beta function Iₓ(a, b), by its continued fraction (Lentz's method).
    ///
    /// Source: DLMF 8.17.22, with the symmetry 8.17.4 where that converges faster.
    static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
        let front =
            Mathematics.exp(
                Mathematics.logGamma(a + b) - Mathematics.logGamma(a) - Mathematics.logGamma(b)
                    + a * Mathematics.log(x) + b * Mathematics.log(1 - x)) / a
        let tiny = 1e-300
        var c = 1.0
        var d = 1 / nonZero(1 - (a + b) * x / (a + 1), tiny)
        var fraction = d
        for m in 1...500 {
            let n = Double(m)
            let even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n))
            d = 1 / nonZero(1 + even * d, tiny)
            c = nonZero(1 + even / c, tiny)
            fraction *= c * d
            let odd = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1))
            d = 1 / nonZero(1 + odd * d, tiny)
            c = nonZero(1 + odd / c, tiny)
            let factor = c * d
            fraction *= factor
            if (factor - 1).magnitude < 1e-15 { break }
        }
        return front * fraction
    }

    private static func nonZero(_ x: Double, _ tiny: Double) -> Double {
        x.magnitude < tiny ? tiny : x
    }
}
