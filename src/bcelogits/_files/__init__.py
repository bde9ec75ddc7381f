"""Arrays in files: reading by mapping, writing that leaves no partial file. Commands and golden data share it."""
