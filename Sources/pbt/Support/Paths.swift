// SPDX-License-Identifier: Apache-2.0

import LibC
import SystemPackage

/// Returns the current directory.
///
/// - Throws: A ``Failure`` when it was deleted.
func currentDirectory() throws -> FilePath {
    guard let buffer = getcwd(nil, 0) else {
        throw Failure(.noSuch, "the current directory was deleted or cannot be read: \(Errno(rawValue: errno))")
    }
    defer { free(buffer) }
    return FilePath(String(cString: buffer))
}

/// Returns the absolute path, lexically normalized.
///
/// - Throws: A ``Failure`` when the current directory was deleted.
func absolute(_ path: FilePath) throws -> FilePath {
    (path.isAbsolute ? path : try currentDirectory().pushing(path)).lexicallyNormalized()
}

/// Returns a path for display: relative below the current directory, else unchanged.
func near(_ path: FilePath) -> String {
    var rest = path
    do {
        return rest.removePrefix(try currentDirectory()) && !rest.isEmpty ? rest.string : path.string
    } catch {
        // The current directory was deleted; the whole path will do.
        return path.string
    }
}
