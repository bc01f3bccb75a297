// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTAPI
import PBTTesting
import Testing

@testable import PBTDashboard
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct ShutdownTests {
    /// A dashboard whose server ends with its run.
    private static var ofRun: TestPages {
        var pages = TestPages.pages()
        pages.dashboard.afterwards = "pbt serve --store 'a b.sqlite'"
        return pages
    }

    private static let request = "GET /e/digits/live?rev=%@ HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"

    /// Subscribes to an experiment as an open page does, while the body runs.
    private static func following(
        _ server: TestServer, _ body: @Sendable (inout RawConnection.Reader, RawConnection) async throws -> Void
    ) async throws {
        let last = try await server.store.lastEvent()
        try await RawConnection.open(to: server.port) { reader, connection in
            try await connection.send(request.replacing("%@", with: "\(last)"))
            try await reader.wait(for: "retry: 2000\n\n")
            try await body(&reader, connection)
        }
    }

    @Test func `when a run ends, the server waits until open pages have loaded the final state and disconnected`()
        async throws
    {
        try await withServer(pages: Self.ofRun) { server in
            try await TrainedRun(finishing: 3).train(in: server.store)
            let ended = Latch()
            try await Self.following(server) { reader, connection in
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    _ = try await server.store.stop("digits", because: "enough")
                    tasks.addTask {
                        await server.announceShutdown(within: .seconds(3600))
                        ended.set()
                    }
                    try await reader.wait(for: "event: bye\ndata: bye\n\n")
                    #expect(!ended.isSet, "the page has not asked yet")
                    let page = try await server.visit("/e/digits?fragment=1")
                    #expect(page.status == 200)
                    #expect(page.text.contains("data-state=\"finished\" data-over=\"1\""))
                    #expect(!ended.isSet, "its stream is still open")
                    try await connection.hangUp()
                    try await tasks.waitForAll()
                }
            }
            #expect(ended.isSet)
        }
    }

    @Test func `a page that connects after the announcement is notified immediately`() async throws {
        try await withServer(pages: Self.ofRun) { server in
            try await TrainedRun(finishing: 3).train(in: server.store)
            await server.announceShutdown(within: .seconds(3600))
            try await Self.following(server) { reader, _ in
                try await reader.wait(for: "event: bye\n")
            }
        }
    }

    @Test func `a page that does not disconnect delays the shutdown by the time limit only`() async throws {
        try await withServer(pages: Self.ofRun) { server in
            try await TrainedRun(finishing: 3).train(in: server.store)
            try await Self.following(server) { reader, _ in
                await server.announceShutdown(within: .milliseconds(20))
                try await reader.wait(for: "event: bye\n")
                await server.shutDown()
                let all = try await reader.all()
                #expect(all.hasSuffix("0\r\n\r\n"), "its stream ends as it should")
            }
        }
    }

    @Test func `a server that may restart announces no shutdown`() async throws {
        try await withServer(pages: .pages()) { server in
            try await TrainedRun(finishing: 3).train(in: server.store)
            try await Self.following(server) { reader, _ in
                await server.shutDown()
                let all = try await reader.all()
                #expect(!all.contains("bye"))
            }
        }
    }

    @Test func `a page of a run has its shutdown notice, and updates until the run ends`() async throws {
        try await withServer(pages: Self.ofRun) { server in
            try await TrainedRun().train(in: server.store)
            let page = try await server.visit("/e/digits")
            #expect(page.text.contains("id=\"gone\""))
            #expect(page.text.contains("pbt serve --store &#39;a b.sqlite&#39;"))
            #expect(page.text.contains("data-lost=\"○ no response; has the run ended?\""))
            #expect(page.text.contains("data-state=\"finished\""))
            #expect(!page.text.contains("data-over"), "the run's own end comes after its experiment's")
        }
        try await withServer(pages: .pages()) { server in
            try await TrainedRun().train(in: server.store)
            let page = try await server.visit("/e/digits")
            #expect(!page.text.contains("id=\"gone\""))
            #expect(page.text.contains("data-lost=\"○ reconnecting\""))
            #expect(page.text.contains("data-over=\"1\""))
        }
    }

    @Test func `a page updates as long as its random search runs`() async throws {
        try await withServer(pages: .pages()) { server in
            let experiment = TrainedRun(population: 1, intervals: 1, hasBaseline: true).experiment
            let baseline = try #require(experiment.baseline)
            _ = try await server.store.create(experiment)
            _ = try await server.store.create(baseline)
            _ = try await server.store.stop("digits", because: "enough")
            let page = try await server.visit("/e/digits")
            #expect(page.text.contains("data-state=\"finished\""))
            #expect(!page.text.contains("data-over"))
            _ = try await server.store.stop(baseline.name, because: "enough")
            let after = try await server.visit("/e/digits")
            #expect(after.text.contains("data-over=\"1\""))
        }
    }

    @Test func `an invalidated snapshot is read again`() async throws {
        let store = InMemoryStore()
        let snapshots = Snapshots(store: store, clock: .system, rest: 0)
        try await TrainedRun(finishing: 5).train(in: store)
        for _ in 0..<2 { _ = try await snapshots.snapshot(of: "digits") }
        await snapshots.forget()
        _ = try await snapshots.snapshot(of: "digits")
        #expect(await snapshots.reads == 2)
    }
}
