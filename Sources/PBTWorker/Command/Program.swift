// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTCheckpoints
package import SystemPackage

/// Finds the program that a command names.
package enum Program {
    /// The program's path.
    ///
    /// - Parameters:
    ///   - name: With a slash: a path, a relative one from the directory; without: looked up in the search path.
    ///   - directory: The experiment's directory.
    ///   - searchPath: The inherited `PATH`.
    /// - Returns: A path that can be started.
    /// - Throws: A `PBTError` with code `badExperiment` that says what was looked for, and where.
    package static func find(_ name: String, in directory: FilePath, searchPath: String?) throws -> FilePath {
        guard isDirectory(directory) else {
            throw PBTError(
                .badExperiment,
                "the experiment's directory \(directory) is not there; it is where the command is started")
        }
        if name.hasSlash {
            let path = FilePath(name).isAbsolute ? FilePath(name) : directory.pushing(FilePath(name))
            try check(path)
            return path
        }
        let places = (searchPath ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map { FilePath(String($0)) }
        var refused: FilePath?
        for place in places {
            // A place that cannot be looked at is passed over, as a shell does.
            let path = (place.isAbsolute ? place : directory.pushing(place)).appending(name)
            guard (try? FileSystem.exists(path)) == true, !isDirectory(path) else { continue }
            if isExecutable(path) { return path }
            refused = refused ?? path
        }
        if let refused { try check(refused) }
        let local = directory.appending(name)
        let advice =
            isDirectory(local) || (try? FileSystem.exists(local)) != true
            ? "install it, or name it by its path"
            : "there is one in the experiment's directory: write ./\(name)"
        throw PBTError(.badExperiment, "there is no program \"\(name)\" in PATH; \(advice)")
    }

    private static func check(_ path: FilePath) throws {
        guard try FileSystem.exists(path) else {
            throw PBTError(.badExperiment, "there is no program \(path)")
        }
        guard !isDirectory(path) else { throw PBTError(.badExperiment, "\(path) is a directory, not a program") }
        guard isExecutable(path) else {
            throw PBTError(
                .badExperiment,
                "\(path) may not be executed; run chmod +x \(path), or put its interpreter before it in the command")
        }
    }

    private static func isDirectory(_ path: FilePath) -> Bool {
        var status = stat()
        return path.withPlatformString { stat($0, &status) } == 0 && status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR)
    }

    private static func isExecutable(_ path: FilePath) -> Bool {
        path.withPlatformString { access($0, X_OK) } == 0
    }
}
