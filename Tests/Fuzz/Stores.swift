// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import PBT
import PBTSQLite
import PBTSchedy

extension Target {
    static let store = Target(name: "store") { recorder in
        { source in
            guard let experiment = Definitions.legal(&source) else { return }
            try recorder.note(experiment.value.json)
            let store = InMemoryStore()
            do {
                _ = try await store.create(experiment)
            } catch is PBTError {
                return
            }
            try await train(experiment, in: store, steps: 30, &source)
            let record = try await store.record(of: experiment.name)
            let intervals = try await store.intervals(of: experiment.name)
            try expect(record.counts.values.allSatisfy { $0 >= 0 }, "counts are \(record.counts)")
            try expect(record.limitComplaint == nil, "the record: \(record.limitComplaint ?? "")")
            for interval in intervals {
                try expect(interval.limitComplaint == nil, "\(interval.id): \(interval.limitComplaint ?? "")")
            }
            let audit = try Audit(experiment: record.experiment, intervals: intervals)
            try expect(audit.mismatches.isEmpty, "the audit finds \(audit.mismatches.prefix(3).map(\.description))")
        }
    }

    /// Claims and finishes, with scores and failures of every kind.
    private static func train(
        _ experiment: Experiment, in store: some Store, steps: Int, _ source: inout Source
    ) async throws {
        let term = Duration.seconds(60)
        for _ in 0..<steps {
            do {
                let claims = try await store.claim(
                    source.integer(), from: experiment.name, by: "w", for: source.chance(9) ? .zero : term, key: nil)
                for assignment in claims.assignments.prefix(20) {
                    let outcome: Outcome =
                        source.chance(8)
                        ? .failed(reason: source.text())
                        : .trained(
                            score: source.number(), metrics: source.object(),
                            checkpoint: "\(assignment.lease.checkpointName)")
                    if source.chance(5) { try await store.report(assignment.lease, source.object()) }
                    if source.chance(9) {
                        try await store.release(assignment.lease, because: source.text())
                    } else {
                        _ = try await store.finish(assignment.lease, outcome)
                    }
                }
                if source.chance(6) {
                    _ = try await store.push(Hyperparameters(source.object()), to: experiment.name)
                }
                if source.chance(20) { try await store.pause(experiment.name) }
                if source.chance(10) { try await store.resume(experiment.name) }
            } catch is PBTError {
                continue
            }
        }
    }

    static let schedy = Target(name: "schedy") { recorder in
        { source in
            let service = Schedy(InMemoryStore())
            var value: Value = .object([
                "status": "RUNNING",
                "scheduler": source.pick([
                    ["Manual": [:]], ["RandomSearch": ["x": ["uniform": ["low": 0, "high": 1]]]],
                    [
                        "PBT": [
                            "objective": "max", "qualityResultName": "score", "exploit": ["truncate": 0.2],
                            "init": [
                                "x": ["loguniform": ["low": 0.001, "high": 1]], "c": ["choice": ["values": [1, 2, 1]]],
                                "n": ["normal": ["mean": 0, "std": 1]],
                            ], "explore": ["x": ["perturb": ["minFactor": 0.8, "maxFactor": 1.2]]], "numParallel": 2,
                            "maxGenerations": 3,
                        ]
                    ],
                ]),
            ])
            for _ in 0..<source.below(4) { value = source.mutated(value) }
            try recorder.note(value.json)
            do {
                _ = try await service.put("e", value, mustBeNew: true)
            } catch {
                return
            }
            for _ in 0..<12 {
                do {
                    let job = try await service.nextJob(of: "e")
                    var body: Value = [
                        "status": .string(source.pick(["DONE", "CRASHED", "PRUNED", "RUNNING", "QUEUED"])),
                        "results": ["score": .number(source.number()), "loss": .number(source.number())],
                        "hyperparameters": .object(job?.hyperparameters ?? [:]),
                    ]
                    if source.chance(3) { body = source.mutated(body) }
                    try recorder.note(body.json)
                    let content = try SchedyJobContent(Value(json: body.json))
                    if let job {
                        _ = try await service.put(
                            job.id, of: "e", content, if: source.pick([.none, .exists, .version([job.tag])]))
                    } else {
                        _ = try await service.add(content, to: "e")
                    }
                    _ = try await service.jobs(of: "e", from: source.chance(2) ? nil : source.text())
                    _ = try await service.experiments(from: source.chance(2) ? nil : source.text())
                } catch let error as SchedyFailure {
                    try expect(error.status < 500, "status \(error.status): \(error)")
                }
            }
        }
    }

