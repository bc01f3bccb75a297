// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import Logging
import PBT
import PBTAPI

/// Pages for people: made here, complete without a script, and live where there is one.
///
/// Beside the API rather than a client of it: it reads the store once for all who look.
final class Dashboard: Sendable {
    /// What all endpoints share.
    let site: Site
    /// How it behaves.
    let settings: DashboardConfiguration
    let snapshots: Snapshots
    let sessions = Sessions()
    let followers = Followers()
    let leases: LeaseWatch
    /// What forms carry where nobody signs in.
    let formToken = Sessions.secret()

    init(site: Site, settings: DashboardConfiguration) {
        self.site = site
        self.settings = settings
        leases = LeaseWatch(store: site.store, clock: site.configuration.clock)
        snapshots = Snapshots(store: site.store, clock: site.configuration.clock, rest: settings.rest)
    }

    /// Tells the pages that follow that this server goes for good, and waits until each has shown how it all ended.
    ///
    /// - Parameter time: How long it waits at most.
    func bidFarewell(within time: Duration) async {
        await snapshots.forget()
        await followers.bidFarewell(within: time, waking: site.feed.wakeAll)
    }

    /// Its paths, for finding and for counting; who may is decided by ``respond(_:address:)``.
    static let table = RouteTable(
        pages.map { page in
            Endpoint(method: page.method, path: page.path, scope: nil, summary: "", answers: []) { _ in
                preconditionFailure("pages are answered by the dashboard")
            }
        })

    /// A page: where it is and what makes it.
    struct Page: Sendable {
        var method: HTTPRequest.Method = .get
        var path: String
        var make: @Sendable (Visit) async throws -> Reply
    }

    static let pages: [Page] =
        [
            Page(path: "/") { try await RunsPage(visit: $0).reply() },
            Page(path: "/live") { try $0.bell(of: nil) },
            Page(path: "/compare") { try await ComparePage(visit: $0).reply() },
            Page(path: "/e/{experiment}") { try await OverviewPage(experiment: $0.open(.overview)).reply() },
            Page(path: "/e/{experiment}/members") { try await MembersPage(experiment: $0.open(.members)).reply() },
            Page(path: "/e/{experiment}/m/{member}") {
                try await MemberPage(experiment: $0.open(.members), member: $0.member()).reply()
            },
            Page(path: "/e/{experiment}/lineage") { try await LineagePage(experiment: $0.open(.lineage)).reply() },
            Page(path: "/e/{experiment}/events") { try await EventsPage(experiment: $0.open(.events)).reply() },
            Page(path: "/e/{experiment}/workers") { try await WorkersPage(experiment: $0.open(.workers)).reply() },
            Page(path: "/e/{experiment}/live") { try $0.bell(of: $0.call.experiment) },
            Page(path: "/e/{experiment}/charts/{chart}") { try await $0.chart() },
            Page(path: "/e/{experiment}/members.csv") { try await $0.members(as: .csv) },
            Page(path: "/e/{experiment}/members.json") { try await $0.members(as: .json) },
            Page(path: "/e/{experiment}/control/{verb}") { try await ControlPage(visit: $0).ask() },
            Page(method: .post, path: "/e/{experiment}/control/{verb}") { try await ControlPage(visit: $0).act() },
            Page(method: .post, path: "/sign-out") { try await $0.dashboard.signOut($0) },
        ] + open

    /// What needs no one to have signed in; answered before it is asked who visits.
    private static let open = [
        Page(path: "/sign-in") { $0.dashboard.signInPage($0.call) },
        Page(method: .post, path: "/sign-in") { $0.dashboard.signInPage($0.call) },
        Page(path: "/app.css") { Assets.style.reply($0.call) },
        Page(path: "/app.js") { Assets.script.reply($0.call) },
        Page(path: "/icon.svg") { Assets.icon.reply($0.call) },
    ]

    private static let makers = Dictionary(
        uniqueKeysWithValues: pages.map { ("\($0.method.rawValue) \($0.path)", $0.make) })

    /// Whether a path that is none of the API's is answered with a page: one that there is, unless only JSON is asked
    /// for, or any, when a browser asks.
    static func answers(_ request: Request, _ match: RouteTable.Match) -> Bool {
        let accept = request.headers[.accept] ?? ""
        if accept.contains("text/html") { return true }
        guard case .found(let endpoint, _) = match else { return false }
        return endpoint.path != "/" || !accept.contains("json")
    }

    /// Answers a request for a page that there is.
    ///
    /// - Throws: A ``Problem`` or a `PBTError`; see ``errorPage(_:_:)``.
    func respond(_ call: Call, _ endpoint: Endpoint, address: String) async throws -> Reply {
        if endpoint.path == "/sign-in", endpoint.method == .post { return try await signIn(call, address: address) }
        let method = endpoint.method.rawValue
        guard let make = Self.makers["\(method) \(endpoint.path)"] else {
            throw Problem(404, "noSuchPath", "there is no such page")
        }
        if Self.open.contains(where: { $0.path == endpoint.path }) {
            return try await make(Visit(call: call, dashboard: self, session: nil))
        }
        guard let visit = try await admit(call, address: address) else {
            guard endpoint.method == .get, !endpoint.path.hasSuffix("/live") else {
                throw PBTError(.unauthorized, "you are not signed in any more; sign in again")
            }
            let path = call.request.uri.string
            return .seeOther(path == "/" ? "/sign-in" : "/sign-in?next=\(PathSegment.encode(path))")
        }
        try site.limit?.count(visit.call.caller.name ?? address)
        return try await make(visit)
    }

    /// A problem as a page; one that something is missing lists the experiments that there are.
    func errorPage(_ problem: Problem, _ call: Call, address: String) async -> Reply {
        var page = ErrorPage(problem: problem, visit: nil, records: [])
        // Who may not look learns nothing.
        do {
            page.visit = try await admit(call, address: address)
            if page.visit != nil, problem.status == 404 { page.records = try await site.store.experiments() }
        } catch {
            // The page says what the first problem is.
            site.logger.debug("no list beside a problem", metadata: ["error": "\(error)"])
        }
        return page.reply()
    }
}
