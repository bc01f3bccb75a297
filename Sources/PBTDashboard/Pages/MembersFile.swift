// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTAPI
import PBTHTTP
import PBTReport
import PBTServer

extension PageRequest {
    /// The format of a file with all intervals.
    enum FileFormat { case csv, json }

    /// Returns all intervals as a file.
    func members(as format: FileFormat) async throws -> Reply {
        let snapshot = try await dashboard.snapshots.snapshot(of: call.experiment)
        let intervals = snapshot.history.genealogy.intervals
        let file = PathSegment.encode(snapshot.name)
        switch format {
        case .csv:
            let csv = IntervalCSV(intervals, space: snapshot.history.record.experiment.space)
            return Reply.bytes(Array(csv.text(intervals).utf8), type: "text/csv; charset=utf-8")
                .with(.contentDisposition, "attachment; filename*=UTF-8''\(file).csv")
        case .json:
            return Reply.json(.array(intervals.map(\.api)))
                .with(.contentDisposition, "attachment; filename*=UTF-8''\(file).json")
        }
    }
}
