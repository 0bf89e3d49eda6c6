"""confd, the answers to small questions about the configuration over signed datagrams."""