    static let rows = Target(name: "rows") { recorder in
        let directory = FileManager.default.temporaryDirectory.appending(path: "pbt-fuzz-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let base = directory.appending(path: "base.sqlite").path
        try await fill(base)
        let columns = try tables(of: base)
        return { source in
            let path = directory.appending(path: "s.sqlite").path
            for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
                try FileManager.default.removeItem(atPath: path + suffix)
            }
            try FileManager.default.copyItem(atPath: base, toPath: path)
            var statements: [String] = []
            for _ in 0...source.below(4) {
                let (table, column) = source.pick(columns)
                statements.append(
                    "UPDATE OR IGNORE \(table) SET \(column) = \(literal(&source)) WHERE rowid % \(1 + source.below(4)) = 0"
                )
            }
            try recorder.note(statements.joined(separator: "\n"))
            try damage(path, statements)
            let store = try SQLiteStore(path: path)
            try await use(store, &source)
        }
    }

    /// A value of any type, as SQL writes it.
    private static func literal(_ source: inout Source) -> String {
        switch source.below(6) {
        case 0: "NULL"
        case 1: "\(source.integer())"
        case 2: source.pick(["9e999", "-9e999", "1.7e308", "5e-324", "0.5"])
        case 3: "x'00ff'"
        case 4: "'\(source.text().replacing("'", with: "''").replacing("\u{0}", with: ""))'"
        default: "'\(source.value().json.replacing("'", with: "''").replacing("\u{0}", with: ""))'"
        }
    }

    /// A store with experiments of several kinds, some of whose intervals are leased.
    private static func fill(_ path: String) async throws {
        let store = try SQLiteStore(path: path)
        var source = Source(seed: 4)
        for (place, value) in Definitions.values.enumerated() {
            var experiment = try Experiment(document: Document(value), directory: "/")
            experiment.name = "e\(place)"
            do { _ = try await store.create(experiment) } catch is PBTError { continue }
            try await train(experiment, in: store, steps: 5, &source)
            do {
                _ = try await store.claim(1, from: experiment.name, by: "w", for: .seconds(60), key: nil)
            } catch is PBTError { continue }
        }
        try empty(path)
    }

    /// Checkpoints the write-ahead log into the file.
    private static func empty(_ path: String) throws {
        try DatabaseQueue(path: path).writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    }

    private static func tables(of path: String) throws -> [(table: String, column: String)] {
        try DatabaseQueue(path: path).read { database in
            try ["experiment", "interval", "standing", "event"].flatMap { table in
                try database.columns(in: table).map { (table, $0.name) }
            }
        }
    }

    private static func damage(_ path: String, _ statements: [String]) throws {
        try DatabaseQueue(path: path).write { database in
            for statement in statements {
                do { try database.execute(sql: statement) } catch is DatabaseError { continue }
            }
        }
    }

    /// Reads and writes everything; only errors of a store may come of it.
    private static func use(_ store: SQLiteStore, _ source: inout Source) async throws {
        func attempt(_ body: () async throws -> Void) async throws {
            do { try await body() } catch is PBTError { return }
        }
        try await attempt { _ = try await store.experiments() }
        try await attempt { _ = try await store.events(of: nil, after: nil, limit: 1000) }
        for place in Definitions.values.indices {
            let name = "e\(place)"
            var leases: [Lease] = []
            try await attempt { _ = try await store.record(of: name) }
            try await attempt { _ = try await store.intervals(of: name) }
            try await attempt { _ = try await store.changes(of: name, since: nil, limit: 5) }
            try await attempt { _ = try await store.garbage(of: name) }
            try await attempt {
                leases = try await store.claim(3, from: name, by: "w", for: .seconds(60), key: nil).assignments.map(
                    \.lease)
            }
            for lease in leases {
                let score = source.number()
                try await attempt {
                    _ = try await store.finish(
                        lease, .trained(score: score, metrics: [:], checkpoint: "\(lease.checkpointName)"))
                }
            }
            try await attempt { _ = try await store.push(["x": 0.5], to: name) }
            try await attempt { _ = try await store.abandon(worker: "w", of: name, because: "dead") }
            try await attempt { try await store.pin(IntervalID(member: 0, index: 0), of: name, true) }
            try await attempt { try await store.stop(name, because: "enough") }
            try await attempt {
                let (record, intervals) = (try await store.record(of: name), try await store.intervals(of: name))
                _ = try Audit(experiment: record.experiment, intervals: intervals)
            }
        }
    }
}
