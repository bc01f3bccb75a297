// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import Testing

@Suite(.timeLimit(.minutes(10)))
struct MetricsTests {
    /// What a text in Prometheus' format says.
    struct Parsed {
        var types: [String: String] = [:]
        var samples: [(name: String, labels: [String: String], value: Double)] = []

        subscript(name: String, labels: [String: String]) -> Double? {
            samples.first { $0.name == name && $0.labels == labels }?.value
        }
    }

    struct Malformed: Error {
        let line: Substring
    }

    /// Reads the text format, version 0.0.4, and refuses what Prometheus would.
    static func parse(_ text: String) throws -> Parsed {
        var parsed = Parsed()
        var helped: Set<String> = []
        #expect(text.hasSuffix("\n"))
        for line in text.split(separator: "\n") {
            if let match = line.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) .+/) {
                #expect(helped.insert(String(match.1)).inserted)
            } else if let match = line.wholeMatch(of: /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/) {
                #expect(parsed.types.updateValue(String(match.2), forKey: String(match.1)) == nil)
            } else if let match = line.wholeMatch(of: /(?s)([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/) {
                guard let value = Double(match.3) else { throw Malformed(line: line) }
                parsed.samples.append((String(match.1), try labels(match.2 ?? "", line), value))
            } else {
                throw Malformed(line: line)
            }
        }
        for (name, _, _) in parsed.samples {
            let family = ["_bucket", "_sum", "_count"].reduce(name) { name, suffix in
                let stem = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
                return parsed.types[stem] == "histogram" ? stem : name
            }
            #expect(parsed.types[family] != nil, "\(name) has no type")
            #expect(helped.contains(family), "\(name) has no help")
        }
        return parsed
    }

    private static func labels(_ text: Substring, _ line: Substring) throws -> [String: String] {
        var labels: [String: String] = [:]
        var rest = text
        while !rest.isEmpty {
            guard let match = rest.prefixMatch(of: /(?s)([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,(?=.)|$)/)
            else {
                throw Malformed(line: line)
            }
            var value = ""
            var isEscaped = false
            for character in match.2 {
                if isEscaped {
                    value.append(character == "n" ? "\n" : character)
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else {
                    value.append(character)
                }
            }
            #expect(labels.updateValue(value, forKey: String(match.1)) == nil)
            rest = rest[match.range.upperBound...]
        }
        return labels
    }

    @Test func `the metrics are Prometheus text, and count what was asked`() async throws {
        try await withServer { server in
            try await server.create(population: 3, decides: .early)
            try await server.finish(try await server.lease(), score: 0.75)
            for _ in 1...3 { _ = try await server.ask(.GET, "/experiments/none") }
            _ = try await server.ask(.GET, "/nowhere")
            let answer = try await server.ask(.GET, "/metrics")
            #expect(answer[header: "Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            let parsed = try Self.parse(answer.text)
            let path = "/api/v1/experiments/{experiment}"
            #expect(
                parsed["pbt_http_requests_total", ["method": "GET", "path": path, "status": "404"]] == 3)
            #expect(parsed["pbt_http_requests_total", ["method": "GET", "path": "other", "status": "404"]] == 1)
            #expect(parsed["pbt_http_request_duration_seconds_count", ["path": path]] == 3)
            #expect(parsed["pbt_http_request_duration_seconds_bucket", ["path": path, "le": "+Inf"]] == 3)
            #expect(parsed["pbt_http_requests_in_flight", [:]] == 1)
            #expect(parsed["pbt_claims_waiting", [:]] == 0)
            #expect(parsed["pbt_intervals", ["experiment": "toy", "state": "done"]] == 1)
            #expect(parsed["pbt_intervals", ["experiment": "toy", "state": "waiting"]] == 3)
            #expect(parsed["pbt_best_score", ["experiment": "toy", "metric": "score"]] == 0.75)
            // Buckets hold those before them.
            let buckets = parsed.samples.filter {
                $0.name == "pbt_http_request_duration_seconds_bucket" && $0.labels["path"] == path
            }
            #expect(buckets.map(\.value) == buckets.map(\.value).sorted())
            #expect(
                buckets.map { Double($0.labels["le"] ?? "") ?? .infinity }
                    == buckets.map { Double($0.labels["le"] ?? "") ?? .infinity }.sorted())
        }
    }

    @Test(arguments: ["a\"b", "a\\b", "a\\\"", "ü{}=,", "\\n", "a\u{2028}b"])
    func `names are escaped`(name: String) async throws {
        try await withServer { server in
            try await server.create(name)
            let parsed = try Self.parse(try await server.ask(.GET, "/metrics").text)
            #expect(parsed["pbt_intervals", ["experiment": name, "state": "waiting"]] == 2)
        }
    }
}
