"""How often XLA compiles."""

import jax


class CountedCompilations:
    """Counts what the backend compiles inside of a `with`."""

    def __enter__(self):
        self.number = 0
        jax.monitoring.register_event_duration_secs_listener(self._listen)
        return lambda: self.number

    def _listen(self, event, duration, **rest):
        del duration, rest
        self.number += event == "/jax/core/compile/backend_compile_duration"

    def __exit__(self, *error):
        jax.monitoring.unregister_event_duration_listener(self._listen)
