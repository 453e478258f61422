"""The highly available cluster: its inventory, its files, and simulated hosts."""
