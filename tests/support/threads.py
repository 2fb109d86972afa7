"""The same call in the main thread, where signals interrupt, and in a further one."""

import threading


def called(f, in_thread):
    """Call f here, or in a further thread, to its end."""
    if not in_thread:
        f()
        return
    thread = threading.Thread(target=f)
    thread.start()
    thread.join()
