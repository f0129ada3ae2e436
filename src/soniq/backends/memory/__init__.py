"""The memory backend: every rule of the others, no server and no file; gone with its instance."""

from soniq.backends.memory.backend import MemoryBackend

__all__ = ["MemoryBackend"]
