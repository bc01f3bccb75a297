// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTClient
import PBTExport
import Synchronization
import Testing

/// What an export asks of a server; that MLflow itself takes it is what `Scripts/test-mlflow` sees.
@Suite(.timeLimit(.minutes(10))) struct MLflowTests {
    /// Exports to a server that is there, as another process would.
    @discardableResult
    private func export(
        _ rows: Rows, _ count: Int = .max, to url: String, named name: String = "digits",
        _ environment: [String: String] = [:]
    ) async throws -> MLflowExport.Done {
        let server = try MLflowServer(MLflowAddress(url, environment: environment)) { TransportError.reason($0) }
        let result: Result<MLflowExport.Done, any Error>
        do {
            result = .success(try await MLflowExport(to: server, experiment: name).write(rows.history(count)))
        } catch {
            result = .failure(error)
        }
        try await server.close()
        return try result.get()
    }

    @Test func `an experiment is a run with a run for each member and for the best's lineage in it`() async throws {
        let fake = MLflowFake()
        try await fake.serving { url in
            let done = try await export(.copied, to: url)
            #expect(done.created == 4 && done.deleted == 0)
            #expect(done.url == "\(url)/#/experiments/0/runs/run0")
        }
        let runs = fake.runs
        #expect(Set(runs.keys) == ["experiment", "members/m00", "members/m01", "lineages/best"])
        let parent = try #require(runs["experiment"])
        #expect(parent.name == "digits" && parent.status == "FINISHED" && parent.end == 1_763_000_060_000)
        #expect(parent.tags["pbt.best"] == "0@3" && parent.tags["pbt.copies"] == "1")
        #expect(parent.parameters["population"] == "2" && parent.parameters["space.rate"]?.contains("log") == true)
        // The best so far, by how many intervals had finished.
        let improvements: [[String]] = try #require(parent.metrics["accuracy"]).map { [$0[0], $0[1]] }
        #expect(improvements == [["1", "0.5"], ["3", "0.6"], ["5", "0.7"], ["7", "0.8"]])
        let member = try #require(runs["members/m01"])
        #expect(member.tags["mlflow.parentRunId"] == parent.id && member.name == "m01")
        #expect(
            member.metrics["accuracy"] == [
                ["0", "0.1", "1763000001850"], ["1", "0.3", "1763000003850"], ["2", "0.5", "1763000005850"],
                ["3", "0.7", "1763000007850"],
            ])
        #expect(member.metrics["hyperparameters/rate"]?.map { $0[1] } == ["0.01", "0.01", "0.08", "0.08"])
        #expect(member.parameters == ["rate": "0.08"])
        #expect(member.tags["pbt.lineage"] == "0@0-1 1@2-3" && member.tags["pbt.founder"] == "0@0")
        #expect(member.tags["pbt.parent"] == "0@1" && member.tags["pbt.copies"] == "1")
        #expect(runs["lineages/best"]?.metrics["pbt/member"]?.map { $0[1] } == ["0.0", "0.0", "0.0", "0.0"])
    }

    @Test func `an export that is repeated writes nothing, and one that goes on only what is new`() async throws {
        let fake = MLflowFake()
        var rows = Rows.copied
        rows.state = .running
        try await fake.serving { [rows] url in
            try await export(rows, 5, to: url)
            #expect(fake.runs["members/m01"]?.status == "RUNNING" && fake.runs["members/m01"]?.parameters == [:])
            fake.state.withLock { $0.calls = [] }
            #expect(try await export(rows, 5, to: url).metrics == 0)
            #expect(
                fake.state.withLock { $0.calls }.allSatisfy { ["experiments/get-by-name", "runs/search"].contains($0) })
            // Of three intervals: of members 0 and 1, and of the best's lineage, which is member 0's.
            let done = try await export(.copied, to: url)
            #expect(done.created == 0 && done.deleted == 0)
            #expect(done.metrics == 3 * 2 + 1 + 3)
        }
        let other = MLflowFake()
        try await other.serving { url in _ = try await export(.copied, to: url) }
        for (key, run) in other.runs {
            #expect(fake.runs[key]?.metrics == run.metrics && fake.runs[key]?.tags == run.tags, "\(key)")
            #expect(fake.runs[key]?.parameters == run.parameters && fake.runs[key]?.status == run.status, "\(key)")
        }
    }

    @Test func `wherever an export breaks off, the next one completes it and writes nothing twice`() async throws {
        let whole = MLflowFake()
        try await whole.serving { url in _ = try await export(.copied, to: url) }
        let calls = whole.state.withLock { $0.calls.count }
        #expect(calls > 10)
        for count in 0..<calls {
            let fake = MLflowFake()
            fake.state.withLock { $0.callsLeft = count }
            try await fake.serving { url in
                await #expect(throws: PBTError.self) { try await export(.copied, to: url) }
                fake.state.withLock { $0.callsLeft = .max }
                try await export(.copied, to: url)
            }
            #expect(fake.runs.mapValues(\.metrics) == whole.runs.mapValues(\.metrics), "after \(count) calls")
            #expect(fake.runs.mapValues(\.tags) == whole.runs.mapValues(\.tags), "after \(count) calls")
        }
    }

    @Test func `a lineage that became another one is written anew, and its run of before is deleted`() async throws {
        let fake = MLflowFake()
        var rows = Rows.copied
        rows.state = .running
        rows.add(1, 4, parent: (1, 3), score: 0.9)
        try await fake.serving { [rows] url in
            try await export(rows, 8, to: url)
            #expect(fake.runs["lineages/best"]?.tags["pbt.tip"] == "0@3")
            let done = try await export(rows, to: url)
            #expect(done.created == 1 && done.deleted == 1)
        }
        #expect(fake.runs["lineages/best"]?.tags["pbt.tip"] == "1@4")
        #expect(
            fake.runs["lineages/best"]?.metrics["pbt/member"]?.map { $0[1] } == ["0.0", "0.0", "1.0", "1.0", "1.0"])
    }

    @Test func `any name and number is brought into a form that MLflow takes, and two names stay two`() async throws {
        let fake = MLflowFake()
        var rows = Rows("<b> 'é'", metric: "na\"ïve")
        let names = [
            "a/../b", "/a", "a//b", "a b:c", "a b;c", String(repeating: "x", count: 400), "..", "", "ok/a-b_c.d",
        ]
        var metrics: [String: Value] = ["text": "no number"]
        for (place, name) in names.enumerated() { metrics[name] = .integer(place) }
        rows.add(0, 0, score: 0.5, metrics: metrics)
        rows.add(0, 1, parent: (0, 0), score: .nan, metrics: ["ok/a-b_c.d": .number(-.infinity)])
        try await fake.serving { [rows] url in _ = try await export(rows, to: url, named: "é's / ?&=") }
        #expect(fake.state.withLock { $0.experiments } == ["é's / ?&="])
        let found = try #require(fake.runs["members/m00"]?.metrics)
        let numbers: [String] = try #require(found["ok/a-b_c.d"]).map { $0[1] }
        #expect(numbers == ["8.0", "-Infinity"])
        let diverged: [[[String]]] = found.values.filter { $0.count == 2 && $0[1][1] == "NaN" }
        #expect(diverged.count == 1)
        #expect(found.count == names.count + 2)
    }

    @Test func `what is more than MLflow takes at once is sent in parts`() async throws {
        let fake = MLflowFake()
        var rows = Rows()
        for index in 0..<4 {
            var metrics: [String: Value] = [:]
            for number in 0..<(index == 2 ? 2300 : 400) { metrics["m\(number)"] = .number(Double(index) / 3) }
            rows.add(0, index, parent: index == 0 ? nil : (0, index - 1), score: 0.5, metrics: metrics)
        }
        try await fake.serving { [rows] url in _ = try await export(rows, to: url) }
        let found = try #require(fake.runs["members/m00"]?.metrics)
        let count: Int = found.values.reduce(0) { $0 + $1.count }
        #expect(count == 3 * 400 + 2300 + 4 + 4)
        #expect(found["m2299"]?.count == 1 && found["m399"]?.count == 4)
    }

    @Test(arguments: [
        (["MLFLOW_TRACKING_TOKEN": "secret"], "Bearer secret"),
        (["MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "geheim"], "Basic bWU6Z2VoZWlt"),
    ])
    func `a token or a password is sent as MLflow's client does, and no error repeats it`(
        environment: [String: String], field: String
    ) async throws {
        let fake = MLflowFake()
        fake.state.withLock { $0.instead = (401, "secret geheim") }
        try await fake.serving { url in
            await #expect(
                throws: PBTError(
                    .unauthorized,
                    "MLflow's server \(url) denied access (status 401); set MLFLOW_TRACKING_TOKEN, or "
                        + "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
            ) { try await export(.copied, to: url, environment) }
        }
        #expect(fake.state.withLock { $0.authorizations } == [field])
    }

    @Test(arguments: [
        (503, "", "storeBusy", "MLflow's server URL is busy (status 503); export again later"),
        (
            404, "<html>", "unreachable",
            "URL responds to experiments/get-by-name with status 404, unlike MLflow; is this the address of an "
                + "MLflow server?"
        ),
        (
            200, "hello", "unreachable",
            "URL responds, but not like MLflow; is this the address of an MLflow server?"
        ),
        (
            400, #"{"error_code": "BAD", "message": "no"}"#, "badRequest",
            "MLflow's server URL refused to find an experiment: no (BAD); what was exported so far is kept, and another "
                + "export continues from there"
        ),
    ])
    func `an answer that is of no use says what to do`(
        status: Int, body: String, code: String, text: String
    ) async throws {
        let fake = MLflowFake()
        fake.state.withLock { $0.instead = (status, body) }
        try await fake.serving { url in
            await #expect(throws: PBTError(.init(code), text.replacing("URL", with: url))) {
                try await export(.copied, to: url)
            }
        }
    }

    @Test func `nobody at the address, and an experiment that was deleted, are said`() async throws {
        let fake = MLflowFake()
        let url = try await fake.serving { url in
            try await export(.copied, to: url)
            fake.state.withLock { $0.deletedExperiments = ["digits"] }
            await #expect(
                throws: PBTError(
                    .wrongState,
                    "the experiment \"digits\" of MLflow is deleted; restore it there, or name another one in "
                        + "MLFLOW_EXPERIMENT_NAME")
            ) { try await export(.copied, to: url) }
            return url
        }
        await #expect(
            throws: PBTError(
                .unreachable,
                "cannot reach MLflow's server \(url): connection refused; is it running, and is this its address?")
        ) { try await export(.copied, to: url) }
    }

    @Test(
        arguments: [
            (nil, "no MLflow server: set MLFLOW_TRACKING_URI or give --tracking-uri, such as http://127.0.0.1:5000"),
            (
                "http://me:secret@host",
                "--tracking-uri contains a user or password, which others can see; set them in "
                    + "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            ),
            (
                "databricks",
                "--tracking-uri \"databricks\" is not the address of a server; start one with: mlflow server "
                    + "--backend-store-uri sqlite:///mlflow.db, and give its address, such as http://127.0.0.1:5000"
            ),
        ] as [(String?, String)])
    func `an address that is none says what it must be`(uri: String?, text: String) {
        #expect(throws: PBTError(.badValue, text)) { try MLflowAddress(uri, environment: [:]) }
    }

    @Test func `the address is the flag's, or else the variable's`() throws {
        let environment = ["MLFLOW_TRACKING_URI": "https://a:1/x/"]
        #expect(try MLflowAddress(nil, environment: environment).url == "https://a:1/x")
        #expect(try MLflowAddress("HTTP://b", environment: environment).url == "HTTP://b")
    }
}
