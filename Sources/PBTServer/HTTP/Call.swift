// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import PBT
import PBTAPI

/// A request that found its endpoint.
struct Call: Sendable {
    /// The request itself.
    let request: Request
    /// The decoded values of the path's placeholders.
    let path: [String: String]
    /// The decoded query; of a repeated name the last.
    let query: [String: String]
    /// Who asks.
    let caller: Caller
    /// The connection.
    let channel: any Channel
    /// What all endpoints share.
    let site: Site

    /// A value of the path; the table of endpoints promises that it is there.
    subscript(name: String) -> String {
        guard let value = path[name] else { preconditionFailure("the endpoint's path has no {\(name)}") }
        return value
    }

    /// The experiment's name in the path.
    var experiment: String { self["experiment"] }

    /// The interval in the path.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    func interval() throws -> IntervalID {
        guard let member = Int(self["member"]), let index = Int(self["interval"]), member >= 0, index >= 0 else {
            throw PBTError(
                .badRequest,
                "intervals/\(self["member"])/\(self["interval"]): give two whole numbers from 0: member and interval")
        }
        return IntervalID(member: member, index: index)
    }

    /// A whole number in the query.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = query[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw PBTError(
                .badRequest,
                "?\(name)= must be a whole number between \(range.lowerBound) and \(range.upperBound), not \"\(text.prefix(40))\""
            )
        }
        return number
    }

    /// A number of seconds in the query.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    func seconds(_ name: String, in range: ClosedRange<Double>) throws -> Duration? {
        guard let text = query[name] else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw PBTError(
                .badRequest,
                "?\(name)= must be a number of seconds between \(Int(range.lowerBound)) and \(Int(range.upperBound)), "
                    + "not \"\(text.prefix(40))\"")
        }
        return .milliseconds(Int64(number * 1000))
    }

    /// The whole body.
    ///
    /// - Throws: A ``Problem`` with status 413 or 415.
    func bytes(upTo maximum: Int? = nil) async throws -> [UInt8] {
        try await request.bytes(upTo: maximum ?? site.configuration.maximumBody)
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

extension Request {
    /// The whole body.
    ///
    /// - Throws: A ``Problem`` with status 413 when it is longer than allowed.
    func bytes(upTo maximum: Int) async throws -> [UInt8] {
        func tooLarge() -> Problem {
            Problem(413, "tooLarge", "the body is larger than \(maximum) bytes")
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > maximum { throw tooLarge() }
        var bytes: [UInt8] = []
        for try await buffer in body {
            guard bytes.count + buffer.readableBytes <= maximum else { throw tooLarge() }
            bytes += buffer.readableBytesView
        }
        return bytes
    }

    /// Refuses a body that is compressed: it would be read, or kept as a file, as if it were not.
    func checkIsPlain() throws {
        let codings = headers[values: .contentEncoding].filter { $0.lowercased() != "identity" }
        guard let coding = codings.first else { return }
        throw Problem(
            415, "unsupportedMediaType",
            "Content-Encoding: \"\(coding.prefix(60))\" is not supported; send the body as it is")
    }

    /// Also keeps web pages of other sites from posting here: a browser asks first before it sends this type.
    func checkIsJSON() throws {
        let type = headers[.contentType]?.prefix { $0 != ";" }.lowercased().filter { $0 != " " } ?? ""
        guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json")) else {
            throw Problem(
                415, "unsupportedMediaType",
                "Content-Type must be application/json, not \(type.isEmpty ? "missing" : "\"\(type.prefix(60))\"")")
        }
    }
}
