// SPDX-License-Identifier: Apache-2.0

import LibC

/// An alternate stack for signal handlers, for a thread whose own stack has overflowed.
enum SignalStack {
    private static let size = 64 << 10

    /// Frees the stack of a thread when it ends.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { memory in
            var none = stack_t()
            none.ss_flags = Int32(SS_DISABLE)
            sigaltstack(&none, nil)
            free(memory)
        }
        return key
    }()

    /// Gives the calling thread an alternate stack, if it has none.
    ///
    /// Not async-signal-safe.
    static func provide() {
        var present = stack_t()
        guard sigaltstack(nil, &present) == 0, present.ss_flags & Int32(SS_DISABLE) != 0,
            let memory = malloc(size)
        else { return }
        var stack = stack_t()
        stack.ss_sp = memory
        stack.ss_size = size
        if sigaltstack(&stack, nil) == 0 { pthread_setspecific(key, memory) } else { free(memory) }
    }
}
