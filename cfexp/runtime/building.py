"""One thread at a time makes or loads Keras models.

`keras.utils.clear_session` resets the scopes of all threads, and initializers draw
their seeds from Python's `random`, so that another thread would change the weights.
"""

import threading

one_at_a_time = threading.RLock()
