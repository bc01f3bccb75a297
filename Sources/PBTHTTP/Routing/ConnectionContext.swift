// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
package import NIOCore

/// The connection of a request.
package struct ConnectionContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The client's address; empty when it is not an IP address.
    package let address: String
    /// The channel of the connection.
    package let channel: any Channel

    package init(source: Source) {
        coreContext = .init(source: source)
        channel = source.channel
        address = source.channel.remoteAddress.flatMap(\.ipAddress) ?? ""
    }
}
