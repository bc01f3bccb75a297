// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTHTTP
import PBTServer
import PBTAPI
import PBTReport

/// The page of an error.
struct ErrorPage {
    let problem: Problem
    /// The authenticated request; none for a caller who is not known.
    var request: PageRequest?
    /// The experiments of the store, listed when the requested one does not exist.
    var records: [ExperimentRecord]

    func reply() -> Reply {
        var layout = Layout(title: "\(problem.status) · pbt")
        // A fragment would hide the error.
        layout.request = request?.isFragment == true ? nil : request
        var reply = layout.reply(HTTPResponse.Status(code: problem.status)) {
            tag("section", ["class": "card wide"]) {
                tag("h1") { heading }
                tag("p") { PlainText.line(String(problem.detail.prefix(2000))) }
                if problem.status == 503 || problem.status == 500 {
                    tag("p") {
                        "No results are lost: they are in the store. Reload this page when the server is available again."
                    }
                }
                if problem.status == 401 { tag("p") { tag("a", ["href": "/sign-in"]) { "Sign in" } } }
                tag("p") { tag("a", ["href": "/"]) { "All experiments" } }
            }
            if let request, !records.isEmpty {
                RunsTable(records: records.reversed(), request: request, isSelectable: false).html
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
        case 400: "Invalid URL"
        case 401: "Authentication required"
        case 403: "Forbidden"
        case 404: "Not found"
        case 503: "Store unavailable"
        default: "Error \(problem.status)"
        }
    }
}
