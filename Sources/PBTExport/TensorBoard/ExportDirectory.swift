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

/// A directory that event files are written into, and written into again later.
///
/// A file in it says whose it is. Nothing is touched in it but what an earlier export wrote.
package struct ExportDirectory: Sendable {
    /// The file that says whose directory it is.
    package static let mark = "pbt-export.json"

    private let path: FilePath
    private let experiment: String

    /// A directory for an experiment's files; it is made when they are written.
    ///
    /// - Parameters:
    ///   - path: The directory, absolute.
    ///   - experiment: The experiment's name.
    package init(_ path: FilePath, for experiment: String) {
        self.path = path
        self.experiment = experiment
    }

    /// Writes the files and deletes those of an earlier export that are no more.
    ///
    /// A file that is replaced is replaced whole or not at all. One that would not change is left alone, and one that
    /// only gets longer is made longer.
    ///
    /// - Parameter files: The files.
    /// - Returns: How many files were written anew.
    /// - Throws: A `PBTError` with code `inputOutput`: the directory holds something else, or cannot be written.
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

    /// Makes the directory ours, or sees that it is.
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
                    .inputOutput, "\(file) says nothing about an export; name another directory, or delete it")
            }
            guard owner == experiment else {
                throw PBTError(
                    .inputOutput,
                    "\(path) holds the export of experiment \"\(owner)\"; name another directory for \"\(experiment)\"")
            }
        } else if let other = names.first(where: { !$0.hasSuffix(Self.part) }) {
            throw PBTError(
                .inputOutput,
                "\(path) holds something else (\"\(other)\"); name a new directory, or an empty one")
        }
        try replace(file, with: Array((mark.json + "\n").utf8))
    }

    /// Makes a directory, and those that it is in.
    private func make(_ directory: FilePath) throws(PBTError) {
        if mkdir(directory.string, 0o777) == 0 { return }
        let error = Errno(rawValue: errno)
        if error == .noSuchFileOrDirectory, !directory.removingLastComponent().isEmpty {
            let parent = directory.removingLastComponent()
            guard parent != directory else { throw Self.failure("cannot make \(directory)", error) }
            try make(parent)
            if mkdir(directory.string, 0o777) == 0 || errno == EEXIST { return }
            throw Self.failure("cannot make \(directory)", Errno(rawValue: errno))
        }
        var status = stat()
        guard error == .fileExists, stat(directory.string, &status) == 0 else {
            throw Self.failure("cannot make \(directory)", error)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw PBTError(
                .inputOutput, "cannot make \(directory): a file of that name is there; name another directory")
        }
    }

    /// What files end with that are not complete; left behind by a process that was killed.
    private static let part = ".pbt-part"

    /// Puts a file in place, unless one with these contents is there; one that only gets longer is made longer.
    ///
    /// Readers that have a file open see what it gets longer by, but never that another took its place. An end that is
    /// missing because a process was killed is what readers of event files wait for, and is added the next time.
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
                // What holds something else stays.
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

    /// The names in a directory, in order; none when it is none.
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

    /// The contents of a file; none when there is no such file.
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
