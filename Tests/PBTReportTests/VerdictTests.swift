// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

/// The comparison of a search with its random search, and the noise that it is measured by.
@Suite struct VerdictTests {
    private static func interval(_ member: Int, _ index: Int) -> IntervalID { IntervalID(member: member, index: index) }

    /// Returns members that train with the same hyperparameters all the time.
    private static func run(
        _ members: Int, _ intervals: Int, objective: Objective = .maximize("accuracy"),
        score: (IntervalID) -> Double
    ) -> HandMadeRun {
        var run = HandMadeRun(objective: objective, population: members, intervals: intervals)
        for index in 0..<intervals {
            for member in 0..<members {
                let id = IntervalID(member: member, index: index)
                let parent = index == 0 ? nil : IntervalID(member: member, index: index - 1)
                run.add(id, parent: parent, score: score(id), ["rate": .number(Double(member + 1) / 10)])
            }
        }
        return run
    }

    /// Returns numbers with standard deviation 1: sums of twelve uniform ones.
    private static func noise(seed: UInt64) -> () -> Double {
        var random = SplitMix64(seed: seed)
        return { (0..<12).reduce(-6.0) { sum, _ in sum + Double(random.next() >> 11) / 0x1p53 } }
    }

    @Test func `without a baseline there is no verdict`() {
        #expect(Self.run(2, 2) { Double($0.index) }.history().verdict == nil)
        #expect(Self.run(2, 2) { Double($0.index) }.history(baseline: []).verdict == nil)
    }

