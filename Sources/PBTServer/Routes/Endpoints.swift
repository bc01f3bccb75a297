// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import PBT
import PBTAPI
import PBTHTTP

/// The operations of the API.
enum Endpoints {
    /// All operations.
    static var all: [Endpoint] {
        operations + reading + logs + events + claims + evaluations + leases + finishing + checkpoints + lifecycle
    }

    static let prefix = "/api/v1"
    static let experimentPath = "\(prefix)/experiments/{experiment}"
    static let intervalPath = "\(experimentPath)/intervals/{member}/{interval}"

    static let experimentParameter = Endpoint.Parameter(
        name: "experiment", place: "path", schema: Schemas.text(1...Limits.experimentNameBytes),
        text: "The experiment's name, percent-encoded.")
    static let intervalParameters = [
        experimentParameter,
        Endpoint.Parameter(
            name: "member", place: "path", schema: Schemas.ordinal, text: "The member, from 0."),
        Endpoint.Parameter(
            name: "interval", place: "path", schema: Schemas.ordinal,
            text: "How many intervals the member had before it."),
    ]
    static let pageParameters = [
        Endpoint.Parameter(
            name: "limit", place: "query", schema: Schemas.integer(Limits.page, default: 100),
            text: "How many at most."),
        Endpoint.Parameter(
            name: "after", place: "query", schema: ["type": "string"], text: "The `next` of the page before."),
    ]

    static func query(_ name: String, _ schema: Value, _ text: String) -> Endpoint.Parameter {
        Endpoint.Parameter(name: name, place: "query", schema: schema, text: text)
    }

    static func header(_ name: String, _ text: String) -> Endpoint.Parameter {
        Endpoint.Parameter(name: name, place: "header", schema: ["type": "string"], text: text)
    }

    static func json(_ text: String, _ schema: Value, _ status: Int = 200) -> Endpoint.Answer {
        Endpoint.Answer(status: status, type: "application/json", schema: schema, text: text)
    }

    static func none(_ text: String, _ status: Int = 204) -> Endpoint.Answer {
        Endpoint.Answer(status: status, type: nil, schema: nil, text: text)
    }
}

extension Call {
    /// One page of a list that is in the order of increasing keys.
    ///
    /// - Parameters:
    ///   - items: The list, in order.
    ///   - key: What the cursor of an item is; increases along the list.
    ///   - value: The item as it is sent.
    /// - Returns: The page.
    /// - Throws: A `PBTError` with code `badRequest` for a cursor or a limit that makes no sense.
    func page<Item>(
        _ items: [Item], by key: (Item) -> Int, _ value: (Item) -> Value
    ) throws -> Value {
        let limit = try number("limit", in: Limits.page) ?? 100
        let after = try cursor()
        let rest = items.drop { item in after.map { key(item) <= $0 } ?? false }
        let page = rest.prefix(limit)
        var object: [String: Value] = ["items": .array(page.map(value))]
        if rest.count > limit, let last = page.last { object["next"] = .string(String(key(last))) }
        return .object(object)
    }

    /// One page of the experiment's intervals.
    ///
    /// - Parameters:
    ///   - selection: Which ones; the page is chosen from them.
    ///   - key: What the cursor of an interval is; by default member and index in one number.
    ///   - after: What a cursor stands for.
    ///   - value: The interval as it is sent.
    /// - Returns: The page; with fewer intervals than asked for where they are large (``PageBudget``).
    /// - Throws: A `PBTError`, with code `badRequest` for a cursor or a limit that makes no sense.
    func intervals(
        _ selection: IntervalSelection, by key: (IntervalID) -> Int = { $0.member << 24 | $0.index },
        after: (Int) -> IntervalID = { IntervalID(member: $0 >> 24, index: $0 & 0xff_ffff) },
        _ value: (Interval) -> Value
    ) async throws -> Value {
        let limit = try number("limit", in: Limits.page) ?? 100
        var selection = selection
        selection.after = try cursor().map(after)
        var budget = PageBudget(items: limit)
        var items: [Value] = []
        while true {
            let count = budget.next
            // One more tells whether there is another page.
            selection.limit = count + 1
            let found = try await context.store.intervals(of: experiment, selection)
            let page = found.prefix(count)
            items += page.map(value)
            budget.take(page)
            guard found.count > count, let last = page.last else { return ["items": .array(items)] }
            guard budget.isLeft else { return ["items": .array(items), "next": .string(String(key(last.id)))] }
            selection.after = last.id
        }
    }

    private func cursor() throws -> Int? {
        guard let text = query["after"] else { return nil }
        guard let cursor = Int(text) else {
            throw PBTError(
                .badRequest, "?after=: \"\(text.prefix(40))\" is not a cursor; give the \"next\" of the page before")
        }
        return cursor
    }

    /// Answers with an ETag, or 304 when the caller has just that.
    func reply(_ value: Value, _ status: HTTPResponse.Status = .ok) -> Reply {
        let bytes = value.jsonBytes
        let tag = "\"\(Fingerprint.text(of: bytes))\""
        if request.method == .get || request.method == .head, let known = request.headers[.ifNoneMatch],
            Self.lists(known, tag)
        {
            return Reply(status: .notModified).with(.eTag, tag)
        }
        return .bytes(bytes, type: "application/json", status).with(.eTag, tag)
    }

    /// Checks `If-Match` and `If-None-Match` against what is there now.
    ///
    /// - Throws: A `PBTError` with code `preconditionFailed`.
    @Sendable func checkMatch(_ record: ExperimentRecord) throws {
        let value = context.value(of: record, withDefinition: true)
        let tag = "\"\(Fingerprint.text(of: value.jsonBytes))\""
        if let wanted = request.headers[.ifMatch], !Self.lists(wanted, tag) {
            throw PBTError(
                .preconditionFailed,
                "it has changed meanwhile: its ETag is \(tag), not \(wanted.prefix(80)); read it again")
        }
        if let unwanted = request.headers[.ifNoneMatch], Self.lists(unwanted, tag) {
            throw PBTError(.preconditionFailed, "it is there with the ETag \(tag), which If-None-Match excludes")
        }
    }

    private static func lists(_ field: String, _ tag: String) -> Bool {
        field.split(separator: ",").contains { part in
            let part = part.drop { $0 == " " }
            return part.prefix(while: { $0 != " " }) == tag || part == "*" || part == "W/\(tag)"
        }
    }
}
