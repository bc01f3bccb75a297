// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import PBT
import PBTHTTP
import PBTServer
import PBTAPI
import PBTReport

/// Asks whether something is to be done to an experiment, then does it.
///
/// Two steps, and no link does anything by itself: what a page shows must not be one click from being lost.
struct ControlPage {
    /// What can be done.
    enum Verb: String, CaseIterable {
        case pause, resume, stop, push

        /// What an experiment's state allows.
        static func those(for record: ExperimentRecord) -> [Verb] {
            switch record.state {
            case .running: [.pause, .push, .stop]
            case .paused: [.resume, .push, .stop]
            case .failed: [.resume]
            case .finished: []
            }
        }

        /// What happens then.
        var words: String {
            switch self {
            case .pause: "What is being trained goes on; nothing new begins until it is resumed."
            case .resume: "Workers may take its intervals again."
            case .stop: "It ends for good and cannot be resumed. What is being trained is lost."
            case .push: "Queues hyperparameters by hand. What is left empty stays as it is sampled."
            }
        }
    }

    let request: PageRequest

    /// The page that asks.
    func ask() async throws -> Reply {
        let verb = try verb()
        await request.dashboard.snapshots.forget(request.call.experiment)
        let snapshot = try await request.dashboard.snapshots.snapshot(of: request.call.experiment)
        return page(verb, snapshot, problem: nil)
    }

    /// Does what the form says.
    func act() async throws -> Reply {
        let verb = try verb()
        let form = try await Form(request.call)
        try form.checkToken(of: request)
        let (name, store) = (request.call.experiment, request.server.store)
        let snapshot = try await request.dashboard.snapshots.snapshot(of: name)
        do {
            switch verb {
            case .pause: try await store.pause(name)
            case .resume: try await store.resume(name)
            case .stop:
                let reason = form["reason"] ?? ""
                try await store.stop(
                    name, because: reason.isEmpty ? "it was stopped by hand" : String(reason.prefix(500)))
            case .push: _ = try await store.push(hyperparameters(form, snapshot.experiment), to: name)
            }
        } catch let error as PBTError where error.code == .wrongState || error.code == .badValue {
            var reply = page(verb, snapshot, problem: error.message)
            reply.status = error.code == .badValue ? .unprocessableContent : .conflict
            return reply
        }
        await request.dashboard.snapshots.forget(name)
        request.server.logger.info(
            "done from the dashboard",
            metadata: ["what": "\(verb.rawValue)", "experiment": "\(name)", "by": "\(request.call.caller.name ?? "-")"])
        return .seeOther(Links.experiment(name))
    }

    private func verb() throws -> Verb {
        guard let verb = Verb(rawValue: request.call["verb"]) else {
            throw Problem(404, "noSuchPath", "there is nothing of that name that can be done")
        }
        guard request.dashboard.settings.allowsControl else {
            throw PBTError(
                .forbidden,
                "this dashboard only shows; serve with --allow-control, or use the command: "
                    + request.command(verb.rawValue, request.call.experiment))
        }
        guard request.mayControl else {
            throw PBTError(
                .forbidden,
                "the token \"\(request.call.caller.name ?? "")\" is for \(request.call.caller.scope.rawValue); this needs admin: "
                    + "pbt token create NAME --scope admin")
        }
        return verb
    }

    /// The hyperparameters that were filled in: JSON where it is JSON, else text.
    private func hyperparameters(_ form: Form, _ experiment: Experiment) -> Hyperparameters {
        var values: [String: Value] = [:]
        for name in experiment.space.names {
            guard let text = form["h.\(name)"], !text.isEmpty else { continue }
            do {
                values[name] = try Value(json: Array(text.utf8))
            } catch {
                // A word: the store says whether it is one of the choices.
                values[name] = .string(text)
            }
        }
        return Hyperparameters(values)
    }

    private func page(_ verb: Verb, _ snapshot: Snapshot, problem: String?) -> Reply {
        let name = snapshot.name
        var layout = Layout(
            title: "\(verb.rawValue) \(PlainText.middle(PlainText.line(name), width: 40)) · pbt", request: request,
            experiment: (snapshot, nil))
        layout.hasForm = true
        let isPossible = Verb.those(for: snapshot.record).contains(verb)
        return layout.reply {
            tag("section", ["class": "card narrow"]) {
                tag("h2") {
                    "\(verb.rawValue.withCapital) "
                    Formatting.name(name)
                    "?"
                }
                if let problem { tag("p", ["class": "banner bad", "role": "alert"]) { PlainText.line(problem) } }
                if isPossible {
                    tag("p") { verb.words }
                    tag("form", ["method": "post", "action": Links.experiment(name, "control/\(verb.rawValue)")]) {
                        void("input", ["type": "hidden", "name": "form_token", "value": request.formToken])
                        fields(verb, snapshot.experiment)
                        tag("p") {
                            tag("button", ["type": "submit"]) { "\(verb.rawValue) it" }
                            " "
                            tag("a", ["href": Links.experiment(name)]) { "leave it as it is" }
                        }
                    }
                } else {
                    tag("p") {
                        "It is \(snapshot.record.state.rawValue), so there is nothing to \(verb.rawValue). "
                        tag("a", ["href": Links.experiment(name)]) { "Back" }
                    }
                }
            }
        }
    }

    private func fields(_ verb: Verb, _ experiment: Experiment) -> HTML {
        switch verb {
        case .stop:
            tag("p", ["class": "fields"]) {
                tag("label", ["for": "reason"]) { "Reason" }
                void(
                    "input",
                    ["id": "reason", "name": "reason", "maxlength": "500", "placeholder": "it was stopped by hand"])
            }
        case .push:
            tag("div", ["class": "fields"]) {
                for (place, name) in experiment.space.names.enumerated() {
                    tag("label", ["for": "h\(place)"]) { Formatting.name(name) }
                    void("input", ["id": "h\(place)", "name": "h.\(name)", "autocomplete": "off"])
                }
            }
        case .pause, .resume: .nothing
        }
    }
}
