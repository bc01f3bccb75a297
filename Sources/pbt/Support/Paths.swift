// SPDX-License-Identifier: Apache-2.0

import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The directory that the command was started in.
///
/// - Throws: A ``Failure`` when it is gone.
func currentDirectory() throws -> FilePath {
    guard let buffer = getcwd(nil, 0) else {
        throw Failure(.noSuch, "the current directory is gone or cannot be read: \(Errno(rawValue: errno))")
    }
    defer { free(buffer) }
    return FilePath(String(cString: buffer))
}

/// The path from the root, without `.` and `..` where that can be told from the text.
///
/// - Throws: A ``Failure`` when the current directory is gone.
func absolute(_ path: FilePath) throws -> FilePath {
    (path.isAbsolute ? path : try currentDirectory().pushing(path)).lexicallyNormalized()
}

/// A path for a person: from the current directory where it lies below that, else as it is.
func near(_ path: FilePath) -> String {
    var rest = path
    do {
        return rest.removePrefix(try currentDirectory()) && !rest.isEmpty ? rest.string : path.string
    } catch {
        // The current directory is gone; the whole path is as good.
        return path.string
    }
}
