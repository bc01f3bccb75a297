// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import SystemPackage

/// The GPUs that programs may use: those of `CUDA_VISIBLE_DEVICES`, or all GPUs of the machine.
struct DevicePool: Sendable, Hashable {
    /// The reason why a group of devices cannot be used.
    struct Problem: Error, Hashable {
        let text: String
    }

    /// The value of `CUDA_VISIBLE_DEVICES`; nil if it is not set.
    let visible: String?
    /// The number of GPUs of the machine; nil if it is unknown.
    let installed: Int?
    /// The names of the GPUs of the machine by index, `GPU-…`; empty if they are unknown.
    var names: [String] = []

    /// The devices that `CUDA_VISIBLE_DEVICES` makes visible; nil if it is not set.
    ///
    /// As in CUDA, entries after an invalid one are ignored.
    var entries: [String]? {
        guard let visible else { return nil }
        return visible.split(separator: ",", omittingEmptySubsequences: false)
            .map { String($0.filter { !$0.isWhitespace }) }
            .prefix { Int($0).map { $0 >= 0 } ?? ($0.hasPrefix("GPU-") || $0.hasPrefix("MIG-")) }
            .map { $0 }
    }

    /// Returns the value of `CUDA_VISIBLE_DEVICES` for a group of devices.
    ///
    /// - Parameter group: Indexes into the pool, or names, separated by commas.
    /// - Returns: The names of the devices, separated by commas.
    /// - Throws: A ``Problem`` if one of them is not in the pool.
    func devices(of group: String) throws(Problem) -> String {
        var devices: [String] = []
        for part in group.split(separator: ",") { devices.append(try device(String(part))) }
        return devices.joined(separator: ",")
    }

    /// Returns the reason why the devices of the slots cannot be used; nil if they can, or if that is unknown.
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
            // A name cannot be looked up among indexes. Both can be abbreviated.
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

    /// Returns a name for each device of a value of `CUDA_VISIBLE_DEVICES` that is the same however it is written: by
    /// index, or by a name or its beginning.
    ///
    /// - Parameter devices: The value, as ``devices(of:)`` returns it.
    /// - Returns: The names that the machine's driver has where they are known; else the devices as written.
    func identities(of devices: String) -> [String] {
        devices.split(separator: ",").map { part in
            let device = String(part)
            if let index = Int(device) { return names.indices.contains(index) ? names[index] : device }
            let meant = names.filter { $0.hasPrefix(device) }
            return meant.count == 1 ? meant[0] : device
        }
    }

    /// Returns the names of the NVIDIA GPUs by index, in the order of their places on the bus, as `nvidia-smi` has them;
    /// empty if they are unknown, or if this process can see some of them only.
    static func names(ofInstalled count: Int?, in directory: FilePath = "/proc/driver/nvidia/gpus") -> [String] {
        guard let count, let places = try? FileSystem.names(in: directory), places.count == count else { return [] }
        let names = places.sorted().compactMap { place -> String? in
            let text = ProcessIdentity.text(of: directory.appending(place).appending("information").string)
            let line = text?.split(separator: "\n").first { $0.hasPrefix("GPU UUID:") }
            return line?.dropFirst("GPU UUID:".count).split(whereSeparator: \.isWhitespace).first.map(String.init)
        }
        return names.count == count ? names : []
    }

    /// Returns the number of NVIDIA GPUs that this process can see; nil if it is unknown.
    static func installed() -> Int? {
        #if os(Linux)
            // The device files: a container has only those assigned to it.
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
