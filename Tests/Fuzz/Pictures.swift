// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTExport
import PBTReport

extension Target {
    static let charts = Target(name: "charts") { recorder in
        { source in
            let history = Runs.history(&source)
            let kind = source.pick(Chart.Kind.allCases)
            let others = kind == .comparison ? (0..<source.below(4)).map { _ in Runs.history(&source) } : []
            let options = Runs.options(&source, history)
            try recorder.note("\(kind) \(options)\n\(Runs.note(history))")
            let chart = Chart.drawn(kind, of: history, comparedWith: others, options: options)
            var markup = try Markup(chart.svg)
            try markup.checkPicture(width: Double(chart.width), height: Double(chart.height))
            _ = chart.marks + chart.longestPath
        }
    }

    static let tables = Target(name: "tables") { recorder in
        { source in
            let history = Runs.history(&source)
            try recorder.note(Runs.note(history))
            let tip = history.genealogy.intervals.isEmpty ? nil : source.pick(history.genealogy.intervals).id
            let tables = [
                ChartTable.curves(of: history), .schedule(of: history, tip: tip), .lineage(of: history),
                .scatter(of: history), .timeline(of: history, showsBaseline: source.chance(2)), .share(of: history),
                .scores(of: history), .diversity(of: history), .operators(of: history),
                .comparison(of: [history], showsBaseline: source.chance(2)),
            ]
            for table in tables {
                try expect(
                    table.rows.allSatisfy { $0.count == table.columns.count },
                    "a row of \"\(table.caption)\" has another number of cells than there are columns")
                try checkText(table.text(width: 20 + source.below(200), isASCII: source.chance(2)), "a table")
                _ = try Markup(HTML.table(table).markup)
            }
        }
    }

    static let text = Target(name: "text") { recorder in
        { source in
            let history = Runs.history(&source)
            try recorder.note(Runs.note(history))
            let (width, height) = (20 + source.below(source.chance(9) ? 1000 : 120), 8 + source.below(60))
            let glyphs = Glyphs(isASCII: source.chance(2))
            let tip = history.genealogy.intervals.isEmpty ? nil : source.pick(history.genealogy.intervals).id
            let chart = TextChart(history, tip: tip, width: width, glyphs: glyphs)
            try checkLines(chart.curves(height: height) + chart.schedule(height: height), width, "a text chart")
            let leaderboard = Leaderboard(history, now: Timestamp(milliseconds: 1_700_000_000_000))
            let block = LiveBlock(
                leaderboard,
                pace: .init(
                    finished: source.below(100), planned: source.below(100), elapsed: source.finite().magnitude,
                    left: source.chance(2) ? source.finite().magnitude : nil), details: [source.text()],
                hints: [source.text()], glyphs: glyphs)
            try checkLines(block.lines(width: width, height: height), width, "a block")
            try checkLines(block.summary(width: width), width, "a summary")
            try checkLines(
                LeaderboardTable(leaderboard.rows, of: leaderboard, glyphs: glyphs).lines(width: width), width,
                "a leaderboard")
            let graph = LineageGraph(history, onlySurvivors: source.chance(2), glyphs: glyphs)
            try checkLines(graph.lanes, .max, "a graph")
            let numbers = (0..<source.below(200)).map { _ in source.number() }
            let spark = Sparkline.text(numbers, width: source.below(100), isASCII: glyphs.isASCII)
            try expect(spark.count <= 100, "a sparkline is \(spark.count) wide")
            for number in numbers {
                _ = Format.score(number) + Format.significant(number) + Format.fixed(number, decimals: source.below(20))
                _ = number.short
            }
            _ = Format.column(numbers.map { $0 })
            _ = Format.bytes(Int64(source.integer())) + Format.duration(.milliseconds(Int64(source.integer())))
            _ = Timestamp(milliseconds: Int64(source.integer())).description
        }
    }

    private static func checkLines(_ lines: [StyledLine], _ width: Int, _ what: String) throws {
        for line in lines {
            try expect(
                line.columns <= width, "a line of \(what) takes \(line.columns) of \(width) columns: \(line.plain)")
            try checkText(line.plain, what)
        }
    }

    private static func checkText(_ text: String, _ what: String) throws {
        try expect(
            !text.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || $0.value == 0x7f },
            "\(what) has a control character: \(Value.string(text).json)")
    }

    static let report = Target(name: "report") { recorder in
        { source in
            let histories = (0...source.below(2)).map { Runs.history(&source, name: "run \($0)") }
            try recorder.note(histories.map { Runs.note($0) }.joined(separator: "\n"))
            _ = try Markup(Report.html(of: histories))
        }
    }

    static let csv = Target(name: "csv") { recorder in
        { source in
            let intervals = Runs.history(&source).genealogy.intervals
            try recorder.note(intervals.prefix(200).map { "\($0)" }.joined(separator: "\n"))
            let text = IntervalCSV(intervals).text(intervals)
            let rows = try rows(of: text)
            try expect(rows.count == intervals.count + 1, "\(rows.count) rows of \(intervals.count) intervals")
            try expect(rows.allSatisfy { $0.count == rows[0].count }, "rows have different numbers of cells")
            let dangerous: Set<Character> = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]
            for cell in rows.joined() {
                try expect(
                    !cell.unicodeScalars.contains { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) },
                    "a cell has a control character: \(Value.string(cell).json)")
                guard let first = cell.first(where: { !$0.isWhitespace }), dangerous.contains(first) else { continue }
                let isTime = cell.hasSuffix("Z") && cell.contains("T")
                try expect(Double(cell) != nil || isTime, "a cell is a formula: \(cell)")
            }
        }
    }

    /// Reads RFC 4180.
    private static func rows(of text: String) throws -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            var cell = String.UnicodeScalarView()
            if rest.first == "\"" {
                rest.removeFirst()
                while let scalar = rest.popFirst() {
                    if scalar != "\"" {
                        cell.append(scalar)
                    } else if rest.first == "\"" {
                        cell.append(rest.removeFirst())
                    } else {
                        break
                    }
                }
            } else {
                while let scalar = rest.first, scalar != ",", scalar != "\r" { cell.append(rest.removeFirst()) }
            }
            row.append(String(cell))
            switch rest.popFirst() {
            case ",": continue
            case "\r":
                try expect(rest.popFirst() == "\n", "a line ends otherwise than with CR LF")
                rows.append(row)
                row = []
            default: throw Violation(description: "a cell is followed by neither a comma nor the end of a line")
            }
        }
        try expect(row.isEmpty, "the last line does not end")
        return rows
    }

    static let tensorboard = Target(name: "tensorboard") { recorder in
        { source in
            let history = Runs.history(&source)
            try recorder.note(Runs.note(history))
            let files = TensorBoardFiles(history)
            try expect(Set(files.paths).count == files.paths.count, "two files have the same path")
            for place in files.paths.indices {
                try expect(!files.paths[place].split(separator: "/").contains(".."), "a path leads elsewhere")
                var rest = files.contents(at: place)[...]
                while !rest.isEmpty {
                    try expect(rest.count >= 16, "a record is cut off")
                    let length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
                    try expect(length >= 0 && length <= rest.count - 16, "a record says it has \(length) bytes")
                    rest = rest.dropFirst(16 + length)
                }
            }
        }
    }
}
