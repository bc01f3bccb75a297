// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A state as a word in a frame; the color only repeats what the word says.
enum StateTag {
    /// Returns the tag of an experiment's state.
    static func experiment(_ state: ExperimentRecord.State) -> HTML {
        let words =
            switch state {
            case .running: "running"
            case .paused: "❚❚ paused"
            case .finished: "■ finished"
            case .failed: "× failed"
            }
        return tag("span", ["class": "tag \(state.rawValue)"]) { words }
    }

    /// Returns the tag of a member's status.
    ///
    /// - Parameters:
    ///   - status: The status.
    ///   - title: The text of the tooltip.
    /// - Returns: The status with its mark, in the color of its severity.
    static func member(_ status: MemberStatus, title: String? = nil) -> HTML {
        tag("span", ["class": "tag \(style(status.severity))", "title": title.map { PlainText.line($0) }]) {
            status.mark.isEmpty ? status.words : "\(status.mark) \(status.words)"
        }
    }

    /// Returns the tag of an interval's state.
    static func interval(_ state: Interval.State) -> HTML {
        tag("span", ["class": "tag \(state == .done ? "finished" : "bad")"]) { state.rawValue }
    }

    private static func style(_ severity: MemberStatus.Severity) -> String {
        switch severity {
        case .quiet: "quiet"
        case .active: "running"
        case .success: "finished"
        case .warning: "warn"
        case .error: "bad"
        }
    }
}
