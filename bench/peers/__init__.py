"""Other published queues, each through its own public calls in an environment of its own."""
