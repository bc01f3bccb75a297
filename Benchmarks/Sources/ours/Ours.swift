// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Does one piece of work in a directory of its own, and prints one JSON line about it.
@main
struct Ours {
    static let usage = """
        usage: ours WORKLOAD DIR [--population N] [--intervals N] [--workers N] [--seeds N] [--trainer PATH] [--store FILE]
               ours floor DIR [--workload WORKLOAD]
               ours store DIR [--population N] [--intervals N]
               ours atonce DIR [--population N] [--tasks N] [--seconds N]
               ours limit DIR [--population N] [--intervals N] [--block N]
        WORKLOAD is one of \(Workload.all.keys.sorted().joined(separator: ", ")); w3p starts a process an interval, and needs --trainer.
        DIR is created; it must not hold anything. The store is a file in it, unless FILE is given.
        """

    static func main() async {
        do {
            let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
            let directory = try freshDirectory(arguments.directory)
            var line: [String: Value] =
                switch arguments.what {
                case "store": try await StoreLoop.measure(arguments, in: directory)
                case "atonce": try await StoreLoop.measureAtOnce(arguments, in: directory)
                case "limit": try await Limit.measure(arguments, in: directory)
                case "floor": try await Floor.measure(arguments, in: directory)
                default: try await WorkloadRun.measure(arguments, in: directory)
                }
            line["peer"] = line["peer"] ?? "swift-pbt"
            line["workload"] = line["workload"] ?? .string(arguments.what)
            print(Value.object(line).json)
        } catch {
            _ = try? FileDescriptor.standardError.writeAll("\(error)\n".utf8)
            exit(1)
        }
    }

    private static func freshDirectory(_ path: String) throws -> FilePath {
        var directory = FilePath(path)
        if directory.isRelative {
            guard let current = getcwd(nil, 0) else { throw Failure("cannot tell the current directory") }
            defer { free(current) }
            directory = FilePath(platformString: current).pushing(directory)
        }
        guard mkdir(path, 0o777) == 0 || (errno == EEXIST && rmdir(path) == 0 && mkdir(path, 0o777) == 0) else {
            throw Failure("cannot make the directory \(path): \(Errno(rawValue: errno))")
        }
        return directory
    }
}

extension Double {
    /// Rounded to four digits after the point.
    var rounded4: Value { .number((self * 10_000).rounded() / 10_000) }
}

extension [Double] {
    /// The middle value, or the mean of the two in the middle.
    var median: Double {
        let sorted = sorted()
        guard !sorted.isEmpty else { return .nan }
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
