// SPDX-License-Identifier: Apache-2.0

import PBTServer
import HTTPTypes
import PBT
import PBTHTTP

/// A page of the dashboard: its path, and the function that renders it.
struct Page: Routable {
    var method: HTTPRequest.Method = .get
    var path: String
    /// A Boolean value indicating whether a browser must have signed in, on a server that requires tokens.
    var needsSession = true
    /// Renders the page, or performs the action that a form asks for.
    var make: @Sendable (PageRequest) async throws -> Reply
}

extension Page {
    /// The router of all pages.
    static let router = Router<Page>([
        Page(path: "/") { try await RunsPage(request: $0).reply() },
        Page(path: "/live") { try $0.changes() },
        Page(path: "/compare") { try await ComparePage(request: $0).reply() },
        Page(path: "/e/{experiment}") { try await OverviewPage(experiment: $0.loadExperiment(.overview)).reply() },
        Page(path: "/e/{experiment}/members") {
            try await MembersPage(experiment: $0.loadExperiment(.members)).reply()
        },
        Page(path: "/e/{experiment}/m/{member}") {
            try await MemberPage(experiment: $0.loadExperiment(.members), member: $0.member()).reply()
        },
        Page(path: "/e/{experiment}/lineage") {
            try await LineagePage(experiment: $0.loadExperiment(.lineage)).reply()
        },
        Page(path: "/e/{experiment}/events") { try await EventsPage(experiment: $0.loadExperiment(.events)).reply() },
        Page(path: "/e/{experiment}/workers") {
            try await WorkersPage(experiment: $0.loadExperiment(.workers)).reply()
        },
        Page(path: "/e/{experiment}/live") { try $0.changes(of: $0.call.experiment) },
        Page(path: "/e/{experiment}/charts/{chart}") { try await $0.chart() },
        Page(path: "/e/{experiment}/members.csv") { try await $0.members(as: .csv) },
        Page(path: "/e/{experiment}/members.json") { try await $0.members(as: .json) },
        Page(path: "/e/{experiment}/control/{action}") { try await ControlPage(request: $0).confirm() },
        Page(method: .post, path: "/e/{experiment}/control/{action}") { try await ControlPage(request: $0).perform() },
        Page(method: .post, path: "/sign-out") { try await $0.signOut() },
        Page(path: "/sign-in", needsSession: false) { $0.signInPage() },
        Page(method: .post, path: "/sign-in", needsSession: false) { try await $0.signIn() },
        Page(path: "/app.css", needsSession: false) { Assets.style.reply($0.call) },
        Page(path: "/app.js", needsSession: false) { Assets.script.reply($0.call) },
        Page(path: "/icon.svg", needsSession: false) { Assets.icon.reply($0.call) },
    ])
}
