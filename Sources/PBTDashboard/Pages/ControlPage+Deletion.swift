// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTHTTP
import PBTReport
import PBTServer

extension ControlPage {
    /// The maximum number of jobs that are deleted together.
    static let jobsLimit = 500

    /// Deletes an experiment and its random search with their files, the random search first, so that the action can be
    /// repeated as long as the experiment exists.
    ///
    /// - Throws: A `PBTError` with code `wrongState` while a worker holds an interval of them.
    func deleteFamily(of name: String) async throws {
        let store = request.server.store
        let family = try await ExperimentFamily(name, in: store)
        for record in family.records where !record.state.isOver {
            let count = try await running(record.experiment.name)
            guard count == 0 else { throw Self.stillRunning(count, record.experiment.name) }
        }
        for name in family.names.reversed() {
            try await store.remove(name)
            try request.server.data?.remove(name)
            await request.dashboard.snapshots.forget(name)
        }
    }

    private func running(_ name: String) async throws -> Int {
        let now = request.now
        return try await request.server.store.runningIntervals(of: name).count { $0.leaseExpires ?? now > now }
    }

    private static func stillRunning(_ count: Int, _ name: String) -> PBTError {
        PBTError(
            .wrongState,
            "\(Formatting.count(count, "interval")) of \"\(PlainText.line(String(name.prefix(80))))\" "
                + "\(count == 1 ? "is" : "are") running; stop the experiment first")
    }

    /// Deletes jobs by their ids.
    ///
    /// - Throws: A `PBTError`: `badValue` without a job, or for one that does not exist, before any is deleted.
    func deleteJobs(_ jobs: [String], of snapshot: Snapshot) async throws {
        guard let delete = request.dashboard.deleteJob else { throw Self.notOfClient(snapshot.name) }
        try check(jobs, of: snapshot)
        for job in jobs { try await delete(job, snapshot.name) }
    }

    /// Checks that jobs can be deleted.
    ///
    /// - Throws: A `PBTError` with code `badValue`.
    func check(_ jobs: [String], of snapshot: Snapshot) throws {
        guard request.dashboard.deletesJobs(of: snapshot.record) else { throw Self.notOfClient(snapshot.name) }
        guard !jobs.isEmpty else {
            throw PBTError(.badValue, "no job is selected; go back and select the rows to delete")
        }
        guard jobs.count <= Self.jobsLimit else {
            throw PBTError(.badValue, "select at most \(Self.jobsLimit) jobs, not \(jobs.count)")
        }
        let known = Set(snapshot.history.genealogy.intervals.compactMap(\.label))
        if let missing = jobs.first(where: { !known.contains($0) }) {
            throw PBTError(
                .badValue, "there is no job \"\(PlainText.line(String(missing.prefix(80))))\" (any longer); go back")
        }
    }

    private static func notOfClient(_ name: String) -> PBTError {
        PBTError(
            .badValue,
            "the intervals of \"\(PlainText.line(String(name.prefix(80))))\" are its history, from which decisions are "
                + "re-derived, and cannot be deleted one by one; delete the experiment")
    }

    /// The jobs of the form: what is deleted, with its state, and hidden fields with the ids.
    func selection(_ jobs: [String], of snapshot: Snapshot) -> HTML {
        let selected = Set(jobs)
        let intervals = snapshot.history.genealogy.intervals.filter { $0.label.map(selected.contains) ?? false }
        return HTMLBuilder.buildArray(
            jobs.map { void("input", ["type": "hidden", "name": "job", "value": $0]) })
            + tag("p") { "\(Formatting.count(intervals.count, "job")):" }
            + tag("ul", ["class": "jobs"]) {
                for interval in intervals.prefix(20) {
                    tag("li") {
                        Formatting.name(interval.jobID)
                        " \(interval.state.rawValue)"
                        if let score = interval.score { ", \(Format.score(score))" }
                    }
                }
                if intervals.count > 20 { tag("li") { "and \(intervals.count - 20) more" } }
            }
    }
}
