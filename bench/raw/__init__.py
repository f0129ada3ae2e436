"""The same work without Soniq: plain SQL on its own tables, in a process of its own."""
