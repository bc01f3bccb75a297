// SPDX-License-Identifier: Apache-2.0

import PBT
package import PBTReport

/// An export of an experiment to MLflow, which can be repeated to add what is new.
///
/// The tags of a run record its identity and how much of it was written, so an export that is repeated, or was
/// interrupted, adds only what is missing. A run that no longer matches the rows (a lineage that changed, an interval
/// that was trained again) is deleted, which can be undone in MLflow, and written again.
package struct MLflowExport: Sendable {
    /// The result of an export.
    package struct Done: Sendable, Hashable {
        /// The URL of the experiment's own run.
        package var url = ""
        /// The number of runs that were created.
        package var created = 0
        /// The number of runs that were deleted because they no longer matched.
        package var deleted = 0
        /// The number of metric values that were written.
        package var metrics = 0
    }

    private struct Found {
        var id: String
        var status: String?
        var tags: [String: String]
        var parameters: [String: String]
    }

    /// The tag with the name of our experiment that a run belongs to.
    private static let experimentTag = "pbt.experiment"
    /// The tag that identifies our experiment in searches, since names may contain any text.
    private static let keyTag = "pbt.key"
    /// The tag with the key of a run.
    private static let runTag = "pbt.run"
    /// The tag that records how much of a run was written.
    private static let writtenTag = "pbt.written"
    private static let parentTag = "mlflow.parentRunId"

    private let server: MLflowServer
    private let name: String

    /// Creates an export to a server.
    ///
    /// - Parameters:
    ///   - server: The server.
    ///   - name: The name of the experiment in MLflow.
    package init(to server: MLflowServer, experiment name: String) {
        self.server = server
        self.name = name
    }

    /// Writes what is missing.
    ///
    /// - Parameter history: The experiment.
    /// - Returns: The result.
    /// - Throws: A `PBTError`: the server cannot be reached, denies access, or rejects a request.
    package func write(_ history: History) async throws -> Done {
        var done = Done()
        let record = history.record
        let key = "\(record.created.milliseconds)-\(Digest.text(of: record.experiment.name))"
        let experiment = try await experimentID()
        var found = try await runs(of: experiment, key: key)
        var parent: String?
        for run in MLflowRun.all(of: history) {
            var known = found.removeValue(forKey: run.key)
            var written = 0
            if let there = known {
                if let count = run.written(according: there.tags[Self.writtenTag]) {
                    written = count
                } else {
                    try await call("delete a run", "runs/delete", ["run_id": .string(there.id)])
                    done.deleted += 1
                    known = nil
                }
            }
            var tags = run.tags
            tags[Self.experimentTag] = MLflowNames.cut(record.experiment.name, to: MLflowNames.tagLimit)
            tags[Self.keyTag] = key
            tags[Self.runTag] = run.key
            tags[Self.parentTag] = parent
            let current: Found
            if let known {
                current = known
            } else {
                current = try await create(run, in: experiment, tags)
                done.created += 1
            }
            if parent == nil {
                parent = current.id
                done.url = "\(server.url)/#/experiments/\(experiment)/runs/\(current.id)"
            }
            done.metrics += try await bringUp(current, to: run, tags, from: written)
        }
        return done
    }

    // MARK: Existing runs

    private func experimentID() async throws -> String {
        do {
            let answer = try await server.get("experiments/get-by-name", "experiment_name", name)
            guard let id = answer["experiment"]?["experiment_id"]?.string else {
                throw unexpected("experiments/get-by-name")
            }
            guard answer["experiment"]?["lifecycle_stage"]?.string != "deleted" else {
                throw PBTError(
                    .wrongState,
                    "the experiment \"\(name)\" of MLflow is deleted; restore it there, or name another one in "
                        + "MLFLOW_EXPERIMENT_NAME")
            }
            return id
        } catch let refusal as MLflowServer.Refusal {
            guard refusal.code == "RESOURCE_DOES_NOT_EXIST" else {
                throw server.error(refusal, doing: "find an experiment")
            }
        }
        let answer = try await call("create an experiment", "experiments/create", ["name": .string(name)])
        guard let id = answer["experiment_id"]?.string else { throw unexpected("experiments/create") }
        return id
    }

    private func runs(of experiment: String, key: String) async throws -> [String: Found] {
        var found: [String: Found] = [:]
        var page: String?
        repeat {
            var body: [String: Value] = [
                "experiment_ids": [.string(experiment)], "max_results": 1000,
                "filter": .string("tags.`\(Self.keyTag)` = '\(key)'"), "order_by": ["attributes.start_time ASC"],
            ]
            if let page { body["page_token"] = .string(page) }
            let answer = try await call("find runs", "runs/search", .object(body))
            for run in answer["runs"]?.array ?? [] {
                let tags = Self.pairs(run["data"]?["tags"])
                guard let id = run["info"]?["run_id"]?.string, let name = tags[Self.runTag], found[name] == nil else {
                    continue
                }
                found[name] = Found(
                    id: id, status: run["info"]?["status"]?.string, tags: tags,
                    parameters: Self.pairs(run["data"]?["params"]))
            }
            page = answer["next_page_token"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        } while page != nil
        return found
    }

    private static func pairs(_ list: Value?) -> [String: String] {
        var pairs: [String: String] = [:]
        for entry in list?.array ?? [] {
            if let key = entry["key"]?.string { pairs[key] = entry["value"]?.string ?? "" }
        }
        return pairs
    }

    // MARK: Missing values

    private func create(_ run: MLflowRun, in experiment: String, _ tags: [String: String]) async throws -> Found {
        let answer = try await call(
            "create a run", "runs/create",
            [
                "experiment_id": .string(experiment), "run_name": .string(MLflowNames.cut(run.name, to: 250)),
                "start_time": .integer(Int(run.start.milliseconds)), "tags": Self.list(tags),
            ])
        guard let id = answer["run"]?["info"]?["run_id"]?.string else { throw unexpected("runs/create") }
        return Found(id: id, status: "RUNNING", tags: tags, parameters: [:])
    }

    private func bringUp(
        _ found: Found, to run: MLflowRun, _ tags: [String: String], from written: Int
    ) async throws -> Int {
        var metrics = 0
        for batch in Self.batches(of: run, from: written) {
            var body: [String: Value] = ["run_id": .string(found.id), "metrics": .array(batch.metrics)]
            if let upTo = batch.upTo { body["tags"] = Self.list([Self.writtenTag: run.mark(of: upTo)]) }
            try await call("log metrics", "runs/log-batch", .object(body))
            metrics += batch.metrics.count
        }
        let changed = tags.filter { found.tags[$0.key] != $0.value }
        // A parameter can be written only once; MLflow does not allow changes.
        let parameters = run.parameters.filter { found.parameters[$0.key] == nil }
        for part in Self.parts(of: changed, 100) {
            try await call("set tags", "runs/log-batch", ["run_id": .string(found.id), "tags": Self.list(part)])
        }
        for part in Self.parts(of: parameters, 100) {
            try await call(
                "log parameters", "runs/log-batch", ["run_id": .string(found.id), "params": Self.list(part)])
        }
        if found.status != run.status.rawValue {
            var body: [String: Value] = ["run_id": .string(found.id), "status": .string(run.status.rawValue)]
            if let end = run.end { body["end_time"] = .integer(Int(end.milliseconds)) }
            try await call("update a run", "runs/update", .object(body))
        }
        return metrics
    }

    /// Metrics of one request, and the row up to which all are written after it.
    private struct Batch {
        var metrics: [Value] = []
        var upTo: Int?
    }

    /// MLflow accepts 1000 metrics, parameters and tags per request, in at most a megabyte.
    private static func batches(of run: MLflowRun, from written: Int) -> [Batch] {
        let (limit, bytes) = (999, 900_000)
        var batches: [Batch] = []
        var batch = Batch()
        var size = 0
        func flush() {
            if !batch.metrics.isEmpty || batch.upTo != nil { batches.append(batch) }
            (batch, size) = (Batch(), 0)
        }
        for place in run.rows.indices.dropFirst(written) {
            let row = run.rows[place]
            let values = row.metrics.map { metric -> Value in
                [
                    "key": .string(metric.name), "value": value(metric.value),
                    "timestamp": .integer(Int(row.time.milliseconds)), "step": .integer(row.step),
                ]
            }
            let sizes = values.map { $0.json.utf8.count + 2 }
            if batch.metrics.count + values.count > limit || size + sizes.reduce(0, +) > bytes { flush() }
            for (value, length) in zip(values, sizes) {
                if batch.metrics.count == limit || size + length > bytes { flush() }
                batch.metrics.append(value)
                size += length
                batch.upTo = nil
            }
            batch.upTo = place + 1
        }
        flush()
        return batches
    }

    /// Returns a number for MLflow: NaN and infinity, which JSON does not have, by name.
    private static func value(_ number: Double) -> Value {
        if number.isFinite { return .number(number) }
        return number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity"
    }

    private static func list(_ pairs: [String: String]) -> Value {
        .array(pairs.sorted { $0.key < $1.key }.map { ["key": .string($0.key), "value": .string($0.value)] })
    }

    private static func parts(of pairs: [String: String], _ size: Int) -> [[String: String]] {
        let sorted = pairs.sorted { $0.key < $1.key }
        return stride(from: 0, to: sorted.count, by: size).map { start in
            Dictionary(uniqueKeysWithValues: sorted[start..<min(start + size, sorted.count)].map { ($0.key, $0.value) })
        }
    }

    @discardableResult
    private func call(_ what: String, _ path: String, _ body: Value) async throws -> Value {
        do {
            return try await server.post(path, body)
        } catch let refusal as MLflowServer.Refusal {
            throw server.error(refusal, doing: what)
        }
    }

    private func unexpected(_ path: String) -> PBTError {
        PBTError(
            .unreachable, "the answer to \(path) does not look like MLflow; is this the address of an MLflow server?")
    }
}
