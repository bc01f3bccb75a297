// SPDX-License-Identifier: Apache-2.0

import PBTHTTP
import PBTServer
import HTTPTypes
import HummingbirdCore
import NIOCore
import PBTReport

/// A static file of the dashboard, embedded in the program.
struct Asset: Sendable {
    let bytes: [UInt8]
    let type: String
    /// A hash of the bytes.
    let version: String
    /// The path with the version, so that a browser never uses a cached file of another version of the program.
    let path: String

    init(_ path: String, _ type: String, _ bytes: [UInt8]) {
        self.bytes = bytes
        self.type = type
        version = Fingerprint.text(of: bytes)
        self.path = "\(path)?v=\(version)"
    }

    /// Returns the file; 304 if the client has this version.
    func reply(_ call: Call) -> Reply {
        // Weak, since compressed and plain bytes share it.
        let tag = "W/\"\(version)\""
        let known = call.request.headers[.ifNoneMatch]?.split(separator: ",") ?? []
        let isKnown = known.contains { part in
            let part = part.drop { $0 == " " }
            return part == tag || part == tag.dropFirst(2) || part == "*"
        }
        let reply = isKnown ? Reply.empty(.notModified) : .bytes(bytes, type: type)
        let isExact = call.query["v"] == version
        return reply.with(.eTag, tag)
            .with(.cacheControl, isExact ? "public, max-age=31536000, immutable" : "no-cache")
            .with(.contentSecurityPolicy, "default-src 'none'")
    }
}

/// The static files.
enum Assets {
    static let script = Asset("/app.js", "text/javascript; charset=utf-8", PackageResources.app_js)
    static let style = Asset("/app.css", "text/css; charset=utf-8", Array(css.utf8))
    static let icon = Asset("/icon.svg", "image/svg+xml", PackageResources.icon_svg)

    /// The variables for colors of charts and pages, then the rules.
    ///
    /// Prints are always light: `:root:root` has the specificity of the rules for dark pages, and comes after them.
    private static var css: String {
        let light = Chart.cssVariables(.light) + lightColors
        let dark = Chart.cssVariables(.dark) + darkColors
        return """
            :root{color-scheme:light dark;\(light)}
            @media(prefers-color-scheme:dark){:root:not([data-theme=light]){\(dark)}}
            :root[data-theme=light]{color-scheme:light}
            :root[data-theme=dark]{color-scheme:dark;\(dark)}
            @media print{:root:root{color-scheme:light;\(light)}}

            """ + String(decoding: PackageResources.app_css, as: UTF8.self)
    }

    private static let lightColors =
        "--page:#f6f6f4;--line:#d9dbde;--field:#868c94;--link:#0b57a8;--focus:#0b57a8;--good:#0e6e3a;--warn:#865300;--bad:#b01818"
    private static let darkColors =
        "--page:#0e1013;--line:#343a42;--field:#7d858f;--link:#86bdff;--focus:#86bdff;--good:#5fd190;--warn:#f0b64e;--bad:#ff8d85"
}
