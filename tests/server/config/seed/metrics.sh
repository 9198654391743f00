curl http://localhost:2019/metrics
