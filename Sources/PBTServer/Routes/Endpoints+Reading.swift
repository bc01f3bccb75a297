// SPDX-License-Identifier: Apache-2.0

import PBTHTTP
import HTTPTypes
import PBT
import PBTAPI
import PBTCheckpoints
import SystemPackage

extension Endpoints {
    static let reading: [Endpoint] = [
        Endpoint(
            method: .get, path: prefix, scope: .read, summary: "The server's name and version",
            answers: [json("The server", Schemas.server)]
        ) { call in
            var object: [String: Value] = [
                "name": "pbt", "version": .string(call.context.configuration.version), "api": 1,
            ]
            if let data = call.context.data {
                object["data"] = ["path": .string(data.root.string), "id": .string(try data.identity())]
            }
            return .json(.object(object))
        },
        Endpoint(
            method: .get, path: "\(prefix)/experiments", scope: .read, summary: "All experiments",
            parameters: pageParameters, answers: [json("A page", Schemas.page(of: "Experiment"))]
        ) { call in
            let records = try await call.context.store.experiments()
            return .json(
                try call.page(records, by: { Int($0.id) }) { call.context.value(of: $0, withDefinition: false) })
        },
        Endpoint(
            method: .get, path: experimentPath, scope: .read, summary: "One experiment",
            parameters: [experimentParameter, header("If-None-Match", "An ETag: 304 when nothing changed.")],
            answers: [json("The experiment", Schemas.ref("Experiment")), none("Nothing changed", 304)], problems: [404]
        ) { call in
            call.reply(
                call.context.value(of: try await call.context.store.record(of: call.experiment), withDefinition: true))
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/revisions", scope: .read,
            summary: "The definitions by which decisions were made, and from which interval on",
            parameters: [experimentParameter],
            answers: [json("All, by number", Schemas.items(of: Schemas.ref("Revision")))], problems: [404]
        ) { call in
            let revisions = try await call.context.store.revisions(of: call.experiment)
            return .json(["items": .array(revisions.map(\.api))])
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/members", scope: .read,
            summary: "The newest interval of each member",
            parameters: [experimentParameter] + pageParameters,
            answers: [json("A page", Schemas.page(of: "Interval"))], problems: [404]
        ) { call in
            // The cursor is the member alone: while pages are read it may begin another interval.
            .json(
                try await call.intervals(
                    IntervalSelection(newestOnly: true), by: \.member, after: { IntervalID(member: $0, index: .max) },
                    \.api))
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/intervals", scope: .read,
            summary: "All intervals, by member and index",
            parameters: [
                experimentParameter,
                query("member", Schemas.ordinal, "Of this member only."),
                query(
                    "state", ["type": "string", "enum": .array(Interval.State.allCases.map { .string($0.rawValue) })],
                    "In this state only."),
            ] + pageParameters,
            answers: [json("A page", Schemas.page(of: "Interval"))], problems: [404]
        ) { call in
            let member = try call.number("member", in: Limits.ordinals)
            let state = try call.query["state"].map { text in
                guard let state = Interval.State(rawValue: text) else {
                    throw PBTError(
                        .badRequest,
                        "?state= must be one of \(Interval.State.allCases.map(\.rawValue).joined(separator: ", ")), "
                            + "not \"\(text.prefix(40))\"")
                }
                return state
            }
            return .json(try await call.intervals(IntervalSelection(member: member, state: state), \.api))
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/changes", scope: .read,
            summary: "The change feed: intervals that were created or written to since a cursor",
            parameters: [
                experimentParameter,
                query(
                    "since", ["type": "string", "pattern": "^[0-9]{1,18}-[0-9]{1,18}$"],
                    "The `cursor` of the last response; none to begin."),
                pageParameters[0],
            ],
            answers: [json("The changes", Schemas.changes)], problems: [404]
        ) { call in
            let cursor = try call.query["since"].map { text in
                guard let cursor = ChangeCursor(text) else {
                    throw PBTError(
                        .badRequest,
                        "?since=: \"\(text.prefix(40))\" is not a cursor; "
                            + "give the \"cursor\" of the last response, or none to begin"
                    )
                }
                return cursor
            }
            let limit = try call.number("limit", in: Limits.page) ?? 100
            let changes = try await call.context.store.changes(of: call.experiment, since: cursor, upTo: limit)
            return .json(changes.api)
        },
        Endpoint(
            method: .get, path: intervalPath, scope: .read, summary: "One interval",
            parameters: intervalParameters + [header("If-None-Match", "An ETag: 304 when nothing changed.")],
            answers: [json("The interval", Schemas.ref("Interval")), none("Nothing changed", 304)], problems: [404]
        ) { call in
            call.reply(try await call.context.store.interval(call.interval(), of: call.experiment).api)
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/lineage", scope: .read,
            summary: "The intervals that led to one, from its founder",
            parameters: lineParameters, answers: [json("The line", Schemas.items(of: Schemas.ref("Ancestor")))],
            problems: [404]
        ) { call in
            let line = try await line(call)
            return .json([
                "items": .array(
                    line.map { interval in
                        var object: [String: Value] = interval.id.value.object ?? [:]
                        object["score"] = interval.score.map { .score($0) } ?? .null
                        object["hyperparameters"] = interval.hyperparameters.value
                        object["parent"] = interval.parent?.value ?? .null
                        object["exploited"] = .bool(interval.isExploit)
                        return .object(object)
                    })
            ])
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/schedule", scope: .read,
            summary: "The hyperparameters along the line that led to one interval",
            parameters: lineParameters,
            answers: [json("The schedule", Schemas.items(of: Schemas.ref("ScheduleEntry")))],
            problems: [404]
        ) { call in
            let line = try await line(call)
            return .json([
                "items": .array(
                    line.enumerated().map { i, interval in
                        ["interval": .integer(i), "hyperparameters": interval.hyperparameters.value]
                    })
            ])
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/garbage", scope: .read,
            summary: "Checkpoints that nothing needs and that are not said to be deleted",
            parameters: [experimentParameter], answers: [json("Their names", Schemas.checkpointNames)], problems: [404]
        ) { call in
            let names = try await call.context.store.garbage(of: call.experiment)
            return .json(["checkpoints": .array(names.map { .string($0) })])
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/checkpoints", scope: .read, summary: "Checkpoints that are kept",
            parameters: [experimentParameter] + pageParameters,
            answers: [json("A page", Schemas.page(of: "Checkpoint"))], problems: [404]
        ) { call in
            .json(
                try await call.intervals(IntervalSelection(checkpoints: [.kept, .garbage])) { interval in
                    var object = interval.id.value.object ?? [:]
                    object["name"] = .string(interval.checkpoint ?? "")
                    object["state"] = .string(interval.checkpointState.rawValue)
                    object["pinned"] = .bool(interval.isPinned)
                    return .object(object)
                })
        },
    ]

