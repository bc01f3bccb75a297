// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Time") struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"),
            (999, "1970-01-01T00:00:00Z"),
            (1000, "1970-01-01T00:00:01Z"),
            (86_399_999, "1970-01-01T23:59:59Z"),
            (86_400_000, "1970-01-02T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_799_000, "2000-02-29T23:59:59Z"),
            (951_868_800_000, "2000-03-01T00:00:00Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00Z"),
            (1_795_288_694_000, "2026-11-21T19:18:14Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (253_402_300_799_000, "9999-12-31T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (-86_400_000, "1969-12-31T00:00:00Z"),
            (-86_400_001, "1969-12-30T23:59:59Z"),
            (-2_203_977_600_000, "1900-02-28T00:00:00Z"),
            (-2_203_891_200_000, "1900-03-01T00:00:00Z"),
            (-11_676_096_000_000, "1600-01-01T00:00:00Z"),
            (-11_670_998_400_000, "1600-02-29T00:00:00Z"),
        ] as [(Int64, String)])
    func `a time reads as its date in UTC`(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
    }

    @Test func `every day of 800 years follows the day before`() {
        func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        var (year, month, day) = (1600, 1, 1)
        var milliseconds: Int64 = -11_676_096_000_000
        var wrong: [String] = []
        while year < 2400 {
            let two = { (n: Int) in n < 10 ? "0\(n)" : "\(n)" }
            let expected = "\(year)-\(two(month))-\(two(day))T00:00:00Z"
            if Timestamp(milliseconds: milliseconds).description != expected { wrong.append(expected) }
            let days = month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
            day += 1
            if day > days { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
            milliseconds += 86_400_000
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(3))")
    }

    @Test func `times are ordered, and differ by durations`() {
        let time = Timestamp(milliseconds: 5000)
        let later = time.advanced(by: .milliseconds(1500))
        #expect(later.milliseconds == 6500)
        #expect(time < later)
        #expect(later.since(time) == .milliseconds(1500))
        #expect(time.since(later) == .milliseconds(-1500))
    }

    @Test(arguments: [
        (Value.integer(90), Duration.seconds(90)), (0.25, .milliseconds(250)), ("90s", .seconds(90)),
        ("10m", .seconds(600)), ("2h", .seconds(7200)), ("1.5h", .seconds(5400)), ("3d", .seconds(259_200)),
        ("250ms", .milliseconds(250)), ("1e3s", .seconds(1000)),
    ])
    func `a duration is read from seconds or from a number with a unit`(value: Value, duration: Duration) {
        #expect(Duration(value: value) == duration)
    }

    @Test(
        arguments: [
            "", "s", "m", "10", "10 m", "ten minutes", "10x", "infs", "nand", "1e400s", true, nil, [], .number(.nan),
        ] as [Value])
    func `what is no duration is not read as one`(value: Value) {
        #expect(Duration(value: value) == nil)
    }

    @Test(arguments: [1, 250, 1000, 1500, 86_400_000, 123_456_789] as [Int64])
    func `a duration that was written is read back`(milliseconds: Int64) {
        let duration = Duration.milliseconds(milliseconds)
        #expect(Duration(value: duration.value) == duration)
    }
}
