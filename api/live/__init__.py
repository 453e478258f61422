"""The live gateway: a process of its own that tells watchers what happens, over WebSockets."""
