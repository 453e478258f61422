"""The `saferoute` command: stack, import, partitions, replicas."""
