// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import PBT

/// The address and credentials of an MLflow server, from the variables that MLflow's own client reads.
package struct MLflowAddress: Sendable {
    /// The URL, such as `http://host:5000`, without a trailing slash.
    package let url: String
    /// The value of the header field `Authorization`.
    let authorization: String?
    /// True to skip the verification of certificates.
    let isInsecure: Bool
    /// A file of trusted certificates.
    let certificates: String?

    /// Reads the address.
    ///
    /// - Parameters:
    ///   - uri: The address; none: that of `MLFLOW_TRACKING_URI`.
    ///   - environment: The environment variables.
    /// - Throws: A `PBTError` with code `badValue`; its message never contains possible secrets.
    package init(_ uri: String?, environment: [String: String]) throws(PBTError) {
        func variable(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        let source = uri == nil ? "MLFLOW_TRACKING_URI" : "--tracking-uri"
        guard var text = uri ?? variable("MLFLOW_TRACKING_URI") else {
            throw PBTError(
                .badValue,
                "no MLflow server: set MLFLOW_TRACKING_URI or give --tracking-uri, such as http://127.0.0.1:5000")
        }
        let isHTTP = text.lowercased().hasPrefix("http://") || text.lowercased().hasPrefix("https://")
        let authority = text.firstRange(of: "://").map { text[$0.upperBound...].prefix { $0 != "/" } } ?? ""
        guard !authority.contains("@") else {
            throw PBTError(
                .badValue,
                "\(source) contains a user or password, which others can see; set them in MLFLOW_TRACKING_USERNAME "
                    + "and MLFLOW_TRACKING_PASSWORD")
        }
        guard isHTTP, !authority.isEmpty, !text.contains("?"), !text.contains("#"),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw PBTError(
                .badValue,
                "\(source) \"\(text)\" is not the address of a server; start one with: mlflow server --backend-store-uri "
                    + "sqlite:///mlflow.db, and give its address, such as http://127.0.0.1:5000")
        }
        while text.hasSuffix("/") { text.removeLast() }
        url = text
        if let token = variable("MLFLOW_TRACKING_TOKEN") {
            authorization = "Bearer \(token)"
        } else if let user = variable("MLFLOW_TRACKING_USERNAME") {
            authorization = "Basic " + Base64.text(of: "\(user):\(variable("MLFLOW_TRACKING_PASSWORD") ?? "")".utf8)
        } else {
            authorization = nil
        }
        guard authorization?.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) ?? true else {
            throw PBTError(
                .badValue, "MLFLOW_TRACKING_TOKEN contains a line break or a special character; use the original token")
        }
        isInsecure = variable("MLFLOW_TRACKING_INSECURE_TLS") == "true"
        certificates = variable("MLFLOW_TRACKING_SERVER_CERT_PATH")
    }
}

/// A client of MLflow's REST API, version 2.0.
package final class MLflowServer: Sendable {
    private let address: MLflowAddress
    private let describe: @Sendable (any Error) -> String
    private let http: HTTPClient

    /// Creates a client; it connects on the first request.
    ///
    /// - Parameters:
    ///   - address: The address of the server, and its credentials.
    ///   - describe: Returns the reason of a failed connection as a clause, such as "connection refused".
    /// - Throws: A `PBTError` with code `badValue` for a certificate file that cannot be used.
    package init(
        _ address: MLflowAddress, describing describe: @escaping @Sendable (any Error) -> String
    ) throws(PBTError) {
        self.address = address
        self.describe = describe
        var tls = TLSConfiguration.makeClientConfiguration()
        if address.isInsecure { tls.certificateVerification = .none }
        if let path = address.certificates {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw PBTError(
                    .badValue,
                    "MLFLOW_TRACKING_SERVER_CERT_PATH: \(path) is not a PEM file of certificates (\(error))")
            }
        }
        var settings = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10), read: .seconds(120), write: .seconds(60)))
        settings.connectionPool.retryConnectionEstablishment = false
        settings.httpVersion = .http1Only
        http = HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: settings)
    }

    /// The address of the server.
    var url: String {
        address.url
    }

    /// Closes the connections.
    package func close() async throws {
        try await http.shutdown()
    }

    /// Makes a POST request.
    func post(_ path: String, _ body: Value) async throws -> Value {
        var request = HTTPClientRequest(url: "\(address.url)/api/2.0/mlflow/\(path)")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: body.json))
        return try await answer(request, path)
    }

    /// Makes a GET request.
    func get(_ path: String, _ name: String, _ value: String) async throws -> Value {
        let encoded = value.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = byte < 0x80 && (scalar.properties.isAlphabetic || (0x30...0x39).contains(byte))
            return isPlain ? String(scalar) : "%" + Hex.text(of: [byte]).uppercased()
        }.joined()
        return try await answer(
            HTTPClientRequest(url: "\(address.url)/api/2.0/mlflow/\(path)?\(name)=\(encoded)"), path)
    }

    /// An error response, with MLflow's code and message.
    struct Refusal: Error {
        let status: Int
        let code: String
        let message: String
    }

    private func answer(_ request: HTTPClientRequest, _ path: String) async throws -> Value {
        var request = request
        request.headers.replaceOrAdd(name: "User-Agent", value: "pbt")
        if let authorization = address.authorization {
            request.headers.replaceOrAdd(name: "Authorization", value: authorization)
        }
        let status: Int
        let bytes: [UInt8]
        do {
            let response = try await http.execute(request, timeout: .seconds(300))
            status = Int(response.status.code)
            bytes = Array(try await response.body.collect(upTo: 256 << 20).readableBytesView)
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw PBTError(
                .unreachable,
                "cannot reach MLflow's server \(address.url): \(describe(error)); is it running, and is this its "
                    + "address?")
        }
        let value = try? Value(json: bytes)
        switch status {
        case 200..<300:
            guard let value, value.object != nil else {
                throw PBTError(
                    .unreachable,
                    "\(address.url) responds, but not like MLflow; is this the address of an MLflow server?")
            }
            return value
        case 401, 403:
            throw PBTError(
                .unauthorized,
                "MLflow's server \(address.url) denied access (status \(status)); set MLFLOW_TRACKING_TOKEN, or "
                    + "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        case 429, 503:
            throw PBTError(
                .storeBusy, "MLflow's server \(address.url) is busy (status \(status)); export again later")
        default:
            guard let code = value?["error_code"]?.string else {
                throw PBTError(
                    .unreachable,
                    "\(address.url) responds to \(path) with status \(status), unlike MLflow; is this the address of an "
                        + "MLflow server?")
            }
            throw Refusal(status: status, code: code, message: value?["message"]?.string ?? "")
        }
    }

    /// Returns the error for an unexpected error response.
    func error(_ refusal: Refusal, doing what: String) -> PBTError {
        PBTError(
            refusal.status >= 500 ? .unreachable : .badRequest,
            "MLflow's server \(address.url) refused to \(what): \(MLflowNames.cut(refusal.message, to: 1000)) "
                + "(\(refusal.code)); what was exported so far is kept, and another export continues from there")
    }
}
