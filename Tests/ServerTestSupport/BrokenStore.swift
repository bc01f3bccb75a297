// SPDX-License-Identifier: Apache-2.0

package import PBT

/// A store that fails at whatever it is asked.
package struct BrokenStore: Store {
    private let error: any Error

    package init(_ error: any Error) {
        self.error = error
    }

    package func create(_ experiment: Experiment) async throws -> ExperimentRecord { throw error }
    package func experiments() async throws -> [ExperimentRecord] { throw error }
    package func record(of name: String) async throws -> ExperimentRecord { throw error }
    package func edit(_ experiment: Experiment) async throws { throw error }
    package func intervals(of name: String) async throws -> [Interval] { throw error }
    package func interval(_ id: IntervalID, of name: String) async throws -> Interval { throw error }
    package func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims { throw error }
    package func renew(_ lease: Lease, for term: Duration) async throws -> Lease { throw error }
    package func report(_ lease: Lease, _ metrics: [String: Value]) async throws { throw error }
    package func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished { throw error }
    package func release(_ lease: Lease, because reason: String) async throws { throw error }
    package func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID] {
        throw error
    }
    package func push(_ hyperparameters: Hyperparameters, to name: String) async throws -> Interval { throw error }
    package func pause(_ name: String) async throws { throw error }
    package func resume(_ name: String) async throws { throw error }
    package func stop(_ name: String, because reason: String) async throws { throw error }
    package func remove(_ name: String) async throws { throw error }
    package func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) async throws { throw error }
    package func garbage(of name: String) async throws -> [String] { throw error }
    package func collected(_ checkpoints: [String], of name: String) async throws { throw error }
    package func events(of name: String?, after last: Int64?, limit: Int) async throws -> [Event] { throw error }
    package func waitForEvents(after last: Int64, for time: Duration) async throws { throw error }
    package func lastEvent() async throws -> Int64 { throw error }
    package func openIntervals(of name: String) async throws -> Int { throw error }
}
