// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTHTTP
import PBTServer
import PBTAPI
import PBTReport

/// The form that takes a token.
struct SignInPage {
    /// Where to go then.
    let next: String
    /// Why the last attempt failed.
    let problem: String?

    func reply(_ status: HTTPResponse.Status) -> Reply {
        var layout = Layout(title: "Sign in · pbt")
        layout.hasForm = true
        return layout.reply(status) {
            tag("section", ["class": "card narrow"]) {
                tag("h1") { "Sign in" }
                if let problem { tag("p", ["class": "banner bad", "role": "alert"]) { PlainText.line(problem) } }
                tag("form", ["method": "post", "action": "/sign-in"]) {
                    void("input", ["type": "hidden", "name": "next", "value": next])
                    tag("p") {
                        tag("label", ["for": "token"]) { "Token" }
                        void(
                            "input",
                            [
                                "type": "password", "id": "token", "name": "token", "required": "", "autofocus": "",
                                "autocomplete": "current-password", "spellcheck": "false",
                            ])
                    }
                    tag("p") { tag("button", ["type": "submit"]) { "sign in" } }
                }
                tag("p", ["class": "note"]) {
                    "Who runs the server makes one: "
                    tag("code", ["class": "command"]) { "pbt token create NAME --scope read" }
                    ". The browser keeps no token: a session ends after 12 hours, or with the server."
                }
            }
        }
    }
}

/// What went wrong, and how to go on.
struct ErrorPage {
    let problem: Problem
    /// Who asked; none for someone who is not known.
    var request: PageRequest?
    /// The experiments that there are, when one that there is not was asked for.
    var records: [ExperimentRecord]

    func reply() -> Reply {
        var layout = Layout(title: "\(problem.status) · pbt")
        // A fragment would hide that something went wrong.
        layout.request = request?.isFragment == true ? nil : request
        var reply = layout.reply(HTTPResponse.Status(code: problem.status)) {
            tag("section", ["class": "card wide"]) {
                tag("h1") { heading }
                tag("p") { PlainText.line(String(problem.detail.prefix(2000))) }
                if problem.status == 503 || problem.status == 500 {
                    tag("p") {
                        "Nothing is lost by it: what was trained is in the store. Reload this page when it is back."
                    }
                }
                if problem.status == 401 { tag("p") { tag("a", ["href": "/sign-in"]) { "Sign in" } } }
                tag("p") { tag("a", ["href": "/"]) { "All experiments" } }
            }
            if let request, !records.isEmpty {
                RunsTable(records: records.reversed(), request: request, canChoose: false).html
            }
        }
        if let seconds = problem.retryAfter { reply.headers[.retryAfter] = String(seconds) }
        for (name, value) in problem.headers {
            if let name = HTTPField.Name(name) { reply.headers[name] = value }
        }
        return reply
    }

    private var heading: String {
        switch problem.status {
        case 400: "That address makes no sense"
        case 401: "Not signed in"
        case 403: "Not allowed"
        case 404: "There is no such page"
        case 503: "The store cannot be read now"
        default: "That did not work"
        }
    }
}
