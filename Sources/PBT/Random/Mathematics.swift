// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The functions of the C library that the algorithm needs.
///
/// They are accurate to about one unit in the last place, in which platforms may differ.
package enum Mathematics {
    package static func log(_ x: Double) -> Double {
        #if canImport(Darwin)
            Darwin.log(x)
        #elseif canImport(Glibc)
            Glibc.log(x)
        #else
            Musl.log(x)
        #endif
    }

    package static func exp(_ x: Double) -> Double {
        #if canImport(Darwin)
            Darwin.exp(x)
        #elseif canImport(Glibc)
            Glibc.exp(x)
        #else
            Musl.exp(x)
        #endif
    }

    package static func cosine(_ x: Double) -> Double {
        #if canImport(Darwin)
            Darwin.cos(x)
        #elseif canImport(Glibc)
            Glibc.cos(x)
        #else
            Musl.cos(x)
        #endif
    }

    /// Returns the logarithm to base 10, exact for the powers of ten that formatting uses.
    package static func log10(_ x: Double) -> Double {
        #if canImport(Darwin)
            Darwin.log10(x)
        #elseif canImport(Glibc)
            Glibc.log10(x)
        #else
            Musl.log10(x)
        #endif
    }

    /// Returns `base` to an integer power.
    package static func power(_ base: Double, _ exponent: Int) -> Double {
        #if canImport(Darwin)
            Darwin.pow(base, Double(exponent))
        #elseif canImport(Glibc)
            Glibc.pow(base, Double(exponent))
        #else
            Musl.pow(base, Double(exponent))
        #endif
    }

    /// Returns the natural logarithm of the absolute value of the gamma function, by Lanczos' approximation
    /// (g = 7, n = 9).
    ///
    /// Not the C library's `lgamma`, which writes to a global variable.
    package static func logGamma(_ x: Double) -> Double {
        if x < 0.5 {
            // The reflection formula; x is a positive half-integer or more in this project, so sin(πx) > 0.
            return log(Double.pi / cosine(Double.pi * (x - 0.5))) - logGamma(1 - x)
        }
        let coefficients = [
            676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
            12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
        ]
        let y = x - 1
        var sum = 0.99999999999980993
        for (i, coefficient) in coefficients.enumerated() {
            sum += coefficient / (y + Double(i) + 1)
        }
        let t = y + 7.5
        return 0.5 * log(2 * Double.pi) + (y + 0.5) * log(t) - t + log(sum)
    }
}
