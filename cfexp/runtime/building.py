"""One thread at a time makes or loads Keras models.

The seeds of initial weights come from one stream, so that another thread would change
the weights.
"""

import threading

one_at_a_time = threading.RLock()
