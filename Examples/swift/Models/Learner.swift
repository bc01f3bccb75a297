// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// Weights that learn by gradient descent with momentum: all that one member is.
public struct Learner: Sendable, Hashable {
    /// The weights.
    var weights: [Float]
    /// The decaying sum of past gradients, one for each weight.
    var velocity: [Float]

    /// A learner with these weights, at rest.
    init(weights: [Float]) {
        self.weights = weights
        velocity = Array(repeating: 0, count: weights.count)
    }

    /// Takes one step against a gradient: v ← momentum · v + gradient, then weights ← weights − rate · v.
    mutating func step(against gradient: [Float], rate: Float, momentum: Float) {
        precondition(gradient.count == weights.count, "a gradient has one number for each weight")
        weights.withUnsafeMutableBufferPointer { weights in
            velocity.withUnsafeMutableBufferPointer { velocity in
                gradient.withUnsafeBufferPointer { gradient in
                    var i = 0
                    while i < weights.count {
                        velocity[i] = momentum * velocity[i] + gradient[i]
                        weights[i] -= rate * velocity[i]
                        i += 1
                    }
                }
            }
        }
    }

    // MARK: Checkpoints

    /// The file's name in a checkpoint's directory.
    static let fileName: FilePath.Component = "learner.f32"

    /// Saves weights and velocity: 32-bit floating point in this machine's byte order, nothing else.
    ///
    /// `pbt` writes it through to the disk and publishes it whole; a trainer need not.
    ///
    /// - Throws: What writing throws.
    func save(to directory: FilePath) throws {
        let file = try FileDescriptor.open(
            directory.appending(Self.fileName), .writeOnly, options: [.create, .exclusiveCreate],
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
        _ = try file.closeAfter {
            try (weights + velocity).withUnsafeBytes { try file.writeAll($0) }
        }
    }

    /// Reads what ``save(to:)`` wrote.
    ///
    /// - Throws: A `PBTError` when the file's size is not that of so many weights, and what reading throws.
    init(from directory: FilePath, count: Int) throws {
        let path = directory.appending(Self.fileName)
        let bytes = try readBytes(path)
        guard bytes.count == 2 * count * MemoryLayout<Float>.size else {
            throw PBTError(
                .badValue,
                "\(path) has \(bytes.count) bytes, but a learner of \(count) weights has \(8 * count); it is not one of ours"
            )
        }
        let numbers = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        weights = Array(numbers[..<count])
        velocity = Array(numbers[count...])
    }
}

/// The bytes of a file.
///
/// - Throws: A `PBTError` when it cannot be opened or read.
func readBytes(_ path: FilePath) throws -> [UInt8] {
    do {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            let size = Int(try file.seek(offset: 0, from: .end))
            try file.seek(offset: 0, from: .start)
            return try Array(unsafeUninitializedCapacity: size) { buffer, count in
                while count < size {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                    let read = try file.read(into: rest)
                    guard read > 0 else { return }
                    count += read
                }
            }
        }
    } catch let error as Errno {
        throw PBTError(.inputOutput, "cannot read \(path): \(error)")
    }
}
