// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import SystemPackage

/// The file with a user's token: `{"server": "https://host:7070", "token": "…"}`.
///
/// Its path is `PBT_CONFIG`, otherwise `client.json` in `$XDG_CONFIG_HOME/pbt` or `~/.config/pbt`. Only its owner may
/// have access to it.
struct ClientFile {
    let path: FilePath
    let server: ServerAddress
    let token: String

    /// Finds and reads the file.
    ///
    /// - Returns: The file; nil if there is none at a default path.
    /// - Throws: A `PBTError` with a remedy.
    static func find(environment: [String: String]) throws(PBTError) -> Self? {
        if let path = environment["PBT_CONFIG"], !path.isEmpty {
            guard let file = try Self(FilePath(path)) else {
                throw PBTError(.inputOutput, "PBT_CONFIG: there is no file \(path)")
            }
            return file
        }
        return try path(environment: environment).flatMap { path throws(PBTError) in try Self(path) }
    }

    /// Returns the default path of the file; nil without a home directory.
    static func path(environment: [String: String]) -> FilePath? {
        if let base = environment["XDG_CONFIG_HOME"], base.hasPrefix("/") {
            return FilePath(base).appending("pbt").appending("client.json")
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return FilePath(home).appending(".config").appending("pbt").appending("client.json")
    }

    /// Reads a file; nil if it does not exist.
    init?(_ path: FilePath) throws(PBTError) {
        let bytes: [UInt8]
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            bytes = try file.closeAfter {
                try Self.checkMode(of: file, path)
                return try Self.content(of: file)
            }
        } catch let error as PBTError {
            throw error
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw PBTError(.inputOutput, "cannot read \(path): \(error)")
        }
        guard let value = try? Value(json: bytes), let server = value["server"]?.string,
            let token = value["token"]?.string, !token.isEmpty
        else {
            throw PBTError(
                .badValue,
                "\(path) must contain {\"server\": \"https://host:7070\", \"token\": \"TOKEN\"}, both of them strings")
        }
        self.path = path
        self.token = token
        do {
            self.server = try ServerAddress(server)
        } catch {
            throw PBTError(.badValue, "\(path): server: \(error.message)")
        }
    }

    private static func checkMode(of file: FileDescriptor, _ path: FilePath) throws {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
        guard status.st_mode & 0o077 == 0 else {
            throw PBTError(
                .badValue,
                "\(path) contains a token, and others can read it (mode \(String(status.st_mode & 0o777, radix: 8))); "
                    + "fix it with: chmod 600 \(path), and if others use this machine, create a new token")
        }
        guard status.st_uid == geteuid() else {
            throw PBTError(.badValue, "\(path) belongs to another user; use a file of your own")
        }
    }

    private static func content(of file: FileDescriptor) throws -> [UInt8] {
        let limit = 1 << 16
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let chunk = try [UInt8](unsafeUninitializedCapacity: limit - bytes.count) { buffer, count in
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }
}
