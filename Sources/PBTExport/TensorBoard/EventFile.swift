// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The contents of one TensorBoard event file.
///
/// The messages are those of TensorFlow's `event.proto` and `summary.proto`, and of `plugin_data.proto` of
/// TensorBoard's plugins; the numbers of their fields are part of the format.
package struct EventFile {
    private var records = RecordFile()

    /// The file so far.
    package var bytes: [UInt8] {
        records.bytes
    }

    /// Creates a file that contains only its version.
    package init(at time: Timestamp) {
        append(at: time, step: 0) { $0.string("brain.Event:2", field: 3) }
    }

    /// One value of a summary.
    package enum Content {
        /// A number. TensorBoard keeps numbers as `float`.
        case scalar(Float)
        /// Text, which is shown as Markdown.
        case text(String)
        /// The data of the hyperparameters plugin: an `HParamsPluginData`.
        case hyperparameters([UInt8])
    }

    /// Appends the values of one step; nothing when there are none.
    package mutating func append(_ values: [(tag: String, content: Content)], at time: Timestamp, step: Int) {
        guard !values.isEmpty else { return }
        append(at: time, step: step) { event in
            event.message(field: 5) { summary in
                for value in values {
                    summary.message(field: 1) { Self.write(value.tag, value.content, to: &$0) }
                }
            }
        }
    }

    private mutating func append(at time: Timestamp, step: Int, _ what: (inout ProtobufWriter) -> Void) {
        records.append(
            ProtobufWriter.message { event in
                event.double(time.seconds, field: 1)
                if step != 0 { event.integer(Int64(step), field: 2) }
                what(&event)
            })
    }

    private static func write(_ tag: String, _ content: Content, to value: inout ProtobufWriter) {
        value.string(tag, field: 1)
        switch content {
        case .scalar(let number):
            value.float(number, field: 2)
        case .text(let text):
            plugin("text", content: [], in: &value)
            value.message(field: 8) { tensor in
                // A tensor of strings (7) without dimensions.
                tensor.integer(7, field: 1)
                tensor.message(field: 2) { _ in }
                tensor.string(text, field: 8)
            }
        case .hyperparameters(let data):
            plugin("hparams", content: data, in: &value)
            value.message(field: 8) { tensor in
                // A tensor of numbers (1) with one dimension of size 0: all data is in the metadata.
                tensor.integer(1, field: 1)
                tensor.message(field: 2) { $0.message(field: 2) { $0.integer(0, field: 1) } }
            }
        }
    }

    private static func plugin(_ name: String, content: [UInt8], in value: inout ProtobufWriter) {
        value.message(field: 9) { metadata in
            metadata.message(field: 1) { plugin in
                plugin.string(name, field: 1)
                plugin.data(content, field: 2)
            }
        }
    }
}

extension Timestamp {
    /// The time in seconds since 1970.
    var seconds: Double {
        Double(milliseconds) / 1000
    }
}
