"""Studies of what LSTMs do, in tables and figures; each module with a function ``study`` is one."""
