// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTReport
import Testing

/// Pictures byte for byte as they were when somebody last looked at them.
///
/// To record them anew after a change, run the
/// tests with `RECORD_SNAPSHOTS=1`, and look at every picture that changed.
@Suite struct SnapshotTests {
    static let pictures: [(name: String, chart: @Sendable () -> Chart)] = [
        ("curves", { .curves(of: HandMadeRun.small) }),
        (
            "curves-error-narrow-dark",
            {
                .curves(
                    of: HandMadeRun.small, options: Chart.Options(theme: .dark, width: .narrow, scale: .error(bound: 1))
                )
            }
        ),
        ("curves-band", { .curves(of: HandMadeRun.large(members: 30, intervals: 12)) }),
        ("schedule", { .schedule(of: HandMadeRun.small) }),
        (
            "schedule-wide-dark",
            { .schedule(of: HandMadeRun.small, options: Chart.Options(theme: .dark, width: .wide)) }
        ),
        ("lineage", { .lineage(of: HandMadeRun.small) }),
        (
            "lineage-narrow-dark",
            { .lineage(of: HandMadeRun.small, options: Chart.Options(theme: .dark, width: .narrow)) }
        ),
        ("scatter-wide", { .scatter(of: HandMadeRun.small, options: Chart.Options(width: .wide)) }),
        (
            "scatter-narrow-dark",
            { .scatter(of: HandMadeRun.small, options: Chart.Options(theme: .dark, width: .narrow)) }
        ),
        ("overview-wide", { .overview(of: HandMadeRun.small, options: Chart.Options(width: .wide)) }),
        ("share", { .share(of: HandMadeRun.small) }),
        ("share-narrow-dark", { .share(of: HandMadeRun.small, options: Chart.Options(theme: .dark, width: .narrow)) }),
        (
            "share-wide-page-founder",
            {
                .share(
                    of: HandMadeRun.large(members: 30, intervals: 12),
                    options: Chart.Options(theme: .page, width: .wide, color: .founder))
            }
        ),
        ("timeline", { .timeline(of: timed) }),
        ("timeline-narrow-dark", { .timeline(of: timed, options: Chart.Options(theme: .dark, width: .narrow)) }),
        ("timeline-wide-page", { .timeline(of: timed, options: Chart.Options(theme: .page, width: .wide)) }),
        ("comparison", { .comparison(of: [HandMadeRun.small, other]) }),
        (
            "comparison-narrow-dark",
            {
                .comparison(
                    of: [HandMadeRun.small, other], options: Chart.Options(theme: .dark, width: .narrow))
            }
        ),
        (
            "comparison-wide-page",
            { .comparison(of: [HandMadeRun.small, other], options: Chart.Options(theme: .page, width: .wide)) }
        ),
        ("curves-page", { .curves(of: HandMadeRun.small, options: Chart.Options(theme: .page)) }),
        ("curves-time-founder", { .curves(of: timed, options: Chart.Options(color: .founder, axis: .time)) }),
        ("lineage-page", { .lineage(of: HandMadeRun.small, options: Chart.Options(theme: .page)) }),
        ("schedule-page", { .schedule(of: HandMadeRun.small, options: Chart.Options(theme: .page)) }),
        ("scatter-page", { .scatter(of: HandMadeRun.small, options: Chart.Options(theme: .page)) }),
        ("nothing", { .curves(of: HandMadeRun(population: 1, intervals: 1).history()) }),
    ]

    private static let timed = HandMadeRun.small.trained(by: ["host-1/1", "host-2/1"])

    /// The same search without the random one beside it, and by another rule.
    private static let other: History = {
        let small = HandMadeRun.small
        var record = small.record
        record.experiment.name = "other"
        record.experiment.exploit = .binaryTournament
        let intervals = small.genealogy.intervals.map { interval in
            var interval = interval
            interval.score = interval.score.map { $0 * 0.9 }
            return interval
        }
        return History(record, intervals: intervals)
    }()

    @Test(arguments: pictures.indices)
    func `a picture is what it was`(place: Int) throws {
        let (name, chart) = Self.pictures[place]
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Snapshots/\(name).svg")
        let svg = chart().svg
        if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] == "1" {
            try Data(svg.utf8).write(to: file)
        }
        let recorded = try String(decoding: Data(contentsOf: file), as: UTF8.self)
        #expect(svg == recorded, "\(name).svg changed; look at it, then record it with RECORD_SNAPSHOTS=1")
    }
}
