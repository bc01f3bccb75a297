// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTWorker
import SystemPackage

/// An experiment file: YAML, or JSON.
struct ExperimentFile {
    /// The largest allowed size in bytes; an experiment has a few hundred lines.
    private static let mostBytes = 4 << 20

    /// The path on the command line, for messages.
    let name: String
    /// The directory of the file; absolute.
    let directory: FilePath
    /// The definition.
    let experiment: Experiment
    /// Warnings, each with file and line.
    let warnings: [String]
    /// The line of the command, from 1.
    private let commandLine: Int

    /// Reads and validates a file, without starting anything.
    ///
    /// - Parameters:
    ///   - name: Its path.
    ///   - needsCommand: Rejects an experiment without a command.
    /// - Throws: A ``Failure`` with all problems: file, line, what is wrong, and how to fix it.
    init(_ name: String, needsCommand: Bool = true) throws {
        self.name = name
        directory = try absolute(FilePath(name)).removingLastComponent()
        do {
            let document = try Self.document(Self.text(of: name), isJSON: name.lowercased().hasSuffix(".json"))
            let reading = FileReading(document, directory: directory.string, needsCommand: needsCommand)
            experiment = try reading.result()
            commandLine = reading.commandLine
            warnings = reading.warnings.map { Failure.text(of: $0, in: name) }
        } catch let error as DocumentError {
            throw Failure(.badFile, file: name, error)
        }
    }

    /// Prints the warnings to standard error.
    func warn() {
        for warning in warnings { Output.warn(warning) }
    }

    /// Checks that the program exists and is executable, before members fail one after the other.
    ///
    /// - Throws: A ``Failure`` that names the program and the search path.
    func checkProgram(of trainer: Experiment.Trainer) throws {
        // A placeholder is known only once it is substituted.
        guard let program = trainer.command.first, !program.contains("{") else { return }
        do {
            _ = try Program.find(
                program, in: FilePath(trainer.directory),
                searchPath: trainer.environment["PATH"] ?? environment("PATH"))
        } catch let error as PBTError {
            let words = Shell.words(in: program)
            let advice =
                words.count < 2
                ? ""
                : "; the command is a list, since no shell splits it: command: "
                    + (words + trainer.command.dropFirst()).flowList
            throw Failure(.badFile, "\(name):\(commandLine): command: \(error.message)\(advice)")
        }
    }

    private static func text(of name: String) throws -> String {
        guard !name.isEmpty, !name.utf8.contains(0) else {
            throw Failure(.usage, "the experiment file's name is empty")
        }
        let bytes: [UInt8]
        do {
            bytes = try read(FilePath(name))
        } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
            throw Failure(.noSuch, "there is no file \(name)")
        } catch Errno.isDirectory {
            throw Failure(
                .badFile, "\(name) is a directory; name an experiment file, for example \(name)/experiment.yaml")
        } catch let error as Errno {
            throw Failure(.noSuch, "\(name) cannot be read: \(error)")
        }
        guard bytes.count <= mostBytes else {
            throw Failure(.badFile, "\(name) is larger than \(mostBytes >> 20) MiB; is it an experiment file?")
        }
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            throw Failure(.badFile, "\(name) is UTF-16; save it as UTF-8")
        }
        let content = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes[3...] : bytes[...]
        guard let text = String(validating: content, as: UTF8.self) else {
            let place = content.split(separator: 0x0a, omittingEmptySubsequences: false)
                .firstIndex { String(validating: $0, as: UTF8.self) == nil }
            throw Failure(.badFile, "\(name)\(place.map { ":\($0 + 1)" } ?? ""): is not UTF-8; is it a text file?")
        }
        if content.contains(0) {
            throw Failure(.badFile, "\(name): holds a null character; is it a text file?")
        }
        return text
    }

    private static func read(_ path: FilePath) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while bytes.count <= mostBytes {
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { break }
                bytes += buffer[..<count]
            }
            return bytes
        }
    }

    private static func document(_ text: String, isJSON: Bool) throws -> Document {
        var json: Value?
        if isJSON {
            do {
                json = try Value(json: text)
            } catch {
                throw DocumentError(line: error.line, path: "", problem: "is not JSON: \(error.problem)")
            }
        }
        do {
            // JSON is YAML but for some escapes; parsed as YAML, it has line numbers.
            return try Document(yaml: text)
        } catch {
            guard let json else { throw error }
            return Document(json)
        }
    }
}