    private static let lineParameters = [
        experimentParameter,
        query("member", Schemas.ordinal, "With interval: the line that led to this one."),
        query("interval", Schemas.ordinal, "With member; the best when neither is given."),
    ]

    /// The intervals from a founder to the one that is asked for, or to the best.
    private static func line(_ call: Call) async throws -> [Interval] {
        let record = try await call.context.store.record(of: call.experiment)
        let tip: IntervalID
        switch (
            try call.number("member", in: Limits.ordinals), try call.number("interval", in: Limits.ordinals)
        ) {
        case (let member?, let index?): tip = IntervalID(member: member, index: index)
        case (nil, nil):
            guard let best = record.best else { return [] }
            tip = best
        default: throw PBTError(.badRequest, "?member= and ?interval= belong together; give both, or neither")
        }
        // One lookup an ancestor, however many other intervals there are.
        var line = [try await call.context.store.interval(tip, of: call.experiment)]
        while let last = line.last, let parent = last.parent {
            let ancestor = try await call.context.store.interval(parent, of: call.experiment)
            // As in a genealogy: every path ends.
            guard ancestor.depth < last.depth else { break }
            line.append(ancestor)
        }
        return line.reversed()
    }
}

extension Store {
    /// Reads changes until there are as many as asked for, or they fill a page (``PageBudget``).
    fileprivate func changes(
        of experiment: String, since cursor: ChangeCursor?, upTo limit: Int
    ) async throws -> Changes {
        var budget = PageBudget(items: limit)
        var changes = try await changes(of: experiment, since: cursor, limit: budget.next)
        budget.take(changes.intervals)
        while changes.hasMore, budget.isLeft {
            let more = try await self.changes(of: experiment, since: changes.cursor, limit: budget.next)
            // The experiment was replaced by another: the next call is told so.
            guard !more.isReset else { break }
            budget.take(more.intervals)
            // One that was written to in between is there once, as it is now.
            let ids = Set(more.intervals.map(\.id))
            changes.intervals.removeAll { ids.contains($0.id) }
            changes.intervals += more.intervals
            (changes.cursor, changes.hasMore) = (more.cursor, more.hasMore)
        }
        return changes
    }
}
