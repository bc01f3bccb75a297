// SPDX-License-Identifier: Apache-2.0

/// The precondition of a write: HTTP's `If-Match` and `If-None-Match`.
package enum SchedyCondition: Sendable, Hashable {
    /// No precondition.
    case none
    /// The job exists.
    case exists
    /// The job does not exist.
    case isNew
    /// The job exists in one of these versions.
    case version([String])

    /// Checks the precondition against a job; nil for one that does not exist.
    ///
    /// - Throws: A ``SchedyFailure`` with status 412.
    func check(_ job: SchedyJob?, _ id: String) throws(SchedyFailure) {
        switch (self, job) {
        case (.none, _), (.exists, .some), (.isNew, nil): return
        case (.isNew, .some): throw SchedyFailure(412, "job \"\(id.prefix(80))\" already exists")
        case (.exists, nil), (.version, nil): throw SchedyFailure(412, "job \"\(id.prefix(80))\" does not exist")
        case (.version(let tags), .some(let job)):
            guard tags.contains(job.tag) else {
                throw SchedyFailure(
                    412, "job \"\(id.prefix(60))\" was changed in the meantime: it is now \(job.status.rawValue)")
            }
        }
    }
}
