// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTCheckpoints
import PBTHTTP

extension Endpoints {
    /// The maximum number of bytes of a log in one response.
    private static let logBytes = 1 << 20

    static let logs: [Endpoint] = [
        Endpoint(
            method: .get, path: "\(intervalPath)/log", scope: .read, summary: "The output of a trainer",
            parameters: intervalParameters + [
                query("attempt", Schemas.ordinal, "The attempt, from 1; the last one by default."),
                query("offset", Schemas.count, "The byte to begin with; 0 by default."),
            ],
            answers: [
                Endpoint.Answer(
                    status: 200, type: "application/octet-stream", schema: nil,
                    text: "At most 1 MiB of it from there on; empty at its end, which is not final while it runs")
            ], problems: [404], handle: log)
    ]

    @Sendable private static func log(_ call: Call) async throws -> Reply {
        let id = try call.interval()
        let name = call.experiment
        let interval = try await call.context.store.interval(id, of: name)
        let attempt = try call.number("attempt", in: Limits.ordinals) ?? interval.attempts
        let offset = try call.number("offset", in: Limits.counters) ?? 0
        guard attempt >= 1, attempt <= interval.attempts else {
            throw PBTError(
                .noSuchLog,
                interval.attempts == 0
                    ? "interval \(id) of \"\(name)\" has not started, so it has no log"
                    : "interval \(id) of \"\(name)\" has attempts 1 to \(interval.attempts), and no attempt \(attempt)")
        }
        guard let data = call.context.data else {
            throw PBTError(.noSuchLog, "this server has no data directory, so it has no logs")
        }
        let path = data.log(of: id, attempt: attempt, of: name)
        guard let bytes = try await blocking({ try FileSystem.read(path, from: Int64(offset), limit: logBytes) }) else {
            let worker = interval.worker.map { "worker \($0)" } ?? "the worker"
            throw PBTError(
                .noSuchLog,
                "the log of attempt \(attempt) at interval \(id) of \"\(name)\" is not on the server: \(worker) wrote it "
                    + "on its own machine, or nothing was printed yet")
        }
        return .bytes(bytes, type: "application/octet-stream")
    }
}
