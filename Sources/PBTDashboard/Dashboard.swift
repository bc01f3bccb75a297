// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import Logging
import PBT
import PBTHTTP
import PBTReport
import PBTAPI
public import PBTServer

extension ServerExtension {
    /// A dashboard at `/`, whose pages are complete without JavaScript, and update live with it.
    ///
    /// - Parameters:
    ///   - configuration: The behavior of the dashboard.
    ///   - deleteJob: Deletes a job of a client's experiment; nil if jobs cannot be deleted from the pages.
    /// - Returns: An extension for ``Server``.
    public static func dashboard(
        _ configuration: DashboardConfiguration = DashboardConfiguration(), deletingJobs deleteJob: JobDeletion? = nil
    ) -> ServerExtension {
        ServerExtension { Dashboard(server: $0, settings: configuration, deleteJob: deleteJob) }
    }
}

/// The dashboard as a mount: finds the page of a request, authenticates the browser, and renders errors as pages.
///
/// Next to the API rather than a client of it: it reads the store once for all viewers.
struct Dashboard: Mount {
    private let context: DashboardContext

    init(server: ServerContext, settings: DashboardConfiguration, deleteJob: JobDeletion? = nil) {
        context = DashboardContext(server: server, settings: settings, deleteJob: deleteJob)
    }

    func announceShutdown(within time: Duration) async {
        await context.snapshots.forget()
        await context.connections.announceShutdown(within: time, waking: context.server.feed.wakeAll)
    }

    func route(_ request: Request, path: Substring) -> MountedRoute? {
        let match = Page.router.find(request.method, path)
        var name = "other"
        if case .found(let page, _) = match { name = page.path }
        guard handles(request, match) else { return nil }
        return MountedRoute(name: name) { request, connection in
            let hint = "nothing is at \(PlainText.line(String(request.uri.string.prefix(200))))"
            let (page, path) = try match.get(for: request, hint: hint)
            let call = try Call(
                request, path: path, caller: Caller(name: nil, scope: .read), on: connection, in: context.server)
            return try await respond(to: call, page)
        } render: { problem, request, connection in
            await errorPage(problem, request, connection)
        }
    }

    /// Returns whether a request gets a page: an existing one, except for clients that accept JSON at `/`; or an error
    /// page for any path, for browsers.
    private func handles(_ request: Request, _ match: Router<Page>.Match) -> Bool {
        let accept = request.headers[.accept] ?? ""
        if accept.contains("text/html") { return true }
        guard case .found(let page, _) = match else { return false }
        return page.path != "/" || !accept.contains("json")
    }

    private func respond(to call: Call, _ page: Page) async throws -> Reply {
        guard page.needsSession else {
            return try await page.make(PageRequest(call: call, dashboard: context, session: nil))
        }
        guard let request = try await context.authenticate(call) else {
            guard page.method == .get, !page.path.hasSuffix("/live") else {
                throw PBTError(.unauthorized, "the session has expired; sign in again")
            }
            let path = call.request.uri.string
            return .seeOther(path == "/" ? "/sign-in" : "/sign-in?next=\(PathSegment.encode(path))")
        }
        try context.server.http.limit?.count(request.call.caller.name ?? call.connection.address)
        return try await page.make(request)
    }

    /// Renders an error as a page; the one for a missing page lists the experiments.
    private func errorPage(_ problem: Problem, _ request: Request, _ connection: ConnectionContext) async -> Reply {
        var page = ErrorPage(problem: problem, request: nil, records: [])
        // A caller without permission to read gets no list.
        do {
            let call = try Call(request, caller: Caller(name: nil, scope: .read), on: connection, in: context.server)
            page.request = try await context.authenticate(call)
            if page.request != nil, problem.status == 404 {
                page.records = try await context.server.store.experiments()
            }
        } catch {
            // The page shows the first problem.
            context.server.logger.debug("no list of experiments on an error page", metadata: ["error": "\(error)"])
        }
        return page.reply()
    }
}
