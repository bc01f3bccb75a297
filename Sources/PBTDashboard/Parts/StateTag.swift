// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

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
