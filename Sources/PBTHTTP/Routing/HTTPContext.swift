// SPDX-License-Identifier: Apache-2.0

package import Logging

/// The state that every route of a server may use: admission, limits, connections, counters.
package final class HTTPContext: Sendable {
    /// The address, and how connections are treated.
    package let configuration: HTTPConfiguration
    /// Authenticates callers.
    package let access: Access
    /// Limits the rate of requests; nil without a limit.
    package let limit: RateLimit?
    /// The open connections.
    package let connections = ConnectionTable()
    /// The metrics of requests.
    let metrics: HTTPMetrics
    /// The backend of all metrics.
    let backend: PrometheusMetrics
    /// The logger.
    package let logger: Logger

    /// Creates the state of a server that has not started.
    package init(
        _ configuration: HTTPConfiguration, access: Access, metrics backend: PrometheusMetrics, logger: Logger
    ) {
        self.backend = backend
        metrics = HTTPMetrics(backend)
        self.configuration = configuration
        self.access = access
        limit = configuration.rateLimit.map { RateLimit($0) }
        self.logger = logger
    }
}
