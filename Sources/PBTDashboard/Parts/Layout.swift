// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTHTTP
import PBTServer
import PBTAPI
import PBTReport

/// The frame of all pages: head, header, footer, and help.
struct Layout {
    /// The pages of an experiment.
    enum Tab: String, CaseIterable {
        case overview = ""
        case members, lineage, events, workers

        var label: String { (self == .overview ? "overview" : rawValue).withCapital }
    }

    /// The title of the browser's tab.
    var title: String
    /// The authenticated request; none for a caller who is not known.
    var request: PageRequest?
    /// The experiment, and the current page of it.
    var experiment: (snapshot: Snapshot, tab: Tab?)?
    /// The path of the event stream for live updates; none for a static page.
    var live: String?
    /// The data for the script: the revision, the lineage pieces with their parents, and the text for screen readers.
    var facts: HTML = .nothing
    /// A Boolean value indicating whether the page has a form that is posted.
    var hasForm = false

    /// The content security policy: pages use resources of this server only.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    /// Returns the page, or for a request of the script its blocks only.
    func reply(_ status: HTTPResponse.Status = .ok, @HTMLBuilder _ content: () throws -> HTML) rethrows -> Reply {
        let page = try request?.isFragment == true ? fragment(content) : document(content)
        return Reply.bytes(Array(page.markup.utf8), type: "text/html; charset=utf-8", status)
            .with(.contentSecurityPolicy, Self.policy)
            // Required for the browser to send the origin of a form.
            .with(.referrerPolicy, hasForm ? "same-origin" : "no-referrer")
    }

    /// Returns the blocks that the script replaces.
    private func fragment(@HTMLBuilder _ content: () throws -> HTML) rethrows -> HTML {
        try tag("div", [:]) {
            facts
            state
            try content()
        }
    }

    private func document(@HTMLBuilder _ content: () throws -> HTML) rethrows -> HTML {
        try .document {
            tag("head") {
                void("meta", ["charset": "utf-8"])
                void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                void("meta", ["name": "color-scheme", "content": "light dark"])
                tag("title") { title }
                void("link", ["rel": "stylesheet", "href": Assets.style.path])
                void("link", ["rel": "icon", "href": Assets.icon.path])
                tag("script", ["src": Assets.script.path]) {}
            }
            try tag("body") {
                tag("a", ["class": "skip", "href": "#main"]) { "Skip to content" }
                header
                facts
                try tag("main", ["id": "main", "tabindex": "-1", "data-live": live, "data-w": width]) {
                    shutdownNotice
                    try content()
                }
                footer
                if request != nil { help }
                tag("p", ["id": "said", "class": "unseen", "role": "status", "aria-live": "polite"]) {}
            }
        }
    }

    private var width: String? {
        request?.call.query["w"]
    }

    private var header: HTML {
        tag("header") {
            tag("a", ["class": "brand", "href": "/"]) { "pbt" }
            if let (snapshot, _) = experiment {
                tag("h1") {
                    tag("a", ["href": Links.experiment(snapshot.name)]) { Formatting.name(snapshot.name, width: 40) }
                }
                tag("nav", ["aria-label": "experiment"]) { tabs }
            }
            state
            tag("span", ["class": "space"]) {}
            if live != nil {
                tag("span", ["id": "link", "hidden": "", "data-lost": lost]) {}
            }
            tag("button", ["id": "theme", "type": "button", "hidden": ""]) { "theme" }
            tag("button", ["id": "keys", "type": "button", "hidden": "", "aria-label": "keyboard shortcuts"]) { "?" }
            if let session = request?.session { signOut(session) }
        }
    }

    /// The status while the server does not respond; a background page of a run may have missed its shutdown.
    private var lost: String { afterwards == nil ? "○ reconnecting" : "○ no response; has the run ended?" }

    private var afterwards: String? { request?.dashboard.settings.afterwards }

    /// The notice after the run that the server belonged to.
    private var shutdownNotice: HTML {
        guard live != nil, let afterwards else { return .nothing }
        return tag("p", ["id": "gone", "class": "banner", "role": "status", "hidden": ""]) {
            "The run has ended and its server has shut down. This page shows the final state; to view the others, run "
            tag("code", ["class": "command"]) { afterwards }
        }
    }

    private var tabs: HTML {
        guard let (snapshot, current) = experiment else { return .nothing }
        let links = Tab.allCases.map { tab in
            tag(
                "a",
                [
                    "href": Links.experiment(snapshot.name, tab.rawValue),
                    "aria-current": tab == current ? "page" : nil,
                ]
            ) { tab.label }
        }
        return HTMLBuilder.buildArray(links)
            + tag("a", ["href": "/compare?runs=\(PathSegment.encode(snapshot.name))"]) { "Compare" }
    }

    /// The experiment's state, which may change while the page is open.
    private var state: HTML {
        tag("span", ["id": "live-tag"]) {
            if let (snapshot, _) = experiment { StateTag.experiment(snapshot.record.state) }
        }
    }

    private func signOut(_ session: Session) -> HTML {
        tag("form", ["method": "post", "action": "/sign-out", "class": "out"]) {
            void("input", ["type": "hidden", "name": "form_token", "value": session.formToken])
            tag("button", ["type": "submit", "title": session.caller.name]) { "Sign out" }
        }
    }

    private var footer: HTML {
        tag("footer") {
            if let (snapshot, _) = experiment {
                tag("span", ["id": "live-time"]) {
                    "as of "
                    tag("time", ["datetime": "\(snapshot.time)", "title": "\(snapshot.time)"]) {
                        "\(Formatting.clock(snapshot.time)) UTC"
                    }
                }
            }
            if let request {
                tag("span") { "pbt \(request.server.configuration.version)" }
                tag("span") { request.mayControl ? "read-write" : "read-only" }
            }
        }
    }

    /// The keyboard shortcuts of the script.
    private var help: HTML {
        tag("dialog", ["id": "help", "aria-label": "keyboard shortcuts"]) {
            table([]) {
                for (key, action) in Self.keys {
                    tag("tr") {
                        tag("td") { tag("kbd") { key } }
                        tag("td") { action }
                    }
                }
            }
            tag("form", ["method": "dialog"]) { tag("button", [:]) { "Close" } }
        }
    }

    private static let keys = [
        ("j k", "next, previous row"), ("Enter", "open selected row"), ("b", "pin the best"), ("p", "pin the parent"),
        ("c", "pin a second one to compare"), ("l", "lineage"), ("/", "filter"), ("1 – 5", "pages"),
        ("space", "pause/resume live updates"), ("t", "theme"), ("Esc", "clear pins"),
    ]
}
