// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct TextTests {
    @Test(arguments: [
        (0.995, "0.9950"), (0.99996, "0.99996"), (1, "1"), (0, "0"), (-0.5, "-0.5000"), (123.456, "123.5"),
        (12, "12"), (1.23456e-9, "1.235e-9"), (1e300, "1.000e300"), (9.99996, "10.000"),
        (-Double.leastNonzeroMagnitude, "-4.941e-324"),
        (0.00012346, "0.0001235"), (1_234_567.8, "1234568"), (2.5e6, "2500000"),
    ])
    func `scores have four significant digits, and more where they are near 1`(number: Double, text: String) {
        #expect(Format.score(number) == text)
    }

    @Test(arguments: [
        (Duration.zero, "0ms"), (.milliseconds(350), "350ms"), (.milliseconds(8_260), "8.2s"), (.seconds(42), "42s"),
        (.seconds(252), "4m12s"), (.seconds(11_105), "3h05m"), (.seconds(187_200), "2d04h"), (.seconds(-1), "0ms"),
    ])
    func `durations are said in their two greatest units`(duration: Duration, text: String) {
        #expect(Format.duration(duration) == text)
    }

    @Test(arguments: [
        (Int64(0), "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1.0 MiB"), (1_503_238_553, "1.4 GiB"),
        (.max, "8.0 EiB"), (120_000, "117 KiB"),
    ])
    func `sizes are said in binary units`(bytes: Int64, text: String) {
        #expect(Format.bytes(bytes) == text)
    }

    @Test func `a column of numbers has one number of decimals`() {
        #expect(Format.column([0.995, 0.5, nil, .nan]) == ["0.9950", "0.5000", "-", "nan"])
        #expect(Format.column([1, 20, 300]) == ["1", "20", "300"])
        #expect(Format.column([12.5, 0.125]) == ["12.50", "0.13"])
        #expect(Format.column([1e-5, 1, 0]) == ["1.00e-5", "1.00e0", "0"])
        #expect(Format.column([nil, 0]) == ["-", "0"])
    }

    @Test(arguments: [
        (Value.number(0.123456), "0.1235"), (.integer(1_234_567), "1234567"), (.string("relu"), "relu"),
        (.bool(true), "true"), (.array([1, "a"]), "[1,\"a\"]"), (.null, "null"),
    ])
    func `values of any kind stand on one line`(value: Value, text: String) {
        #expect(Format.value(value) == text)
    }

    private var table: TextTable {
        var table = TextTable([
            .init("member"), .init("accuracy", .right), .init("note", canShrink: true, rank: 2),
            .init("worker", canShrink: true, rank: 1),
        ])
        table.append(["m1", "0.9950", "a rather long remark about it", "host-1/4711"])
        table.append(["m12", "12.5", "", "東京"])
        return table
    }

    @Test func `a table in a pipe is whole, and no line ends in a space`() {
        #expect(
            table.text() == """
                member  accuracy  note                           worker
                m1        0.9950  a rather long remark about it  host-1/4711
                m12         12.5                                 東京

                """)
    }

    @Test func `a table on a narrow terminal cuts names in their middle, then leaves columns out`() {
        #expect(
            table.text(width: 50) == """
                member  accuracy  note                 worker
                m1        0.9950  a rather … about it  host-1/4711
                m12         12.5                       東京

                """)
        #expect(
            table.text(width: 30) == """
                member  accuracy  worker
                m1        0.9950  host-1/4711
                m12         12.5  東京

                """)
        #expect(table.text(width: 5).split(separator: "\n").first == "member  accuracy")
        #expect(table.text(width: 42, isASCII: true).contains("~"))
    }

    @Test(arguments: [16, 24, 30, 36, 42, 50, 70])
    func `no line of a table is wider than the terminal`(width: Int) {
        for line in table.text(width: width).split(separator: "\n") {
            #expect(PlainText.columns(of: String(line)) <= width)
        }
    }

    @Test func `what is in a cell cannot move the cursor`() {
        var table = TextTable([.init("a")])
        table.append(["\u{1b}[2J\u{202e}x\ny\r\u{7}"])
        #expect(!table.text().unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202e })
        #expect(table.text().split(separator: "\n").count == 2)
    }

    @Test func `a title can be made to stand out without moving anything`() {
        #expect(table.text(emphasize: { "<\($0)>" }).hasPrefix("<member"))
    }

    @Test(arguments: [("abc", 3), ("é", 1), ("e\u{301}", 1), ("東京", 4), ("😀", 2), ("★→×", 3), ("", 0)])
    func `text is as wide as a terminal shows it`(text: String, width: Int) {
        #expect(PlainText.columns(of: text) == width)
    }

    @Test func `a cut keeps both ends`() {
        #expect(PlainText.middle("learning_rate", width: 9) == "lear…rate")
        #expect(PlainText.middle("learning_rate", width: 13) == "learning_rate")
        #expect(PlainText.middle("learning_rate", width: 1) == "…")
        #expect(PlainText.middle("東京大阪", width: 6) == "東…阪")
    }

    @Test func `a sparkline has a character for each number, or as many as there is room for`() {
        #expect(Sparkline.text([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█")
        #expect(Sparkline.text([0, 1, 2, 3, 4, 5, 6, 7], isASCII: true) == "_.-=+*#@")
        #expect(Sparkline.text([1, .nan, 3]) == "▁ █")
        #expect(Sparkline.text([5, 5]) == "▄▄")
        #expect(Sparkline.text([]) == "")
        #expect(Sparkline.text([.nan]) == " ")
        #expect(Sparkline.text([-1.7e308, 1.7e308]) == "▁█")
        #expect(Sparkline.text((0..<1000).map { Double($0) }, width: 8) == "▁▂▃▄▅▆▇█")
    }
}