    @Test func `both are compared after as many intervals as the shorter has finished`() throws {
        // The search is better later only.
        let search = Self.run(1, 6) { [0.1, 0.2, 0.3, 0.9, 0.91, 0.92][$0.index] }
        let baseline = Self.run(1, 3) { [0.4, 0.5, 0.45][$0.index] }
        let verdict = try #require(search.history(baseline: baseline.intervals).verdict)
        #expect(verdict.budget == 3)
        #expect([verdict.searchBudget, verdict.baselineBudget] == [6, 3])
        #expect([verdict.score, verdict.baseline] == [0.3, 0.5])
        #expect(!verdict.isBetter)
        #expect(
            verdict.text
                == "0.3000 vs. 0.5000 of random search, after 3 intervals each (6 and 3 finished): 0.200 worse; "
                + "one run each, noise unknown")
        #expect(verdict.short == "-0.200")
    }

    @Test func `a smaller loss is better, and equal scores are the same`() throws {
        let low = Self.run(1, 2, objective: .minimize("loss")) { [0.5, 0.25][$0.index] }
        let high = Self.run(1, 2, objective: .minimize("loss")) { [0.5, 0.5][$0.index] }
        let verdict = try #require(low.history(baseline: high.intervals).verdict)
        #expect(verdict.isBetter)
        #expect(verdict.text.hasSuffix("after 2 intervals each: 0.250 better; one run each, noise unknown"))
        let same = try #require(high.history(baseline: high.intervals).verdict)
        #expect(same.text == "0.5000 vs. 0.5000 of random search, after 2 intervals each: the same")
        #expect(same.isWithinNoise == true)
        #expect(same.short == "same")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the noise is estimated from scores that were trained alike, whatever the trend`(seed: UInt64) throws {
        let draw = Self.noise(seed: seed)
        let search = Self.run(8, 30) { 0.5 + 0.01 * Double($0.index) + 0.02 * draw() }
        // Bad members without noise must not make the noise seem small.
        let baseline = Self.run(8, 30) { $0.member < 4 ? 0.1 : 0.5 + 0.01 * Double($0.index) + 0.02 * draw() }
        let noise = try #require(search.history(baseline: baseline.intervals).verdict?.noise)
        #expect(noise.source == .scores)
        #expect((0.014...0.026).contains(noise.deviation), "\(noise.deviation)")
    }

    @Test func `differences below the noise are within it, larger ones are beyond`() throws {
        let draw = Self.noise(seed: 4)
        var offsets: [Bool] = []
        for offset in [0.0, 0.5] {
            let search = Self.run(4, 20) { _ in offset + 0.02 * draw() }
            let baseline = Self.run(4, 20) { _ in 0.02 * draw() }
            let verdict = try #require(search.history(baseline: baseline.intervals).verdict)
            offsets.append(verdict.isWithinNoise ?? false)
            let words = offset == 0 ? ": within noise (" : " better, beyond noise ±"
            #expect(verdict.text.contains(words), "\(verdict.text)")
            #expect(verdict.short.hasSuffix("within noise") == (offset == 0))
        }
        #expect(offsets == [true, false])
    }

    @Test func `a smooth curve, changed hyperparameters, and few scores tell nothing about noise`() throws {
        let smooth = Self.run(4, 20) { 0.1 * Double($0.member) + 0.03 * Double($0.index) }
        #expect(try #require(smooth.history(baseline: smooth.intervals).verdict).noise == nil)
        let draw = Self.noise(seed: 5)
        let short = Self.run(2, 5) { _ in draw() }
        #expect(try #require(short.history(baseline: short.intervals).verdict).noise == nil)
        var changing = HandMadeRun(population: 1, intervals: 40)
        for index in 0..<40 {
            let parent = index == 0 ? nil : IntervalID(member: 0, index: index - 1)
            changing.add(
                IntervalID(member: 0, index: index), parent: parent, score: draw(), ["rate": .number(Double(index))])
        }
        #expect(try #require(changing.history(baseline: changing.intervals).verdict).noise == nil)
    }

    @Test func `repeated evaluations are compared by their means, with their own noise`() throws {
        var search = Self.run(3, 2) { 0.9 - 0.1 * Double($0.member) }
        var baseline = Self.run(3, 2) { 0.8 - 0.1 * Double($0.member) }
        search.evaluate(Self.interval(0, 1), [0.70, 0.72, 0.74])
        search.evaluate(Self.interval(1, 1), [0.75, 0.77, 0.79])
        baseline.evaluate(Self.interval(0, 1), [0.60, 0.62, 0.64])
        var record = search.history().record
        record.best = Self.interval(1, 1)
        let history = History(
            record, intervals: search.intervals, baseline: baseline.intervals, baselineBest: Self.interval(0, 1))
        // The winner is not the one that scored best when it was trained.
        #expect(history.best?.id == Self.interval(1, 1))
        let verdict = try #require(history.verdict)
        #expect(verdict.noise?.source == .evaluations)
        #expect(abs((verdict.noise?.deviation ?? 0) - 0.02) < 1e-9)
        #expect(abs(verdict.score - 0.77) < 1e-9 && abs(verdict.baseline - 0.62) < 1e-9)
        #expect(abs((verdict.margin ?? 0) - 2 * 0.02 * (2.0 / 3).squareRoot()) < 1e-9)
        #expect(
            verdict.text
                == "0.7700 vs. 0.6200 of random search, after 6 intervals each, means of 3 evaluations: "
                + "0.150 better, beyond noise ±0.033")
        #expect(
            EvaluationText(history).lines == [
                "1@1 0.7700 ± 0.020 (3 evaluations; 0.8000 when trained)",
                "0@1 0.7200 ± 0.020 (3 evaluations; 0.9000 when trained)",
            ])
    }

    @Test func `every place that compares with the baseline says the same`() throws {
        let draw = Self.noise(seed: 6)
        for offset in [0.0, 0.5] {
            let search = Self.run(4, 20) { _ in offset + 0.02 * draw() }
            let baseline = Self.run(4, 20) { _ in 0.02 * draw() }
            let history = search.history(baseline: baseline.intervals)
            let verdict = try #require(history.verdict)
            let outcome = verdict.outcome
            #expect(outcome.contains(offset == 0 ? "within noise (" : ", beyond noise ±"))
            #expect(verdict.text.hasSuffix(": \(outcome)"))
            #expect(verdict.headline.hasSuffix(": \(outcome)"))
            #expect(verdict.value["text"]?.string?.hasSuffix(outcome) == true)
            var titled = 0
            for kind in Chart.Kind.allCases {
                let drawn = Chart.drawn(kind, of: history).svg
                // A chart that names the baseline's score gives the verdict with it.
                guard drawn.contains("\(history.baselineWords) \(Format.score(verdict.baseline))") else { continue }
                titled += 1
                let words = Picture(Chart.drawn(kind, of: history)).texts.joined(separator: " ")
                #expect(words.contains(outcome), "\(kind)")
            }
            #expect(titled > 0)
            let text = TextChart(history, width: 200, glyphs: Glyphs(isASCII: false)).curves(height: 20).map(\.plain)
            #expect(text[0].contains(outcome))
            #expect(Report.html(of: [history]).contains(outcome))
        }
    }

    @Test func `the page of a report has the sentence, the other metrics and the evaluations`() throws {
        var search = Self.run(2, 2) { 0.5 + 0.25 * Double($0.member) }
        search.report(Self.interval(1, 1), ["test_accuracy": 0.71, "note": "x", "epochs": 3])
        search.evaluate(Self.interval(1, 1), [0.5, nil, 0.75])
        var baseline = Self.run(2, 2) { 0.25 + 0.25 * Double($0.member) }
        baseline.report(Self.interval(1, 1), ["test_accuracy": 0.78])
        var history = search.history(baseline: baseline.intervals)
        #expect(
            OtherMetric.line(history.otherMetrics) == "epochs 3, test_accuracy 0.7100 (random search 0.7800)")
        let text = try #require(history.verdict?.text)
        let page = Report.html(of: [history])
        #expect(page.contains(text))
        #expect(page.contains("0.7100") && page.contains("0.7800"))
        #expect(page.contains("0.5000, failed, 0.7500"))
        search.experiment.metrics = ["missing", "test_accuracy", "note"]
        history = search.history(baseline: baseline.intervals)
        #expect(OtherMetric.line(history.otherMetrics) == "test_accuracy 0.7100 (random search 0.7800), note x")
        search.experiment.metrics = []
        #expect(search.history(baseline: baseline.intervals).otherMetrics.isEmpty)
    }
}

extension HandMadeRun {
    /// Records evaluations of an interval; none: it failed.
    mutating func evaluate(_ id: IntervalID, _ scores: [Double?]) {
        change(id) { interval in
            interval.setEvaluations(
                scores.enumerated().map { Evaluation(number: $0, score: $1, reason: $1 == nil ? "exit 1" : nil) })
        }
    }

    /// Adds metrics to an interval.
    mutating func report(_ id: IntervalID, _ metrics: [String: Value]) {
        change(id) { $0.metrics.merge(metrics) { $1 } }
    }
}
