// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite struct `Arithmetic on numbers from outside` {
    @Test func `ends at the greatest and least number`() {
        #expect(Int.max.adding(saturating: 1) == .max && Int.min.adding(saturating: -1) == .min)
        #expect(Int64.min.subtracting(saturating: 1) == .min && Int64.max.subtracting(saturating: -1) == .max)
        #expect(Int64.min.subtracting(saturating: .min) == 0 && Int64(0).subtracting(saturating: .min) == .max)
        #expect(Int.max.multiplied(saturatingBy: 2) == .max && Int.max.multiplied(saturatingBy: -2) == .min)
        #expect(Int.min.multiplied(saturatingBy: -1) == .max && 6.multiplied(saturatingBy: -7) == -42)
    }

    @Test func `takes the whole part of any number`() {
        #expect(Int(saturating: 2.9) == 2 && Int(saturating: -2.9) == -2 && Int(saturating: .nan) == 0)
        #expect(Int(saturating: .infinity) == .max && Int(saturating: -1e300) == .min)
        #expect(Int(saturating: 0x1p63) == .max && Int(saturating: -0x1p63) == .min)
    }

    @Test func `keeps times and durations in order`() {
        let last = Timestamp(milliseconds: .max)
        #expect(last.advanced(by: .seconds(1)) == last)
        #expect(last.since(Timestamp(milliseconds: .min)) == .milliseconds(Int64.max))
        #expect(Duration.seconds(Int64.max).milliseconds == .max && Duration.seconds(Int64.min).milliseconds == .min)
        #expect(Duration(saturatingSeconds: 1e300) == .seconds(1e17) && Duration(saturatingSeconds: .nan) == .zero)
    }
}
