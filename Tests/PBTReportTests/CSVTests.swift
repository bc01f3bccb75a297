// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct CSVTests {
    /// Reads RFC 4180: rows of cells.
    private func parsed(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var cell: [Unicode.Scalar] = []
        var isQuoted = false
        var wasQuote = false
        func finish() {
            row.append(String(String.UnicodeScalarView(cell)))
            cell = []
        }
        for scalar in text.unicodeScalars {
            if isQuoted, scalar == "\"", !wasQuote {
                wasQuote = true
            } else if isQuoted, !wasQuote {
                cell.append(scalar)
            } else if wasQuote, scalar == "\"" {
                cell.append(scalar)
                wasQuote = false
            } else if scalar == "\"" {
                isQuoted = true
            } else {
                (isQuoted, wasQuote) = (false, false)
                switch scalar {
                case ",": finish()
                case "\r": break
                case "\n":
                    finish()
                    rows.append(row)
                    row = []
                default: cell.append(scalar)
                }
            }
        }
        return rows
    }

    @Test func `a row says all about an interval, to the last bit`() throws {
        var interval = Interval(
            id: IntervalID(member: 1, index: 3), parent: IntervalID(member: 0, index: 2),
            hyperparameters: ["rate": 0.1, "layers": [1, 2], "name": "a,\"b\"\r\nc", "none": nil], depth: 4,
            created: Timestamp(milliseconds: 1_500))
        interval.state = .done
        interval.score = 0.1 + 0.2
        interval.metrics = ["accuracy": .number(0.1 + 0.2), "steps": 7, "loss": .number(.infinity)]
        interval.finished = Timestamp(milliseconds: -1)
        let rows = parsed(IntervalCSV([interval]).text([interval]))
        try #require(rows.count == 2 && rows[0].count == rows[1].count)
        let cells = Dictionary(uniqueKeysWithValues: zip(rows[0], rows[1]))
        #expect(cells["member"] == "1" && cells["interval"] == "3")
        #expect(cells["parent_member"] == "0" && cells["parent_interval"] == "2" && cells["exploited"] == "true")
        #expect(cells["state"] == "done" && cells["depth"] == "4")
        #expect(cells["score"].flatMap { Double($0) } == 0.1 + 0.2)
        #expect(cells["metrics.steps"] == "7" && cells["metrics.loss"] == "inf")
        #expect(cells["hyperparameters.layers"] == "[1,2]" && cells["hyperparameters.none"]?.isEmpty == true)
        #expect(cells["hyperparameters.name"] == "a,\"b\"  c")
        #expect(cells["created"] == "1970-01-01T00:00:01.500Z")
        #expect(cells["finished"] == "1969-12-31T23:59:59.999Z")
        #expect(cells["started"]?.isEmpty == true)
    }

    @Test func `every row of a run has every column, and every line ends as RFC 4180 says`() throws {
        let intervals = try SimulatedRun(finishing: 50).history().genealogy.intervals
        let csv = IntervalCSV(intervals)
        let text = csv.text(intervals)
        let rows = parsed(text)
        #expect(rows.count == intervals.count + 1)
        #expect(rows.allSatisfy { $0.count == rows[0].count })
        #expect(text.utf8.count { $0 == 0x0a } == rows.count && text.utf8.count { $0 == 0x0d } == rows.count)
        #expect(text == csv.header + intervals.map { csv.row($0) }.joined())
        let scores = rows.dropFirst().map { $0[rows[0].firstIndex(of: "score") ?? 0] }
        #expect(scores == intervals.map { $0.score?.description ?? "" })
    }

    /// A text from outside, and its cell.
    static let texts: [(String, String)] = [
        ("plain", "plain"), ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=x", "' =x"),
        ("\r=x", "' =x"), (" =x", "' =x"), ("\u{ff1d}1", "'\u{ff1d}1"), ("'=x", "''=x"), ("it's", "it's"),
        ("a\u{0}b\u{1b}[31mc", "a\u{fffd}b\u{fffd}[31mc"), ("line\r\nline", "line  line"),
        ("a\u{202e}b", "a\u{fffd}b"), ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ]

    @Test(arguments: texts) func `no text is a formula or controls anything, whoever wrote it`(
        _ text: String, _ cell: String
    ) throws {
        var interval = Interval(
            id: IntervalID(member: 0, index: 0), parent: nil, hyperparameters: ["h": .string(text), "n": -1.5],
            depth: 1,
            created: Timestamp(milliseconds: 0))
        interval.worker = text
        interval.reason = text
        interval.checkpoint = text
        interval.score = -0.25
        interval.metrics = [text: -3, "t": .string(text), "l": [.string(text)]]
        let whole = IntervalCSV([interval]).text([interval])
        let rows = parsed(whole)
        try #require(rows.count == 2 && rows[0].count == rows[1].count)
        #expect(!whole.replacing("\r\n", with: "").unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f })
        let cells = Dictionary(zip(rows[0], rows[1])) { first, _ in first }
        for column in ["worker", "reason", "checkpoint", "metrics.t", "hyperparameters.h"] {
            #expect(cells[column] == cell, "\(column)")
        }
        // Numbers stay numbers, though they begin with a minus.
        #expect(cells["score"] == "-0.25" && cells["hyperparameters.n"] == "-1.5")
        #expect(rows[1].contains("-3"))
    }

    @Test func `no interval is a table with a header`() {
        #expect(IntervalCSV([]).text([]).hasPrefix("member,interval,parent_member"))
    }
}
