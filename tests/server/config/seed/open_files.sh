ulimit -n 4096
