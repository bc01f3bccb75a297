// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTCheckpoints
public import SystemPackage

/// The devices of this machine that processes of one user have taken.
///
/// A device has any number of *seats*, each a file with an advisory lock (`flock`), which the kernel releases when the
/// process that holds it ends, also by SIGKILL. The number of taken seats of a device is the number of programs that use
/// it. A further lock makes counting and taking one step. Locks say nothing about programs that `pbt` did not start.
public struct DeviceLocks: Sendable, Hashable {
    /// The directory of the lock files.
    public let directory: FilePath

    /// Creates the locks of a directory, which is created when the first device is taken.
    ///
    /// All processes that share devices must use the same directory, on a file system of this machine.
    public init(directory: FilePath) {
        self.directory = directory
    }

    /// Creates the locks of the current user: those of `PBT_RUNTIME_DIR` if it is set, else of `/tmp/pbt-UID`.
    ///
    /// Not of `TMPDIR` or `XDG_RUNTIME_DIR`, which differ between the sessions of a user.
    ///
    /// - Parameter path: The value of `PBT_RUNTIME_DIR`; nil if it is not set.
    /// - Returns: The locks.
    public static func ofUser(runtimeDirectory path: String?) -> Self {
        Self(directory: FilePath(path ?? "/tmp/pbt-\(geteuid())").appending("devices"))
    }

    /// Takes the devices of the group that the fewest programs use; of equal ones, the first.
    ///
    /// A group's use is that of its most used device.
    ///
    /// - Parameter groups: The groups, in order of preference, each with the names of its devices; at least one.
    /// - Returns: The devices that were taken, until it is released.
    /// - Throws: A `PBTError` with code `inputOutput`.
    func take(firstOf groups: [[String]]) throws -> DeviceHold {
        try prepare()
        let turn = try Self.open(directory.appending("turn"), creating: true)
        // Held for some system calls only.
        return try turn.file.closeAfter {
            try turn.lock()
            var seats: [String: Seats] = [:]
            defer { for seat in seats.values { try? seat.free?.file.close() } }
            for device in Set(groups.joined()) { seats[device] = try look(at: device) }
            func use(of group: [String]) -> Int { group.map { seats[$0]?.takers.count ?? 0 }.max() ?? 0 }
            let uses = groups.map(use)
            let place = uses.indices.min { (uses[$0], $0) < (uses[$1], $1) } ?? 0
            var files: [FileDescriptor] = []
            var others: [Taker] = []
            for device in groups[place] {
                guard let seat = seats[device], let free = seat.free else { continue }
                try free.note(getpid())
                files.append(free.file)
                others += seat.takers
                seats[device]?.free = nil
            }
            return DeviceHold(group: place, others: others, files: files)
        }
    }

    /// A program that uses a device.
    struct Taker: Sendable, Hashable {
        var device: String
        /// The process that started it; 0 if it is unknown.
        var process: Int32
    }

    /// The seats of a device: those that are taken, and the first free one, locked.
    private struct Seats {
        var takers: [Taker] = []
        var free: LockFile?
    }

    private func look(at device: String) throws -> Seats {
        var seats = Seats()
        let name = DataDirectory.directoryName(of: device)
        for number in 0... {
            // The seats of a device were created in order, so a missing one is the last, unless it is needed.
            guard let file = try Self.openIfThere(directory.appending("\(name).\(number)"), creating: seats.free == nil)
            else { break }
            if try !file.tryLock() {
                seats.takers.append(Taker(device: device, process: try file.process()))
            } else if seats.free == nil {
                seats.free = file
                continue
            }
            try file.file.close()
        }
        return seats
    }

    /// Creates the directory, and checks that only this user can write to it: in `/tmp` anyone can create one.
    private func prepare() throws {
        let parent = directory.removingLastComponent()
        try FileSystem.makePrivateDirectory(parent)
        try FileSystem.makePrivateDirectory(directory)
        for path in [parent, directory] {
            var status = stat()
            guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
                throw FileSystem.error("access", path, errno)
            }
            let isDirectory = status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR)
            guard isDirectory, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
                throw PBTError(
                    .inputOutput,
                    "\(path) is not a directory to which only this user can write; delete it, or set PBT_RUNTIME_DIR "
                        + "to another directory")
            }
        }
    }

    private static func open(_ path: FilePath, creating isCreating: Bool) throws -> LockFile {
        guard let file = try openIfThere(path, creating: isCreating) else {
            throw FileSystem.error("open", path, ENOENT)
        }
        return file
    }

    private static func openIfThere(_ path: FilePath, creating isCreating: Bool) throws -> LockFile? {
        do {
            // Closed in programs that are started: a lock ends with this process, not with the last of its descendants.
            return LockFile(
                path: path,
                file: try FileDescriptor.open(
                    path, .readWrite,
                    options: isCreating ? [.create, .closeOnExec, .noFollow] : [.closeOnExec, .noFollow],
                    permissions: [.ownerReadWrite]))
        } catch Errno.noSuchFileOrDirectory where !isCreating {
            return nil
        } catch let errno as Errno {
            throw FileSystem.error("open", path, errno.rawValue)
        }
    }
}

/// Devices that are taken until this object is deleted.
final class DeviceHold: Sendable {
    /// The index of the group in the list that was passed.
    let group: Int
    /// The programs that use these devices too.
    let others: [DeviceLocks.Taker]
    private let files: [FileDescriptor]

    init(group: Int, others: [DeviceLocks.Taker], files: [FileDescriptor]) {
        (self.group, self.others, self.files) = (group, others, files)
    }

    deinit {
        // A lock that could not be released ends with this process.
        for file in files { try? file.close() }
    }
}

/// An open lock file.
private struct LockFile {
    let path: FilePath
    let file: FileDescriptor

    /// Waits for the lock.
    func lock() throws {
        while flock(file.rawValue, LOCK_EX) != 0 {
            guard errno == EINTR else { throw FileSystem.error("lock", path, errno) }
        }
    }

    /// Takes the lock; returns false if another open file has it.
    func tryLock() throws -> Bool {
        while flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            guard errno == EINTR else { throw FileSystem.error("lock", path, errno) }
        }
        return true
    }

    /// Writes the number of the process, for the messages of others.
    func note(_ process: Int32) throws {
        do {
            // Padded, so that an earlier, longer one is overwritten.
            let text = "\(process)"
            try file.writeAll(toAbsoluteOffset: 0, (text + String(repeating: " ", count: 12 - text.count) + "\n").utf8)
        } catch let errno as Errno {
            throw FileSystem.error("write", path, errno.rawValue)
        }
    }

    /// Returns the number of the process that has the lock; 0 if it has not written it.
    func process() throws -> Int32 {
        do {
            let bytes = try [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
                count = try file.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
            }
            return Int32(String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)) ?? 0
        } catch let errno as Errno {
            throw FileSystem.error("read", path, errno.rawValue)
        }
    }
}
