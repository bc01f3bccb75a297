// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct TrainerProgressTests {
    @Test(
        arguments: [
            ("step 120 of 500  loss 0.31", "step 120 of 500", "24%"),
            ("Step 120/500", "step 120 of 500", "24%"),
            ("[12:31:05] Epoch 3/10, batch 7/90", "epoch 3 of 10", "30%"),
            ("iteration 7 out of 8", "iteration 7 of 8", "87%"),
            (" 45%|████▌     | 45/100 [00:12<00:15,  3.6it/s]", "45 of 100", "45%"),
            ("training: 99.5 %", "training: 99.5 %", "99%"),
            ("100%", "100%", "100%"),
            ("loss 0.25 after 2026/11/28", "loss 0.25 after 2026/11/28", nil),
            ("12/24/2026 10:20 saved", "12/24/2026 10:20 saved", nil),
            ("accuracy 0.93", "accuracy 0.93", nil),
            ("step 7 of 0", "step 7 of 0", nil),
            ("step 9 of 5", "step 9 of 5", nil),
            ("overhead 250%", "overhead 250%", nil),
            ("model-3/4", "model-3/4", nil),
            ("step \(String(repeating: "9", count: 400)) of \(String(repeating: "9", count: 400))", nil, nil),
            ("", "", nil),
        ] as [(String, String?, String?)])
    func `is read from the last line of a log`(_ line: String, _ text: String?, _ percent: String?) {
        let progress = TrainerProgress(line: line)
        if let text { #expect(progress.text == text) }
        #expect(progress.percent == percent)
    }

    @Test(
        arguments: [
            (["step": 120, "steps": 500, "loss": 0.5], "step 120 of 500", "24%"),
            (["epoch": 1, "max_epochs": 4], "epoch 1 of 4", "25%"),
            (["step": 120, "loss": 0.5], "step 120, loss 0.5000", nil),
            (["note": "warm", "loss": 0.5], "loss 0.5000, note warm", nil),
            (["step": 7, "steps": 5], "step 7, steps 5", nil),
            (["step": .number(.nan), "steps": 5], nil, nil),
            ([:], nil, nil),
        ] as [([String: Value], String?, String?)])
    func `is read from the metrics of a running interval`(
        _ metrics: [String: Value], _ text: String?, _ percent: String?
    ) {
        let progress = TrainerProgress(metrics: metrics)
        if let text { #expect(progress?.text == text) }
        #expect(progress?.percent == percent)
        #expect((progress == nil) == metrics.isEmpty)
    }
}

extension LiveBlockTests {
    @Test func `a member in training says how far it is, and a problem comes before that`() throws {
        let whole = try SimulatedRun(population: 3, intervals: 3, isSynchronous: true, hasBaseline: false).history()
        var intervals = whole.genealogy.intervals.filter { $0.id.index < 2 }
        for place in intervals.indices where intervals[place].id.index == 1 {
            intervals[place].score = nil
            intervals[place].state = .running
            intervals[place].leaseExpires = Timestamp(milliseconds: 60_000)
            if intervals[place].id.member == 2 { intervals[place].failures = 1 }
        }
        let history = History(SimulatedRun.record(whole.record.experiment, intervals), intervals: intervals)
        var leaderboard = Leaderboard(history, now: Timestamp(milliseconds: 42_000))
        #expect(Set(leaderboard.running.map(\.id)) == Set((0..<3).map { IntervalID(member: $0, index: 1) }))
        leaderboard.set([
            IntervalID(member: 0, index: 1): TrainerProgress(line: "step 120 of 500"),
            IntervalID(member: 1, index: 1): TrainerProgress(line: "loading data"),
            IntervalID(member: 2, index: 1): TrainerProgress(line: "step 1 of 4"),
        ])
        let rows = Dictionary(uniqueKeysWithValues: leaderboard.rows.map { ($0.member, $0) })
        #expect(rows[0]?.word == "training 24%")
        #expect(rows[0]?.note == "step 120 of 500")
        #expect(rows[1]?.word == "training")
        #expect(rows[1]?.note == "loading data")
        #expect(rows[2]?.word == "training 25%")
        #expect(rows[2]?.note == "attempt 2 of 3")
        let lines = LiveBlock(
            leaderboard, pace: .init(finished: 3, planned: 9, elapsed: 1, left: nil), details: [], hints: [],
            glyphs: Glyphs(isASCII: false)
        ).lines(width: 120, height: 24).map(\.plain)
        #expect(lines.contains { $0.contains("training 24%") && $0.hasSuffix("step 120 of 500") })
    }
}
