// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBTHTTP
import PBTReport

/// The page with the form for a token.
struct SignInPage {
    /// The path to redirect to after signing in.
    let next: String
    /// The error of the last attempt; none before the first.
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
                    tag("p") { tag("button", ["type": "submit"]) { "Sign in" } }
                }
                tag("p", ["class": "note"]) {
                    "The operator of the server creates tokens: "
                    tag("code", ["class": "command"]) { "pbt token create NAME --scope read" }
                    ". The browser does not store the token; a session ends after 12 hours, or when the server restarts."
                }
            }
        }
    }
}
