// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTServer

/// The state that all pages share.
final class DashboardContext: Sendable {
    /// The state of the server.
    let server: ServerContext
    /// The dashboard's behavior.
    let settings: DashboardConfiguration
    /// Deletes a job of a client; none where jobs cannot be deleted.
    let deleteJob: JobDeletion?
    let snapshots: Snapshots
    let summaries: Summaries
    let sessions = Sessions()
    let connections = LiveConnections()
    let leases: LeaseWatch
    /// The secret in forms on servers that require no token.
    let formToken = Sessions.secret()

    init(server: ServerContext, settings: DashboardConfiguration, deleteJob: JobDeletion?) {
        self.deleteJob = deleteJob
        self.server = server
        self.settings = settings
        leases = LeaseWatch(store: server.store, clock: server.configuration.clock)
        snapshots = Snapshots(store: server.store, clock: server.configuration.clock, rest: settings.rest)
        summaries = Summaries(store: server.store, snapshots: snapshots)
    }

    /// Returns whether the jobs of an experiment can be deleted: those of Schedy's clients.
    func deletesJobs(of record: ExperimentRecord) -> Bool {
        deleteJob != nil && record.isFromSchedy
    }
}
