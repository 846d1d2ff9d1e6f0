"""The devices that run networks and the runtimes that execute them, one file each."""
