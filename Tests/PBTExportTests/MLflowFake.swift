// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PBT
import PBTExport
import ServiceLifecycle
import Synchronization

/// A server that keeps the rules of MLflow's REST API that an export touches, as MLflow 3.17 was seen to keep them.
///
/// It refuses what MLflow refuses, and what MLflow would take but an export must not do: a metric that is there already.
final class MLflowFake: Sendable {
    struct Run: Sendable {
        var id: String
        var experiment: String
        var name: String
        var status = "RUNNING"
        var end: Int?
        var isDeleted = false
        var tags: [String: String]
        var parameters: [String: String] = [:]
        /// Step, value as JSON, and time, by metric.
        var metrics: [String: [[String]]] = [:]
    }

    struct State: Sendable {
        /// Names by their number.
        var experiments: [String] = []
        var deletedExperiments: Set<String> = []
        var runs: [Run] = []
        /// What was asked for, in order.
        var calls: [String] = []
        var authorizations: Set<String> = []
        /// How many more calls are answered; then the server fails.
        var callsLeft = Int.max
        /// What is answered instead, status and body.
        var instead: (Int, String)?
    }

    /// What MLflow answers with when it refuses.
    private struct Refusal: Error {
        var status = 400
        let code: String
        let message: String
    }

    let state = Mutex(State())

