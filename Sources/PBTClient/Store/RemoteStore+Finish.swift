// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// See `Store.finish(_:_:)`.
    public func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished {
        var body = outcome.api
        body["lease"] = lease.api
        let answer = try await fields(APICall(.POST, .of(lease, "finish"), body: .object(body)))
        return Finished(
            interval: try Interval(api: answer.fields("interval")),
            decisions: try answer.list("decisions").map { try Decision(api: Fields($0, path: "decisions")) },
            garbage: try answer.strings("garbage"), record: try await record(answer.fields("experiment")))
    }
}
