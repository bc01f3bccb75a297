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
        ("nothing", { .curves(of: HandMadeRun(population: 1, intervals: 1).history()) }),
    ]

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
