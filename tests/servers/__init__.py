"""Real servers for tests: started on 127.0.0.1 on a free port, stopped by process id."""
