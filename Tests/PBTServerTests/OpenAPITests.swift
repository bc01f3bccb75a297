// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Foundation
import HTTPTypes
import PBT
import PBTCheckpoints
import Testing

@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct OpenAPITests {
    private static let document = OpenAPI.document(of: Endpoints.all, version: "1")

    /// A path of the document with something in place of its placeholders.
    private static func filled(_ path: String) -> String {
        var text = path
        while let open = text.firstIndex(of: "{"), let close = text[open...].firstIndex(of: "}") {
            text.replaceSubrange(open...close, with: "0")
        }
        return text
    }

    @Test func `the document is served to everyone, and is the one made from the table`() async throws {
        let tokens = InMemoryTokens()
        try await withServer(configuration: .init(admission: .tokens(tokens), version: "1")) { server in
            let answer = try await server.ask(.GET, "/openapi.json")
            #expect(answer.status == 200)
            #expect(try answer.json == Self.document)
            #expect(answer[header: "ETag"] != nil)
        }
        // Where no token is asked for, the document asks for none.
        try await withServer { server in
            let answer = try await server.ask(.GET, "/openapi.json")
            #expect(!answer.text.contains(#""security""#))
        }
    }

    @Test(arguments: Endpoints.all.map { "\($0.method.rawValue) \($0.path)" })
    func `every endpoint is in the document`(endpoint: String) throws {
        let parts = endpoint.split(separator: " ").map(String.init)
        let path = parts[1].replacing("+}", with: "}")
        let operation = try #require(Self.document["paths"]?[path]?[parts[0].lowercased()])
        #expect(operation["summary"]?.string?.isEmpty == false)
        #expect(operation["responses"]?.object?.isEmpty == false)
        let parameters = operation["parameters"]?.array ?? []
        let named = parameters.filter { $0["in"]?.string == "path" }.map { $0["name"]?.string ?? "" }
        let segments = path.split(separator: "/").filter { $0.hasPrefix("{") }
        #expect(Set(named) == Set(segments.map { String($0.dropFirst().dropLast()) }))
    }

    @Test func `the names of operations are unique`() {
        let names = (Self.document["paths"]?.object ?? [:]).values.flatMap { path in
            (path.object ?? [:]).values.compactMap { $0["operationId"]?.string }
        }
        #expect(names.count == Endpoints.all.count)
        #expect(Set(names).count == names.count)
    }

    @Test func `every path of the document answers, and says which methods it has`() async throws {
        try await withServer { server in
            for (path, operations) in Self.document["paths"]?.object ?? [:] {
                let methods = Set((operations.object ?? [:]).keys.map { $0.uppercased() })
                let answer = try await server.ask(.TRACE, Self.filled(path))
                #expect(answer.status == 405, "\(path)")
                let allowed = Set((answer[header: "Allow"] ?? "").split(separator: ", ").map(String.init))
                #expect(allowed == methods.union(methods.contains("GET") ? ["HEAD"] : []), "\(path)")
            }
        }
    }

    @Test func `every reference leads somewhere, and every schema is used`() {
        var references: Set<String> = []
        func collect(_ value: Value) {
            if let reference = value["$ref"]?.string { references.insert(reference) }
            for part in value.object?.values.map(\.self) ?? value.array ?? [] { collect(part) }
        }
        collect(Self.document)
        let known = Set((Self.document["components"]?["schemas"]?.object ?? [:]).keys)
        #expect(!references.isEmpty)
        #expect(references == Set(known.map { "#/components/schemas/\($0)" }))
    }

    @Test func `bounds are those that are enforced`() throws {
        let schemas = try #require(Self.document["components"]?["schemas"])
        func bounds(_ schema: Value?) -> ClosedRange<Int>? {
            guard let low = schema?["minimum"]?.int, let high = schema?["maximum"]?.int else { return nil }
            return low...high
        }
        let lease = schemas["Lease"]?["properties"]
        for name in ["member", "interval", "attempt"] { #expect(bounds(lease?[name]) == Limits.ordinals) }
        #expect(lease?["experiment"]?["maxLength"]?.int == Limits.experimentNameBytes)
        let interval = schemas["Interval"]?["properties"]
        #expect(bounds(interval?["depth"]) == Limits.depths)
        #expect(bounds(interval?["attempts"]) == Limits.ordinals)
        #expect(bounds(interval?["created"]) == Limits.times)
        #expect(bounds(interval?["sequence"]) == Limits.counters)
        #expect(interval?["metrics"]?["maxProperties"]?.int == Limits.values)
        #expect(interval?["metrics"]?["propertyNames"]?["maxLength"]?.int == Limits.valueNameBytes)
        #expect(bounds(schemas["Event"]?["properties"]?["id"]) == Limits.counters)
        let claim = Schemas.claim["properties"]
        #expect(bounds(claim?["count"]) == 1...Limits.claimed)
        #expect(bounds(claim?["term"]) == Limits.term)
        #expect(bounds(claim?["wait"]) == Limits.wait)
        #expect(claim?["worker"]?["maxLength"]?.int == Limits.nameBytes)
        let files = Schemas.publishing["properties"]?["files"]
        #expect(files?["maxItems"]?.int == Manifest.maximumFiles)
        #expect(files?["items"]?["properties"]?["size"]?["maximum"]?.int == Int(Manifest.maximumBytes))
    }

    @Test func `every integer that a client sends has bounds`() {
        var open: [String] = []
        func check(_ schema: Value, _ place: String) {
            if schema["type"]?.string == "integer", schema["minimum"] == nil || schema["maximum"] == nil {
                open.append(place)
            }
            for (name, part) in schema["properties"]?.object ?? [:] { check(part, "\(place).\(name)") }
            if let items = schema["items"] { check(items, "\(place)[]") }
        }
        for endpoint in Endpoints.all {
            if let body = endpoint.body { check(body.schema, endpoint.path) }
            for parameter in endpoint.parameters where parameter.name != "after" {
                check(parameter.schema, "\(endpoint.path) \(parameter.name)")
            }
        }
        #expect(open.isEmpty)
    }

    @Test func `numbers beyond the bounds are refused`() async throws {
        try await withServer { server in
            try await server.create()
            for (body, field) in [
                (["worker": "w", "count": .integer(Limits.claimed + 1)], "count"),
                (["worker": "w", "term": .integer(Limits.term.upperBound + 1)], "term"),
                (["worker": "w", "wait": .integer(Limits.wait.upperBound + 1)], "wait"),
                (["worker": .string(String(repeating: "w", count: Limits.nameBytes + 1))], "worker"),
            ] as [(Value, String)] {
                let answer = try await server.ask(.POST, "/experiments/toy/claims", body)
                #expect(answer.problem.hasPrefix("400 badRequest: \(field)"), "\(answer.problem)")
            }
            let page = try await server.ask(.GET, "/experiments?limit=\(Limits.page.upperBound + 1)")
            #expect(page.status == 400)
        }
    }

    @Test(arguments: Endpoints.all.map(\.path))
    func `the page names every path`(path: String) throws {
        let page = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Documentation/api.md"), encoding: .utf8)
        // The page leaves out the prefix, and shortens the path of intervals.
        let short = path.replacing("{experiment}", with: "{name}").replacing("+}", with: "}")
        let text = short.hasPrefix("/api/v1/") ? String(short.dropFirst(7)) : short
        let abbreviated = text.replacing("/experiments/{name}/intervals/", with: "…/intervals/")
        let verb = text.split(separator: "/").last.map { "`/\($0)`" } ?? ""
        let isThere =
            page.contains("\(text)`") || page.contains("\(abbreviated)`")
            || (text.hasSuffix("/resume") && page.contains(verb))
            || (text.hasSuffix("/stop") && page.contains(verb))
        #expect(isThere, "\(text)")
    }

    @Test func `the page names every code that the server answers with`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let page = try String(contentsOf: root.appending(path: "Documentation/api.md"), encoding: .utf8)
        var codes: Set<String> = []
        for target in ["PBTHTTP", "PBTServer", "PBTDashboard"] {
            let folder = root.appending(path: "Sources/\(target)")
            for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            where name.hasSuffix(".swift") {
                let source = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
                for match in source.matches(of: /Problem\(\s*\d+, "(\w+)"/) { codes.insert(String(match.1)) }
                for match in source.matches(of: /PBTError\(\s*\.(\w+)/) { codes.insert(String(match.1)) }
            }
        }
        #expect(codes.contains("tooLarge"))
        #expect(codes.contains("preconditionFailed"))
        for code in codes { #expect(page.contains("`\(code)`"), "\(code)") }
    }
}
