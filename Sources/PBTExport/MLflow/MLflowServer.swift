// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import PBT
import PBTClient

/// Where MLflow's server is and how it knows us, from the variables that MLflow's own client reads.
package struct MLflowAddress: Sendable {
    /// `http://host:5000`, without a slash at the end.
    package let url: String
    /// What stands in the header field `Authorization`.
    let authorization: String?
    /// Whether certificates are not verified.
    let isInsecure: Bool
    /// A file of certificates that are trusted.
    let certificates: String?

    /// Reads the address.
    ///
    /// - Parameters:
    ///   - uri: The address; none: `MLFLOW_TRACKING_URI` says it.
    ///   - environment: The environment's variables.
    /// - Throws: A `PBTError` with code `badValue` that says what is wrong; it does not repeat what might be a secret.
    package init(_ uri: String?, environment: [String: String]) throws(PBTError) {
        func variable(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        let source = uri == nil ? "MLFLOW_TRACKING_URI" : "--tracking-uri"
        guard var text = uri ?? variable("MLFLOW_TRACKING_URI") else {
            throw PBTError(
                .badValue,
                "where is MLflow's server? Set MLFLOW_TRACKING_URI or give --tracking-uri, as http://127.0.0.1:5000")
        }
        let isHTTP = text.lowercased().hasPrefix("http://") || text.lowercased().hasPrefix("https://")
        let authority = text.firstRange(of: "://").map { text[$0.upperBound...].prefix { $0 != "/" } } ?? ""
        guard !authority.contains("@") else {
            throw PBTError(
                .badValue,
                "\(source) holds a user or a password, which is seen by others; give them in MLFLOW_TRACKING_USERNAME "
                    + "and MLFLOW_TRACKING_PASSWORD")
        }
        guard isHTTP, !authority.isEmpty, !text.contains("?"), !text.contains("#"),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw PBTError(
                .badValue,
                "\(source) \"\(text)\" is no server's address; start one with: mlflow server --backend-store-uri "
                    + "sqlite:///mlflow.db, and give its address, as http://127.0.0.1:5000")
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
                .badValue, "MLFLOW_TRACKING_TOKEN holds a line break or a special character; give it as it was made")
        }
        isInsecure = variable("MLFLOW_TRACKING_INSECURE_TLS") == "true"
        certificates = variable("MLFLOW_TRACKING_SERVER_CERT_PATH")
    }
}

/// Speaks MLflow's REST API, version 2.0, with one server.
package final class MLflowServer: Sendable {
    private let address: MLflowAddress
    private let http: HTTPClient

    /// A server that is asked when something is to be known.
    ///
    /// - Throws: A `PBTError` with code `badValue` for a certificate file that cannot be used.
    package init(_ address: MLflowAddress) throws(PBTError) {
        self.address = address
        var tls = TLSConfiguration.makeClientConfiguration()
        if address.isInsecure { tls.certificateVerification = .none }
        if let path = address.certificates {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw PBTError(
                    .badValue,
                    "MLFLOW_TRACKING_SERVER_CERT_PATH: \(path) cannot be read as certificates in PEM form (\(error))")
            }
        }
        var settings = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10), read: .seconds(120), write: .seconds(60)))
        settings.connectionPool.retryConnectionEstablishment = false
        settings.httpVersion = .http1Only
        http = HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: settings)
    }

    /// Its address.
    var url: String {
        address.url
    }

    /// Ends the connections.
    package func close() async throws {
        try await http.shutdown()
    }

    /// Asks for something by POST.
    func post(_ path: String, _ body: Value) async throws -> Value {
        var request = HTTPClientRequest(url: "\(address.url)/api/2.0/mlflow/\(path)")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: body.json))
        return try await answer(request, path)
    }

    /// Asks for something by GET.
    func get(_ path: String, _ name: String, _ value: String) async throws -> Value {
        let encoded = value.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = byte < 0x80 && (scalar.properties.isAlphabetic || (0x30...0x39).contains(byte))
            return isPlain ? String(scalar) : "%" + Hex.text(of: [byte]).uppercased()
        }.joined()
        return try await answer(
            HTTPClientRequest(url: "\(address.url)/api/2.0/mlflow/\(path)?\(name)=\(encoded)"), path)
    }

    /// An answer that is a refusal: MLflow's code and its text.
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
                "cannot reach MLflow's server \(address.url): \(TransportError.reason(error)); is it running, and is this its "
                    + "address?")
        }
        let value = try? Value(json: bytes)
        switch status {
        case 200..<300:
            guard let value, value.object != nil else {
                throw PBTError(
                    .unreachable,
                    "\(address.url) answers, but not as MLflow does; is this the address of MLflow's server?")
            }
            return value
        case 401, 403:
            throw PBTError(
                .unauthorized,
                "MLflow's server \(address.url) does not let us in (status \(status)); give MLFLOW_TRACKING_TOKEN, or "
                    + "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        case 429, 503:
            throw PBTError(
                .storeBusy, "MLflow's server \(address.url) is busy (status \(status)); export again later")
        default:
            guard let code = value?["error_code"]?.string else {
                throw PBTError(
                    .unreachable,
                    "\(address.url) answers \(path) with status \(status), which is not how MLflow does; is this the "
                        + "address of MLflow's server?")
            }
            throw Refusal(status: status, code: code, message: value?["message"]?.string ?? "")
        }
    }

    /// What a refusal means that nothing was prepared for.
    func error(_ refusal: Refusal, doing what: String) -> PBTError {
        PBTError(
            refusal.status >= 500 ? .unreachable : .badRequest,
            "MLflow's server \(address.url) refused to \(what): \(MLflowNames.cut(refusal.message, to: 1000)) "
                + "(\(refusal.code)); what it took so far stays, and exporting again goes on from there")
    }
}
