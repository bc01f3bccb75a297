// SPDX-License-Identifier: Apache-2.0

public import PBT

/// The configuration of a client.
public struct ClientConfiguration: Sendable {
    /// The bearer token; nil for a server that requires none.
    public var token: String?
    /// The path of a PEM file of trusted root certificates; nil for those of the system.
    public var certificateAuthority: String?
    /// The time for which a call is retried while the server is unreachable, busy, or restarting; at least 0.
    public var patience: Duration
    /// The time for a response, in addition to the wait that a request asks for; above 0.
    public var timeout: Duration

    /// Creates a configuration.
    public init(
        token: String? = nil, certificateAuthority: String? = nil, patience: Duration = .seconds(30),
        timeout: Duration = .seconds(30)
    ) {
        self.token = token
        self.certificateAuthority = certificateAuthority
        self.patience = patience
        self.timeout = timeout
    }

    /// Creates a configuration from the environment: the token from `PBT_TOKEN`, otherwise from the client's file; the
    /// certificates from `PBT_CA_FILE`.
    ///
    /// The token of the file is sent only to the server that the file names.
    ///
    /// - Parameters:
    ///   - address: The server.
    ///   - environment: The environment variables.
    /// - Throws: A `PBTError`: `badValue` for a file that others can read or that is not valid; `inputOutput` for one
    ///   that cannot be read.
    public init(for address: ServerAddress, environment: [String: String]) throws(PBTError) {
        self.init()
        func variable(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        certificateAuthority = variable("PBT_CA_FILE")
        if let token = variable("PBT_TOKEN") {
            try Self.check(token, from: "PBT_TOKEN")
            self.token = token
        } else if let file = try ClientFile.find(environment: environment), file.server == address {
            try Self.check(file.token, from: "the token in \(file.path)")
            token = file.token
        }
    }

    /// Checks that a token is valid in a header field; the error does not contain the token.
    private static func check(_ token: String, from source: String) throws(PBTError) {
        guard token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw PBTError(
                .badValue, "\(source) contains a space, a line break, or a special character; pass the token unchanged"
            )
        }
    }
}
