// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTHTTP
import PBTServer
import PBTAPI
import PBTReport

/// What all pages have around what they say.
struct Layout {
    /// The pages of an experiment.
    enum Tab: String, CaseIterable {
        case overview = ""
        case members, lineage, events, workers

        var words: String { (self == .overview ? "overview" : rawValue).withCapital }
    }

    /// What stands in the browser's tab.
    var title: String
    /// Who visits; none for someone who is not known yet.
    var request: PageRequest?
    /// The experiment, and which of its pages this is.
    var experiment: (snapshot: Snapshot, tab: Tab?)?
    /// The stream that says when the page is out of date; none for a page that never is.
    var live: String?
    /// What the script reads: the revision that is shown, pieces and their parents, what to say aloud.
    var facts: HTML = .nothing
    /// Whether the page has a form that is posted.
    var hasForm = false

    /// What a page may do: nothing but what this server gives it.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    /// The page.
    func reply(_ status: HTTPResponse.Status = .ok, @HTMLBuilder _ content: () throws -> HTML) rethrows -> Reply {
        let page = try request?.isFragment == true ? fragment(content) : document(content)
        return Reply.bytes(Array(page.markup.utf8), type: "text/html; charset=utf-8", status)
            .with(.contentSecurityPolicy, Self.policy)
            // A form that is posted says where it comes from by this only.
            .with(.referrerPolicy, hasForm ? "same-origin" : "no-referrer")
    }

    /// What the script swaps: the blocks that may have changed.
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
                tag("a", ["class": "skip", "href": "#main"]) { "Skip to the content" }
                header
                facts
                try tag("main", ["id": "main", "tabindex": "-1", "data-live": live, "data-w": width]) {
                    farewell
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
                tag("nav", ["aria-label": "pages of the experiment"]) { tabs }
            }
            state
            tag("span", ["class": "space"]) {}
            if live != nil {
                tag("span", ["id": "link", "hidden": "", "data-lost": lost]) {}
            }
            tag("button", ["id": "theme", "type": "button", "hidden": ""]) { "theme" }
            tag("button", ["id": "keys", "type": "button", "hidden": "", "aria-label": "keys"]) { "?" }
            if let session = request?.session { signOut(session) }
        }
    }

    /// What a page says when the server does not answer; beside a run, one in the background was not told why.
    private var lost: String { afterwards == nil ? "○ reconnecting" : "○ no answer; has the run ended?" }

    private var afterwards: String? { request?.dashboard.settings.afterwards }

    /// What a page says when the run has ended that its server belonged to.
    private var farewell: HTML {
        guard live != nil, let afterwards else { return .nothing }
        return tag("p", ["id": "gone", "class": "banner", "role": "status", "hidden": ""]) {
            "The run has ended, and the server of this page with it. This page stays as it is; the others are shown by "
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
            ) { tab.words }
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
            tag("button", ["type": "submit", "title": session.caller.name]) { "sign out" }
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
                tag("span") { request.mayControl ? "may control" : "read-only" }
            }
        }
    }

    /// The keys that the script knows.
    private var help: HTML {
        tag("dialog", ["id": "help", "aria-label": "keys"]) {
            tag("table") {
                for (key, words) in Self.keys {
                    tag("tr") {
                        tag("td") { tag("kbd") { key } }
                        tag("td") { words }
                    }
                }
            }
            tag("form", ["method": "dialog"]) { tag("button", [:]) { "close" } }
        }
    }

    private static let keys = [
        ("j k", "next, previous row"), ("Enter", "open it"), ("b", "pin the best"), ("p", "pin the parent"),
        ("c", "pin a second one, to compare"), ("l", "lineage"), ("/", "filter"), ("1 – 5", "pages"),
        ("space", "freeze, go on"), ("t", "theme"), ("Esc", "clear the pins"),
    ]
}

extension HTTPField.Name {
    static let contentSecurityPolicy = Self("Content-Security-Policy") ?? .contentType
    static let referrerPolicy = Self("Referrer-Policy") ?? .contentType
}

/// Where pages are.
enum Links {
    /// A page of an experiment.
    static func experiment(_ name: String, _ rest: String = "") -> String {
        "/e/\(PathSegment.encode(name))" + (rest.isEmpty ? "" : "/\(rest)")
    }

    /// The page of a member, or of one of its intervals.
    static func member(_ member: Int, of name: String, interval: Int? = nil) -> String {
        experiment(name, "m/\(member)") + (interval.map { "?interval=\($0)" } ?? "")
    }

    /// A link to an interval, written as it is named everywhere.
    static func interval(_ id: IntervalID, of name: String) -> HTML {
        tag("a", ["href": member(id.member, of: name, interval: id.index)]) { id.description }
    }
}

/// A state as a word in a frame; the word says it, the color only helps.
enum StateTag {
    static func experiment(_ state: ExperimentRecord.State) -> HTML {
        let sign =
            switch state {
            case .running: "running"
            case .paused: "❚❚ paused"
            case .finished: "■ finished"
            case .failed: "× failed"
            }
        return tag("span", ["class": "tag \(state.rawValue)"]) { sign }
    }
}
