// SPDX-License-Identifier: Apache-2.0

extension Dimension {
    /// Returns the hyperparameter as an array: every element is drawn and explored by itself.
    ///
    /// A search space contains its elements, called `NAME[0]`, `NAME[1]`, and so on. A trainer gets one JSON array.
    ///
    /// - Parameter length: The number of elements, from 1 to 1000.
    /// - Returns: The hyperparameter; not for a constant or a free one, which may be an array as it is.
    public func array(length: Int) -> Self {
        precondition(Limits.arrayLength.contains(length), "the length of an array is from 1 to 1000")
        precondition(mayBeElement, "a constant or free hyperparameter may be an array as it is")
        var copy = self
        copy.length = length
        return copy
    }

    /// True if an array may have such elements.
    package var mayBeElement: Bool {
        switch domain {
        case .real, .integer, .choice, .boolean: true
        case .constant, .free: false
        }
    }

    /// The dimensions of its elements by name, in order; nil if it is not an array.
    func elements(named name: String) -> [(name: String, dimension: Dimension)]? {
        guard let length else { return nil }
        var element = self
        element.length = nil
        return (0..<length).map { (SearchSpace.elementName(name, $0), element) }
    }
}

extension SearchSpace {
    /// Returns the name of an element of an array: `betas[0]`.
    package static func elementName(_ name: String, _ index: Int) -> String {
        "\(name)[\(index)]"
    }

    /// Returns the name of the array that a hyperparameter is an element of, otherwise its own name.
    package func definedName(of name: String) -> String {
        guard name.utf8.last == UInt8(ascii: "]"), let bracket = name.lastIndex(of: "["),
            arrays[String(name[..<bracket])] != nil
        else { return name }
        return String(name[..<bracket])
    }

    /// Returns the name that one that does not exist was probably meant for: the array of an element that it lacks, or
    /// the most similar name.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - candidates: The names; nil for those of the definition.
    /// - Returns: The name; nil if none is similar.
    package func nearestDefinition(to name: String, among candidates: [String]? = nil) -> String? {
        let array = definedName(of: name)
        return array == name ? nearest(to: name, among: candidates ?? definedNames) : array
    }

    /// The names in the experiment file, in its order: those of arrays instead of those of their elements.
    package var definedNames: [String] {
        guard !arrays.isEmpty else { return names }
        var seen: Set<String> = []
        return names.map(definedName).filter { seen.insert($0).inserted }
    }

    /// Returns the definition of a hyperparameter, which all elements of an array share.
    package func definition(of name: String) -> Dimension? {
        dimensions[arrays[name] == nil ? name : Self.elementName(name, 0)]
    }

    /// Returns the path of a hyperparameter, or of the array that it is an element of, in a definition:
    /// `["space", "model", "betas"]`.
    package func path(of name: String) -> [String] {
        let name = definedName(of: name)
        return ["space"] + (paths[name] ?? [name])
    }

    /// Returns values by flat name with arrays instead of their elements.
    ///
    /// Elements of an array that is not complete stay as they are.
    package func folded(_ values: [String: PBT.Value]) -> [String: PBT.Value] {
        guard !arrays.isEmpty else { return values }
        var folded = values
        for (name, length) in arrays {
            let elements = (0..<length).map { Self.elementName(name, $0) }
            let found = elements.compactMap { values[$0] }
            guard found.count == length else { continue }
            for element in elements { folded.removeValue(forKey: element) }
            folded[name] = .array(found)
        }
        return folded
    }

    /// Returns values by flat name with the elements of arrays, which may be given in both ways.
    ///
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` for a value that is not an array of the length, and
    ///   for an element that is given in both ways.
    package func unfolded(_ values: [String: PBT.Value]) throws(PBTError) -> [String: PBT.Value] {
        var unfolded = values
        for (name, length) in arrays.sorted(by: { $0.key < $1.key }) {
            guard let value = values[name] else { continue }
            let form = "write a list, one for each of \(elementsText(of: name))"
            guard let elements = value.array else {
                throw PBTError(
                    .badValue,
                    "hyperparameter \"\(name)\" is an array of \(Self.count(length)), not \(value); \(form)")
            }
            guard elements.count == length else {
                throw PBTError(
                    .badValue,
                    "hyperparameter \"\(name)\" has \(Self.count(length)), not \(elements.count); \(form)")
            }
            unfolded.removeValue(forKey: name)
            for (place, element) in elements.enumerated() {
                let elementName = Self.elementName(name, place)
                guard unfolded.updateValue(element, forKey: elementName) == nil else {
                    throw PBTError(
                        .badValue,
                        "hyperparameter \"\(elementName)\" is given twice, in an array and by itself; keep one")
                }
            }
        }
        return unfolded
    }

    /// Returns the names of an array's elements as text: `betas[0] to betas[1]`.
    func elementsText(of name: String) -> String {
        let last = (arrays[name] ?? 1) - 1
        let first = Self.elementName(name, 0)
        return last == 0 ? first : "\(first) to \(Self.elementName(name, last))"
    }

    private static func count(_ length: Int) -> String {
        length == 1 ? "1 element" : "\(length) elements"
    }
}
