// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import PBT
import PBTHTTP
import PBTServer
import PBTAPI
import PBTReport

/// The page that confirms and performs an action on an experiment.
///
/// In two steps, so that no single click on a link changes anything.
struct ControlPage {
    let request: PageRequest

    /// Returns the page that asks for confirmation.
    func confirm() async throws -> Reply {
        let action = try action()
        await request.dashboard.snapshots.forget(request.call.experiment)
        let snapshot = try await request.dashboard.snapshots.snapshot(of: request.call.experiment)
        let jobs = request.values("job")
        var problem: String?
        if action == .deleteJobs {
            do {
                try check(jobs, of: snapshot)
            } catch let error as PBTError where error.code == .badValue {
                problem = error.message
            }
        }
        return page(action, snapshot, jobs: jobs, problem: problem)
    }

    /// Performs the action with the values of the form.
    func perform() async throws -> Reply {
        let action = try action()
        let form = try await Form(request.call)
        try form.checkToken(of: request)
        let (name, store) = (request.call.experiment, request.server.store)
        let snapshot = try await request.dashboard.snapshots.snapshot(of: name)
        let jobs = form.values("job")
        do {
            switch action {
            case .pause: try await store.pause(name)
            case .resume: try await store.resume(name)
            case .stop:
                let reason = form["reason"] ?? ""
                try await store.stop(
                    name, because: reason.isEmpty ? "stopped manually" : String(reason.prefix(500)))
            case .push: _ = try await store.push(hyperparameters(form, snapshot.experiment), to: name)
            case .delete: try await deleteFamily(of: name)
            case .deleteJobs: try await deleteJobs(jobs, of: snapshot)
            }
        } catch let error as PBTError where error.code == .wrongState || error.code == .badValue {
            var reply = page(action, snapshot, jobs: jobs, problem: error.message)
            reply.status = error.code == .badValue ? .unprocessableContent : .conflict
            return reply
        }
        await request.dashboard.snapshots.forget(name)
        log(action, name, jobs)
        switch action {
        case .delete: return .seeOther("/")
        case .deleteJobs: return .seeOther(Links.experiment(name, "members?rows=intervals"))
        default: return .seeOther(Links.experiment(name))
        }
    }

    /// Logs what was done by whom; deletions leave no event.
    private func log(_ action: ControlAction, _ name: String, _ jobs: [String]) {
        var metadata: Logger.Metadata = [
            "action": "\(action.rawValue)", "experiment": "\(name)", "by": "\(request.call.caller.name ?? "-")",
        ]
        if action == .deleteJobs { metadata["jobs"] = "\(jobs.map { PlainText.line($0) }.joined(separator: " "))" }
        request.server.logger.notice("action from the dashboard", metadata: metadata)
    }

    private func action() throws -> ControlAction {
        guard let action = ControlAction(rawValue: request.call["action"]) else {
            throw Problem(
                404, "noSuchPath",
                "there is no such action; the actions are \(ControlAction.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        guard request.dashboard.settings.allowsControl else {
            throw PBTError(
                .forbidden,
                "this dashboard is read-only; serve with --allow-control, or use "
                    + (action == .deleteJobs
                        ? "Schedy's client"
                        : "the command: "
                            + request.command(action == .delete ? "rm" : action.rawValue, request.call.experiment)))
        }
        guard request.mayControl else {
            throw PBTError(
                .forbidden,
                "the token \"\(request.call.caller.name ?? "")\" has the scope \(request.call.caller.scope.rawValue); this requires admin: "
                    + "pbt token create NAME --scope admin")
        }
        return action
    }

    /// Returns the hyperparameters of the fields that are not empty: as JSON if they are valid JSON, else as strings.
    private func hyperparameters(_ form: Form, _ experiment: Experiment) -> Hyperparameters {
        var values: [String: Value] = [:]
        for name in experiment.space.definedNames {
            guard let text = form["h.\(name)"], !text.isEmpty else { continue }
            do {
                values[name] = try Value(json: Array(text.utf8))
            } catch {
                // A string: the store checks whether it is one of the choices.
                values[name] = .string(text)
            }
        }
        return Hyperparameters(values)
    }

    private func page(_ action: ControlAction, _ snapshot: Snapshot, jobs: [String], problem: String?) -> Reply {
        let name = snapshot.name
        var layout = Layout(
            title: "\(action.words) \(PlainText.middle(PlainText.line(name), width: 40)) · pbt", request: request,
            experiment: (snapshot, nil))
        layout.hasForm = true
        let isPossible =
            action == .deleteJobs
            ? request.dashboard.deletesJobs(of: snapshot.record) && !jobs.isEmpty
            : ControlAction.available(for: snapshot.record).contains(action)
        return layout.reply {
            tag("section", ["class": "card narrow"]) {
                tag("h2") {
                    "\(action.words.withCapital) "
                    Formatting.name(name)
                    "?"
                }
                if let problem { tag("p", ["class": "banner bad", "role": "alert"]) { PlainText.line(problem) } }
                if isPossible {
                    tag("p") { action.consequences }
                    tag("form", ["method": "post", "action": Links.experiment(name, "control/\(action.rawValue)")]) {
                        void("input", ["type": "hidden", "name": "form_token", "value": request.formToken])
                        if action == .deleteJobs { selection(jobs, of: snapshot) }
                        fields(action, snapshot.experiment)
                        tag("p") {
                            tag("button", ["type": "submit", "class": action.isDangerous ? "danger" : nil]) {
                                (action == .deleteJobs ? "delete" : action.rawValue).withCapital
                            }
                            " "
                            tag("a", ["href": Links.experiment(name)]) { "Cancel" }
                        }
                    }
                } else {
                    tag("p") {
                        if action != .deleteJobs {
                            "The experiment is \(snapshot.record.state.rawValue); cannot \(action.rawValue). "
                        }
                        tag("a", ["href": Links.experiment(name)]) { "Back" }
                    }
                }
            }
        }
    }

    private func fields(_ action: ControlAction, _ experiment: Experiment) -> HTML {
        switch action {
        case .stop:
            tag("p", ["class": "fields"]) {
                tag("label", ["for": "reason"]) { "Reason" }
                void(
                    "input",
                    ["id": "reason", "name": "reason", "maxlength": "500", "placeholder": "stopped manually"])
            }
        case .push:
            tag("div", ["class": "fields"]) {
                for (place, name) in experiment.space.definedNames.enumerated() {
                    tag("label", ["for": "h\(place)"]) { Formatting.name(name) }
                    void("input", ["id": "h\(place)", "name": "h.\(name)", "autocomplete": "off"])
                }
            }
        case .pause, .resume, .delete, .deleteJobs: .nothing
        }
    }
}