    /// The runs that are not deleted, by what they are.
    var runs: [String: Run] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: state.runs.filter { !$0.isDeleted }.map { ($0.tags["pbt.run"] ?? "", $0) })
        }
    }

    /// Runs the server while `body` does.
    @discardableResult
    func serving<Result: Sendable>(_ body: @Sendable (String) async throws -> Result) async throws -> Result {
        let router = Router()
        for method in [HTTPRequest.Method.get, .post] {
            router.on("/**", method: method) { [self] request, _ in
                let bytes = try await request.body.collect(upTo: 4 << 20)
                let (status, body) = answer(request, Array(bytes.readableBytesView))
                return Response(
                    status: .init(code: status), headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: ByteBuffer(string: body)))
            }
        }
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "mlflow")
        logger.logLevel = .error
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            let outcome: Swift.Result<Result, any Error>
            do { outcome = .success(try await body("http://127.0.0.1:\(port)")) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return try outcome.get()
        }
    }

    private func answer(_ request: Request, _ bytes: [UInt8]) -> (Int, String) {
        state.withLock { state in
            let path = request.uri.path.replacing("/api/2.0/mlflow/", with: "")
            state.calls.append(path)
            if let field = request.headers[.authorization] { state.authorizations.insert(field) }
            if let instead = state.instead { return instead }
            state.callsLeft -= 1
            guard state.callsLeft >= 0 else {
                return (500, #"{"error_code": "INTERNAL_ERROR", "message": "out of order"}"#)
            }
            do {
                let body = bytes.isEmpty ? [:] : try Value(json: bytes)
                guard bytes.count < 1_000_000 else { throw invalid("the request is too long") }
                let name = request.uri.queryParameters["experiment_name"].map { String($0) }
                return (200, try Self.answer(path, body, name, &state).json)
            } catch let refusal as Refusal {
                let body: Value = ["error_code": .string(refusal.code), "message": .string(refusal.message)]
                return (refusal.status, body.json)
            } catch {
                return (500, "\(error)")
            }
        }
    }

    private static func answer(_ path: String, _ body: Value, _ name: String?, _ state: inout State) throws -> Value {
        switch path {
        case "experiments/get-by-name":
            guard let place = state.experiments.firstIndex(of: name ?? "") else {
                throw Refusal(status: 404, code: "RESOURCE_DOES_NOT_EXIST", message: "no \(name ?? "")")
            }
            let isDeleted = state.deletedExperiments.contains(name ?? "")
            let stage: Value = isDeleted ? "deleted" : "active"
            return ["experiment": ["experiment_id": .string(String(place)), "lifecycle_stage": stage]]
        case "experiments/create":
            state.experiments.append(try text(body, "name"))
            return ["experiment_id": .string(String(state.experiments.count - 1))]
        case "runs/create":
            let run = Run(
                id: "run\(state.runs.count)", experiment: try text(body, "experiment_id"),
                name: try text(body, "run_name"), tags: try pairs(body["tags"], limit: 8000))
            state.runs.append(run)
            return ["run": ["info": ["run_id": .string(run.id)]]]
        case "runs/search":
            return try search(body, state)
        case "runs/delete":
            state.runs[try place(of: body, state)].isDeleted = true
        case "runs/update":
            let place = try place(of: body, state)
            state.runs[place].status = try text(body, "status")
            state.runs[place].end = body["end_time"]?.int
        case "runs/log-batch":
            try log(body, to: &state.runs[try place(of: body, state)])
        default:
            throw Refusal(status: 404, code: "ENDPOINT_NOT_FOUND", message: path)
        }
        return [:]
    }

    private static func search(_ body: Value, _ state: State) throws -> Value {
        let filter = try text(body, "filter")
        let found = state.runs.filter { run in
            !run.isDeleted && body["experiment_ids"] == [.string(run.experiment)]
                && filter == "tags.`pbt.key` = '\(run.tags["pbt.key"] ?? "")'"
        }
        // Pages of two, so that there are some.
        let start = body["page_token"]?.string.flatMap { Int($0) } ?? 0
        let page = found.dropFirst(start).prefix(2).map { run -> Value in
            [
                "info": ["run_id": .string(run.id), "status": .string(run.status)],
                "data": ["tags": list(run.tags), "params": list(run.parameters)],
            ]
        }
        var answer: [String: Value] = ["runs": .array(page)]
        if start + 2 < found.count { answer["next_page_token"] = .string(String(start + 2)) }
        return .object(answer)
    }

    private static func log(_ body: Value, to run: inout Run) throws {
        let metrics = body["metrics"]?.array ?? []
        let (tags, parameters) = (try pairs(body["tags"], limit: 8000), try pairs(body["params"], limit: 6000))
        guard tags.count <= 100, parameters.count <= 100, metrics.count + tags.count + parameters.count <= 1000 else {
            throw invalid("too much at once")
        }
        for metric in metrics {
            let name = try text(metric, "key")
            try check(name)
            guard let value = metric["value"], value.double != nil || ["NaN", "Infinity", "-Infinity"].contains(value),
                let step = metric["step"]?.int, let time = metric["timestamp"]?.int
            else { throw invalid("metric \(metric)") }
            let point = [String(step), value.string ?? value.json, String(time)]
            guard !(run.metrics[name] ?? []).contains(point) else { throw invalid("\(name) at \(step) is there") }
            run.metrics[name, default: []].append(point)
        }
        for (name, value) in parameters {
            try check(name)
            guard run.parameters[name] ?? value == value else { throw invalid("parameter \(name) is written once") }
            run.parameters[name] = value
        }
        run.tags.merge(tags) { $1 }
    }

    private static func check(_ name: String) throws {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard name.wholeMatch(of: /[\/\w.\- ]*/.asciiOnlyWordCharacters()) != nil, name.count <= 250,
            parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
        else { throw invalid("the name \(name)") }
    }

    private static func place(of body: Value, _ state: State) throws -> Int {
        let id = try text(body, "run_id")
        guard let place = state.runs.firstIndex(where: { $0.id == id && !$0.isDeleted }) else {
            throw Refusal(status: 404, code: "RESOURCE_DOES_NOT_EXIST", message: "no run \(id)")
        }
        return place
    }

    private static func text(_ body: Value, _ key: String) throws -> String {
        guard let text = body[key]?.string, !text.isEmpty else { throw invalid("no \(key)") }
        return text
    }

    private static func pairs(_ list: Value?, limit: Int) throws -> [String: String] {
        var pairs: [String: String] = [:]
        for entry in list?.array ?? [] {
            let key = try text(entry, "key")
            guard let value = entry["value"]?.string, value.unicodeScalars.count <= limit, key.count <= 250 else {
                throw invalid("\(key)")
            }
            pairs[key] = value
        }
        return pairs
    }

    private static func list(_ pairs: [String: String]) -> Value {
        .array(pairs.map { ["key": .string($0.key), "value": .string($0.value)] })
    }

    private static func invalid(_ message: String) -> Refusal {
        Refusal(code: "INVALID_PARAMETER_VALUE", message: message)
    }

    private func invalid(_ message: String) -> Refusal {
        Self.invalid(message)
    }
}
