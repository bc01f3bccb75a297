// SPDX-License-Identifier: Apache-2.0

package import PBT
package import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A directory of event files that can be exported to repeatedly.
///
/// A file in it identifies the experiment. Only files of earlier exports are modified.
package struct ExportDirectory: Sendable {
    /// The file that identifies the experiment of the directory.
    package static let mark = "pbt-export.json"

    private let path: FilePath
    private let experiment: String

    /// Creates an export directory; the directory itself is created when files are written.
    ///
    /// - Parameters:
    ///   - path: The directory, absolute.
    ///   - experiment: The experiment's name.
    package init(_ path: FilePath, for experiment: String) {
        self.path = path
        self.experiment = experiment
    }

    /// Writes the files, and deletes obsolete ones of an earlier export.
    ///
    /// Files are replaced atomically. A file that would not change is left alone, and one that only grows is appended
    /// to.
    ///
    /// - Parameter files: The files.
    /// - Returns: The number of files that were written.
    /// - Throws: A `PBTError` with code `inputOutput`: the directory contains other files, or cannot be written.
    @discardableResult
    package func write(_ files: TensorBoardFiles) throws(PBTError) -> Int {
        try claim()
        var written = 0
        let paths = files.paths
        var directories: Set<FilePath> = []
        for (place, name) in paths.enumerated() {
            let file = path.appending(name)
            let parent = file.removingLastComponent()
            if directories.insert(parent).inserted { try make(parent) }
            if try replace(file, with: files.contents(at: place)) { written += 1 }
        }
        try deleteOthers(than: Set(paths))
        return written
    }

    /// Claims the directory for the experiment, or checks that it belongs to it.
    private func claim() throws(PBTError) {
        let mark: Value = ["experiment": .string(experiment), "format": "tensorboard", "version": 1]
        let file = path.appending(Self.mark)
        try make(path)
        let names = try Self.names(in: path)
        if names.contains(Self.mark) {
            guard let bytes = try Self.contents(of: file), let found = try? Value(json: bytes),
                let owner = found["experiment"]?.string, found["format"] == "tensorboard"
            else {
                throw PBTError(
                    .inputOutput, "\(file) does not describe an export; use another directory, or delete the file")
            }
            guard owner == experiment else {
                throw PBTError(
                    .inputOutput,
                    "\(path) contains the export of experiment \"\(owner)\"; use another directory for \"\(experiment)\""
                )
            }
        } else if let other = names.first(where: { !$0.hasSuffix(Self.part) }) {
            throw PBTError(
                .inputOutput,
                "\(path) contains other files (\"\(other)\"); use a new or an empty directory")
        }
        try replace(file, with: Array((mark.json + "\n").utf8))
    }

    /// Creates a directory and its parents.
    private func make(_ directory: FilePath) throws(PBTError) {
        if mkdir(directory.string, 0o777) == 0 { return }
        let error = Errno(rawValue: errno)
        if error == .noSuchFileOrDirectory, !directory.removingLastComponent().isEmpty {
            let parent = directory.removingLastComponent()
            guard parent != directory else { throw Self.failure("cannot create \(directory)", error) }
            try make(parent)
            if mkdir(directory.string, 0o777) == 0 || errno == EEXIST { return }
            throw Self.failure("cannot create \(directory)", Errno(rawValue: errno))
        }
        var status = stat()
        guard error == .fileExists, stat(directory.string, &status) == 0 else {
            throw Self.failure("cannot create \(directory)", error)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw PBTError(
                .inputOutput, "cannot create \(directory): a file of that name exists; use another directory")
        }
    }

    /// The suffix of incomplete files, which a killed process leaves behind.
    private static let part = ".pbt-part"

    /// Writes a file, unless its contents are the same; one that only grows is appended to.
    ///
    /// Readers with an open file see appended data, but not a replacement. If a process is killed while it appends,
    /// readers of event files wait for the rest, which the next export adds.
    @discardableResult
    private func replace(_ file: FilePath, with contents: [UInt8]) throws(PBTError) -> Bool {
        if let found = try Self.contents(of: file) {
            if found == contents { return false }
            if contents.starts(with: found), !found.isEmpty {
                try append(contents[found.count...], to: file)
                return true
            }
        }
        let part = FilePath("\(file.string).\(getpid())\(Self.part)")
        do {
            let descriptor = try FileDescriptor.open(
                part, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try descriptor.closeAfter { _ = try descriptor.writeAll(contents) }
            guard rename(part.string, file.string) == 0 else { throw Errno(rawValue: errno) }
            return true
        } catch {
            unlink(part.string)
            throw Self.failure("cannot write \(file)", error)
        }
    }

    private func append(_ rest: ArraySlice<UInt8>, to file: FilePath) throws(PBTError) {
        do {
            let descriptor = try FileDescriptor.open(file, .writeOnly, options: .append)
            try descriptor.closeAfter { _ = try descriptor.writeAll(rest) }
        } catch {
            throw Self.failure("cannot write \(file)", error)
        }
    }

    private func deleteOthers(than paths: Set<String>) throws(PBTError) {
        try deleteOthers(in: "", than: paths)
        for group in ["members", "lineages"] {
            let names = try Self.names(in: path.appending(group))
            for name in names {
                try deleteOthers(in: "\(group)/\(name)/", than: paths)
                // Directories with other files are kept.
                rmdir(path.appending("\(group)/\(name)").string)
            }
            rmdir(path.appending(group).string)
        }
    }

    private func deleteOthers(in directory: String, than paths: Set<String>) throws(PBTError) {
        for name in try Self.names(in: path.appending(directory)) where !paths.contains(directory + name) {
            let isOurs = name.hasPrefix(TensorBoardFiles.prefix) && name.hasSuffix(TensorBoardFiles.suffix)
            guard isOurs || name.hasSuffix(Self.part) else { continue }
            let file = path.appending(directory + name)
            guard unlink(file.string) == 0 || errno == ENOENT else {
                throw Self.failure("cannot delete \(file)", Errno(rawValue: errno))
            }
        }
    }

    /// Returns the names in a directory, in order; none when it is not a directory.
    private static func names(in directory: FilePath) throws(PBTError) -> [String] {
        guard let stream = opendir(directory.string) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw failure("cannot read \(directory)", Errno(rawValue: errno))
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Returns the contents of a file; none when there is no such file.
    private static func contents(of file: FilePath) throws(PBTError) -> [UInt8]? {
        do {
            let descriptor = try FileDescriptor.open(file, .readOnly)
            return try descriptor.closeAfter {
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                while true {
                    let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
                    if count == 0 { return bytes }
                    bytes.append(contentsOf: buffer[..<count])
                }
            }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw failure("cannot read \(file)", error)
        }
    }

    private static func failure(_ what: String, _ error: any Error) -> PBTError {
        PBTError(.inputOutput, "\(what): \(error)")
    }
}
