// SPDX-License-Identifier: Apache-2.0

import PBTReport

/// The line in which the script shows the pinned lineages.
enum PathLine {
    static var html: HTML { tag("p", ["id": "path", "class": "path"]) {} }
}
