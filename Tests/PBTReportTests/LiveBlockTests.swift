// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct LiveBlockTests {
    /// A run in the middle: 2 stalls, 5 waits for its third attempt, 7 failed for good.
    private static func troubled(members: Int = 20) throws -> History {
        let whole = try SimulatedRun(population: members, intervals: 9, isSynchronous: true, hasBaseline: false)
            .history()
        var intervals = whole.genealogy.intervals.filter { $0.id.index < 6 }
        for place in intervals.indices where intervals[place].id.index == 5 {
            intervals[place].score = nil
            intervals[place].state = intervals[place].id.member % 3 == 0 ? .waiting : .running
            intervals[place].leaseExpires = Timestamp(milliseconds: 60_000)
            switch intervals[place].id.member {
            case 2:
                intervals[place].state = .running
                intervals[place].leaseExpires = Timestamp(milliseconds: 0)
            case 5:
                intervals[place].state = .waiting
                intervals[place].failures = 2
                intervals[place].reason = "exit 1: loss is nan"
            case 7:
                intervals[place].state = .failed
                intervals[place].reason = "timed out after 10m\u{1b}[2J"
            default: break
            }
        }
        return History(
            SimulatedRun.record(whole.record.experiment, intervals), intervals: intervals)
    }

    private static let now = Timestamp(milliseconds: 42_000)

    private static func block(_ history: History, isASCII: Bool = false) -> LiveBlock {
        LiveBlock(
            Leaderboard(history, now: now), pace: .init(finished: 100, planned: 180, elapsed: 252, left: 410),
            details: ["PBT truncation 20%", "20 members", "4 workers", "seed 7"], hints: ["q stop", "p pause"],
            glyphs: Glyphs(isASCII: isASCII))
    }

    @Test func `at 80 by 24 it says how far, how good, who has problems, and who is best`() throws {
        let lines = Self.block(try Self.troubled()).lines(width: 80, height: 24).map(\.plain)
        #expect(
            lines.joined(separator: "\n") == """

                digits  PBT truncation 20%  20 members  4 workers  seed 7
                100/180 intervals ━━━━━━━━━━━━━━━━━━━━━───────────────── 55%  4m12s, 6m50s left
                accuracy best 0.7453  median 0.6974  p10 0.6276  ▁▃▅▇██  founders left 5/20
                   member  state     interval  accuracy     learning_rate  momentum  activation
                !       2  stalled          5    0.7271  ▲        0.03284    0.9999        relu
                ×       5  retrying         5    0.7169  ▲        0.04250    0.5145        gelu
                ×       7  failed           5         -           0.04250    0.2542        gelu
                ★      14  training         5    0.7453  ▲        0.05131    0.9999        tanh
                       17  training         5    0.7436  ▲        0.05131    0.8211        relu
                       18  waiting          5    0.7393  ▲        0.04105    0.9999        relu
                        0  waiting          5    0.7276  ▲        0.05313    0.6431        tanh
                  13 more: 5 waiting, 8 training
                q stop  p pause
                """)
    }

    @Test(arguments: 1...130)
    func `no line is as wide as the terminal, whatever its width`(width: Int) throws {
        let history = try Self.troubled()
        for isASCII in [false, true] {
            for line in Self.block(history, isASCII: isASCII).lines(width: width, height: 24) {
                #expect(line.columns < max(2, width), "\(line.plain)")
                #expect(!isASCII || line.plain.utf8.allSatisfy { $0 < 0x80 })
            }
        }
    }

    @Test(arguments: 1...40)
    func `it has at most 14 lines, and leaves a row of the terminal free`(height: Int) throws {
        for members in [1, 3, 8, 9, 20] {
            let lines = Self.block(try Self.troubled(members: members)).lines(width: 80, height: height)
            #expect(lines.count <= min(14, max(1, height - 1)))
            #expect(lines.contains { $0.plain.contains("100/180") })
        }
    }

    @Test func `problems come first, and what is hidden is counted`() throws {
        let lines = Self.block(try Self.troubled()).lines(width: 130, height: 24).map(\.plain)
        let table = lines.dropFirst(5).prefix(while: { !$0.contains(" more: ") })
        #expect(table.count == 7)
        #expect(table.prefix(3).allSatisfy { $0.hasPrefix("!") || $0.hasPrefix("×") })
        #expect(table.contains { $0.contains("stalled") && $0.contains("no heartbeat for 42s") })
        #expect(table.contains { $0.contains("retrying") && $0.contains("attempt 3 of 3: exit 1: loss is nan") })
        #expect(table.contains { $0.contains("failed") && $0.contains("timed out after 10m") })
        #expect(lines.contains { $0.hasPrefix("  13 more: ") })
    }

    @Test func `a name or a reason cannot move the cursor`() throws {
        var run = SimulatedRun(intervals: 2, hasBaseline: false)
        run.name = "a\u{1b}[31m\r\nb"
        let text = Self.block(try run.history()).lines(width: 80, height: 24).map { $0.text { text, _ in text } }
        #expect(!text.joined().unicodeScalars.contains { $0.value < 0x20 })
        #expect(text[1].hasPrefix("a\u{fffd}[31m"))
    }

    @Test func `before the first score it says so, and there is no table of nobody`() {
        let run = HandMadeRun(population: 0, intervals: 3)
        let lines = Self.block(run.history()).lines(width: 80, height: 24).map(\.plain)
        #expect(lines.contains("accuracy no score yet"))
        #expect(!lines.contains { $0.contains("member  state") })
    }

    @Test func `a score that got better or worse than its parent's is marked`() {
        var run = HandMadeRun(population: 3, intervals: 3)
        for (member, scores) in [[0.5, 0.6], [0.5, 0.4], [0.5, 0.5]].enumerated() {
            run.add(IntervalID(member: member, index: 0), parent: nil, score: scores[0])
            run.add(
                IntervalID(member: member, index: 1), parent: IntervalID(member: member, index: 0), score: scores[1])
        }
        let rows = Leaderboard(run.history(), now: Self.now).rows
        #expect(rows.map(\.member) == [0, 2, 1])
        #expect(rows.map(\.trend) == [1, 0, -1])
        #expect(rows.map(\.isBest) == [true, false, false])
    }

    @Test(arguments: [10, 17, 25, 40, 79])
    func `a line is broken at spaces, and loses nothing`(width: Int) {
        var line: StyledLine = "00:00:04  fail   3@1  exit 1: 損失が大きすぎる loss is nan  log: "
        line.append("pbt.data/a-rather-long-name/logs/m0003-i0001-a3.log", .red)
        let folded = line.folded(to: width, indent: 10)
        #expect(folded.allSatisfy { $0.columns <= width })
        func letters(_ text: String) -> String { text.filter { $0 != " " } }
        #expect(letters(folded.map(\.plain).joined()) == letters(line.plain))
        #expect(folded.dropFirst().allSatisfy { $0.plain.hasPrefix("   ") })
        #expect(folded.flatMap(\.spans).contains { $0.style == .red })
    }

    @Test func `a line that fits is left as it is, and a longer one is cut with an ellipsis`() {
        let line = StyledLine("accuracy 0.98", .red)
        #expect(line.clipped(to: 13, isASCII: false) == line)
        #expect(line.clipped(to: 8, isASCII: false).plain == "accurac…")
        #expect(line.clipped(to: 8, isASCII: true).plain == "accurac~")
        #expect(line.text { "<\($1.rawValue):\($0)>" } == "<31:accuracy 0.98>")
        #expect(StyledLine("東京大阪").clipped(to: 6, isASCII: false).plain == "東京…")
    }
}
