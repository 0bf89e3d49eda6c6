"""The import and export daemon: moves the contents of one disk between two hosts.

One process an end, started by the node daemon and watched through its status file. Both ends
speak TLS and show each other certificates; the stream may begin with a magic text, by which the
receiver knows that it is the disk that it waits for, and may be compressed.

The receiver closes its side only after its command has finished well, and the sender waits for
that: when both ends say 0, the data has arrived.
"""
