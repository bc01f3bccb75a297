// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBTHTTP
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
