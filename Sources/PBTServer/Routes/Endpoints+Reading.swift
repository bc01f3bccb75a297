// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTAPI
import PBTWorker
import SystemPackage

extension Endpoints {
    static let reading: [Endpoint] = [
        Endpoint(
            method: .get, path: prefix, scope: .read, summary: "Which server this is",
            answers: [json("The server", Schemas.server)]
        ) { call in
            var object: [String: Value] = [
                "name": "pbt", "version": .string(call.site.configuration.version), "api": 1,
            ]
            if let data = call.site.data {
                object["data"] = ["path": .string(data.root.string), "id": .string(try data.identity())]
            }
            return .json(.object(object))
        },
        Endpoint(
            method: .get, path: "\(prefix)/experiments", scope: .read, summary: "All experiments",
            parameters: pageParameters, answers: [json("A page", Schemas.page(of: "Experiment"))]
        ) { call in
            let records = try await call.site.store.experiments()
            return .json(
                try call.page(records, by: { Int($0.id) }) { call.site.value(of: $0, withDefinition: false) })
        },
        Endpoint(
            method: .get, path: experimentPath, scope: .read, summary: "One experiment",
            parameters: [experimentParameter, header("If-None-Match", "An ETag: 304 when nothing changed.")],
            answers: [json("The experiment", Schemas.ref("Experiment")), none("Nothing changed", 304)], problems: [404]
        ) { call in
            call.reply(
                call.site.value(of: try await call.site.store.record(of: call.experiment), withDefinition: true))
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/members", scope: .read,
            summary: "The newest interval of each member",
            parameters: [experimentParameter] + pageParameters,
            answers: [json("A page", Schemas.page(of: "Interval"))], problems: [404]
        ) { call in
            let intervals = try await call.site.store.intervals(of: call.experiment)
            var newest: [Interval] = []
            for interval in intervals {
                if newest.last?.id.member == interval.id.member { newest.removeLast() }
                newest.append(interval)
            }
            return .json(try call.page(newest, by: \.id.member, \.api))
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/intervals", scope: .read,
            summary: "All intervals, by member and index",
            parameters: [
                experimentParameter,
                query("member", ["type": "integer", "minimum": 0], "Of this member only."),
                query(
                    "state", ["type": "string", "enum": .array(Interval.State.allCases.map { .string($0.rawValue) })],
                    "In this state only."),
            ] + pageParameters,
            answers: [json("A page", Schemas.page(of: "Interval"))], problems: [404]
        ) { call in
            let member = try call.number("member", in: 0...1_000_000_000)
            let state = try call.query["state"].map { text in
                guard let state = Interval.State(rawValue: text) else {
                    throw PBTError(
                        .badRequest,
                        "?state= must be one of \(Interval.State.allCases.map(\.rawValue).joined(separator: ", ")), "
                            + "not \"\(text.prefix(40))\"")
                }
                return state
            }
            let intervals = try await call.site.store.intervals(of: call.experiment).filter {
                (member == nil || $0.id.member == member) && (state == nil || $0.state == state)
            }
            // Cursors are numbers: member and index in one.
            return .json(try call.page(intervals, by: { $0.id.member << 24 | $0.id.index }, \.api))
        },
        Endpoint(
            method: .get, path: intervalPath, scope: .read, summary: "One interval",
            parameters: intervalParameters + [header("If-None-Match", "An ETag: 304 when nothing changed.")],
            answers: [json("The interval", Schemas.ref("Interval")), none("Nothing changed", 304)], problems: [404]
        ) { call in
            call.reply(try await call.site.store.interval(call.interval(), of: call.experiment).api)
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
            let names = try await call.site.store.garbage(of: call.experiment)
            return .json(["checkpoints": .array(names.map { .string($0) })])
        },
        Endpoint(
            method: .get, path: "\(experimentPath)/checkpoints", scope: .read, summary: "Checkpoints that are kept",
            parameters: [experimentParameter] + pageParameters,
            answers: [json("A page", Schemas.page(of: "Checkpoint"))], problems: [404]
        ) { call in
            let kept = try await call.site.store.intervals(of: call.experiment).filter {
                $0.checkpointState == .kept || $0.checkpointState == .garbage
            }
            return .json(
                try call.page(kept, by: { $0.id.member << 24 | $0.id.index }) { interval in
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
        query("member", ["type": "integer", "minimum": 0], "With interval: the line that led to this one."),
        query("interval", ["type": "integer", "minimum": 0], "With member; the best when neither is given."),
    ]

    /// The intervals from a founder to the one that is asked for, or to the best.
    private static func line(_ call: Call) async throws -> [Interval] {
        let record = try await call.site.store.record(of: call.experiment)
        let tip: IntervalID
        switch (
            try call.number("member", in: 0...1_000_000_000), try call.number("interval", in: 0...1_000_000_000)
        ) {
        case (let member?, let index?): tip = IntervalID(member: member, index: index)
        case (nil, nil):
            guard let best = record.best else { return [] }
            tip = best
        default: throw PBTError(.badRequest, "?member= and ?interval= belong together; give both, or neither")
        }
        _ = try await call.site.store.interval(tip, of: call.experiment)
        return try Genealogy(await call.site.store.intervals(of: call.experiment)).lineage(of: tip)
    }
}
