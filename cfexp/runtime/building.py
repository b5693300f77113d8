"""One thread at a time makes or loads Keras models.

`keras.utils.clear_session` resets the scopes of all threads, and the seeds of initial
weights come from one stream, so that another thread would change the weights.
"""

import threading

one_at_a_time = threading.RLock()
