// SPDX-License-Identifier: Apache-2.0

import PBT

/// A store that fails at whatever it is asked.
struct BrokenStore: Store {
    private let error: any Error

    init(_ error: any Error) {
        self.error = error
    }

    func create(_ experiment: Experiment) async throws -> ExperimentRecord { throw error }
    func experiments() async throws -> [ExperimentRecord] { throw error }
    func record(of name: String) async throws -> ExperimentRecord { throw error }
    func edit(_ experiment: Experiment) async throws { throw error }
    func intervals(of name: String) async throws -> [Interval] { throw error }
    func interval(_ id: IntervalID, of name: String) async throws -> Interval { throw error }
    func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims { throw error }
    func renew(_ lease: Lease, for term: Duration) async throws -> Lease { throw error }
    func report(_ lease: Lease, _ metrics: [String: Value]) async throws { throw error }
    func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished { throw error }
    func release(_ lease: Lease, because reason: String) async throws { throw error }
    func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID] { throw error }
    func push(_ hyperparameters: Hyperparameters, to name: String) async throws -> Interval { throw error }
    func pause(_ name: String) async throws { throw error }
    func resume(_ name: String) async throws { throw error }
    func stop(_ name: String, because reason: String) async throws { throw error }
    func remove(_ name: String) async throws { throw error }
    func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) async throws { throw error }
    func garbage(of name: String) async throws -> [String] { throw error }
    func collected(_ checkpoints: [String], of name: String) async throws { throw error }
    func events(of name: String?, after last: Int64?, limit: Int) async throws -> [Event] { throw error }
    func waitForEvents(after last: Int64, for time: Duration) async throws { throw error }
    func lastEvent() async throws -> Int64 { throw error }
    func openIntervals(of name: String) async throws -> Int { throw error }
}
