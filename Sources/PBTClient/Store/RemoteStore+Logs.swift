// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT

extension RemoteStore {
    /// Returns a part of the output of a trainer, as far as the server has it.
    ///
    /// - Parameters:
    ///   - id: The interval.
    ///   - attempt: The number of the attempt, from 1.
    ///   - name: The name of the experiment.
    ///   - offset: The byte to begin with.
    /// - Returns: At most 1 MiB; empty at the end of what there is.
    /// - Throws: A `PBTError`: `noSuchLog`, `noSuchInterval`, `noSuchExperiment`, `unreachable`.
    public func log(of id: IntervalID, attempt: Int, of name: String, from offset: Int) async throws -> [UInt8] {
        let call = APICall(
            .GET, .interval(id, of: name, "log"), query: [("attempt", "\(attempt)"), ("offset", "\(offset)")])
        return try await retrying.send(call).response.body
    }
}
