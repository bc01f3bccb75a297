// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import PBT
import PBTAPI
package import PBTHTTP

/// A request to the API, or to another of the server's mounts.
package typealias Call = HTTPCall<ServerContext>

extension Call {
    /// The experiment's name in the path.
    package var experiment: String { self["experiment"] }

    /// The interval in the path.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    func interval() throws -> IntervalID {
        guard let member = Int(self["member"]), let index = Int(self["interval"]), member >= 0, index >= 0 else {
            throw PBTError(
                .badRequest,
                "intervals/\(self["member"])/\(self["interval"]): give two non-negative integers: member and interval")
        }
        return IntervalID(member: member, index: index)
    }

    /// The whole body.
    ///
    /// - Throws: A ``Problem`` with status 413 or 415.
    func bytes(upTo maximum: Int? = nil) async throws -> [UInt8] {
        try await request.bytes(upTo: maximum ?? context.configuration.maximumBody)
    }

    /// The body as fields of a JSON object; an empty body is an empty object.
    ///
    /// - Parameters:
    ///   - maximum: How many bytes the body may have; as the configuration says when not given.
    ///   - known: The fields that there are.
    /// - Returns: The fields.
    /// - Throws: A ``Problem`` with status 413 or 415, and a `PBTError` with code `badRequest`.
    func fields(upTo maximum: Int? = nil, _ known: String...) async throws -> Fields {
        try await fields(known, upTo: maximum)
    }

    /// The same, of a list.
    func fields(_ known: [String], upTo maximum: Int? = nil) async throws -> Fields {
        let bytes = try await bytes(upTo: maximum)
        if bytes.isEmpty { return try Fields([:]) }
        try request.checkIsJSON()
        let value: Value
        do {
            value = try Value(json: bytes)
        } catch {
            throw PBTError(.badRequest, "the body is not JSON: \(error)")
        }
        let fields = try Fields(value)
        try fields.check(known: known)
        return fields
    }

    /// The lease in a body, which must be of the interval in the path.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    func lease(_ fields: Fields) throws -> Lease {
        let lease = try Lease(api: fields.fields("lease"))
        guard lease.experiment == experiment, lease.interval == (try interval()) else {
            throw PBTError(
                .badRequest,
                "lease: is of interval \(lease.interval) of \"\(lease.experiment)\", and not of the one in the path")
        }
        return lease
    }
}
