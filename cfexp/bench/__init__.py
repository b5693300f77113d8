"""The benchmark: cfexp's models against other libraries, on the same rows."""
