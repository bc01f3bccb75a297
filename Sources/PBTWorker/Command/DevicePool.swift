// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import SystemPackage

/// The GPUs that programs started here may use: those of `CUDA_VISIBLE_DEVICES`, or all that the machine has.
struct DevicePool: Sendable, Hashable {
    /// Why a group of devices cannot be used, for a person.
    struct Problem: Error, Hashable {
        let text: String
    }

    /// The value of `CUDA_VISIBLE_DEVICES`; none when it is not set.
    let visible: String?
    /// How many GPUs the machine has; none when that cannot be told.
    let installed: Int?

    /// The devices that `CUDA_VISIBLE_DEVICES` makes visible; none when it is not set.
    ///
    /// As CUDA reads it: what follows an entry that names no device does not count.
    var entries: [String]? {
        guard let visible else { return nil }
        return visible.split(separator: ",", omittingEmptySubsequences: false)
            .map { String($0.filter { !$0.isWhitespace }) }
            .prefix { Int($0).map { $0 >= 0 } ?? ($0.hasPrefix("GPU-") || $0.hasPrefix("MIG-")) }
            .map { $0 }
    }

    /// Returns the value of `CUDA_VISIBLE_DEVICES` for a group of devices.
    ///
    /// - Parameter group: Numbers that count in the pool, or names, separated by commas.
    /// - Returns: The devices' names, separated by commas.
    /// - Throws: A ``Problem`` when one of them is not in the pool.
    func devices(of group: String) throws(Problem) -> String {
        var devices: [String] = []
        for part in group.split(separator: ",") { devices.append(try device(String(part))) }
        return devices.joined(separator: ",")
    }

    /// Returns why the devices that the slots get cannot be used; none when they can, or when that cannot be told.
    func problem(with groups: [String], slots: Int) -> String? {
        let needed = groups.prefix(max(1, slots))
        for (number, group) in needed.enumerated() {
            do {
                _ = try devices(of: group)
            } catch {
                guard number > 0 else { return error.text }
                return "\(error.text), or use \(number) of the \(needed.count) with --workers \(number)"
            }
        }
        return nil
    }

    private func device(_ name: String) throws(Problem) -> String {
        let index = Int(name)
        guard let entries, let visible else {
            if let index, let installed, index >= installed {
                throw Problem(
                    text:
                        "gpus: there is no device \(index): this machine has \(installed), counted from 0; change gpus")
            }
            return name
        }
        guard !entries.isEmpty else {
            throw Problem(
                text: "gpus: there is no device \(name), since CUDA_VISIBLE_DEVICES is "
                    + "\(visible.isEmpty ? "empty" : visible), which hides all GPUs; leave gpus out, or unset "
                    + "CUDA_VISIBLE_DEVICES")
        }
        guard let index else {
            // A name cannot be looked up among numbers. It may be abbreviated, here as there.
            if entries.allSatisfy({ Int($0) == nil }),
                !entries.contains(where: { $0.hasPrefix(name) || name.hasPrefix($0) })
            {
                throw Problem(
                    text: "gpus: there is no device \(name), since CUDA_VISIBLE_DEVICES is \(visible); change gpus, or "
                        + "unset CUDA_VISIBLE_DEVICES")
            }
            return name
        }
        guard entries.indices.contains(index) else {
            throw Problem(
                text:
                    "gpus: there is no device \(index), since CUDA_VISIBLE_DEVICES is \(visible): \(entries.count) of "
                    + "them, counted from 0; change gpus, or unset CUDA_VISIBLE_DEVICES")
        }
        return entries[index]
    }

    /// Counts the NVIDIA GPUs that this process can see; none when that cannot be told.
    static func installed() -> Int? {
        #if os(Linux)
            // The device files: in a container, only those that it was given are there.
            func count(_ directory: String, _ isDevice: (String) -> Bool) -> Int {
                ((try? FileSystem.names(in: FilePath(directory))) ?? []).count { isDevice($0) }
            }
            let files = count("/dev") { $0.hasPrefix("nvidia") && Int($0.dropFirst("nvidia".count)) != nil }
            if files > 0 { return files }
            let listed = count("/proc/driver/nvidia/gpus") { _ in true }
            return listed > 0 ? listed : nil
        #else
            return nil
        #endif
    }
}
