// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// See `Store.finish(_:_:)`.
    public func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished {
        var body = outcome.api
        body["lease"] = lease.api
        let response = try await fields(APICall(.POST, .of(lease, "finish"), body: .object(body)))
        return Finished(
            interval: try Interval(api: response.fields("interval")),
            decisions: try response.list("decisions").map { try Decision(api: Fields($0, path: "decisions")) },
            garbage: try response.strings("garbage"), record: try await record(response.fields("experiment")))
    }
}
