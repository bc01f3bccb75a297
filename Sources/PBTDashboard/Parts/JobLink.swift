// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

extension ExperimentContext {
    /// Returns a link to an interval, with the id of its job as its text; a dash for none.
    func jobLink(_ id: IntervalID?) -> HTML {
        guard let id else { return HTML("–") }
        let job = history.genealogy[id]?.jobID ?? id.description
        return tag("a", ["href": Links.member(id.member, of: name, interval: id.index)]) {
            Formatting.name(job, width: 24)
        }
    }
}
