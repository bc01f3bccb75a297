// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Mathematics") struct MathematicsTests {
    /// The logarithm of (n - 1)! and, from the square root of π, of half-integers.
    @Test func `the logarithm of the gamma function is exact for whole and half numbers`() {
        var factorial = 0.0
        for n in 1...170 {
            if n > 1 { factorial += Mathematics.log(Double(n - 1)) }
            #expect((Mathematics.logGamma(Double(n)) - factorial).magnitude <= 1e-13 * max(1, factorial))
        }
        var half = 0.5 * Mathematics.log(Double.pi)
        for n in 0..<100 {
            #expect((Mathematics.logGamma(Double(n) + 0.5) - half).magnitude <= 1e-13 * max(1, half.magnitude))
            half += Mathematics.log(Double(n) + 0.5)
        }
    }

    @Test func `powers of ten and their logarithms are exact`() {
        for exponent in -300...300 {
            #expect(Mathematics.log10(Mathematics.power(10, exponent)).rounded() == Double(exponent))
        }
        #expect(Mathematics.power(10, 3) == 1000 && Mathematics.log10(1e-5) == -5)
    }
}
