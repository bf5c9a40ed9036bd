"""Running the whole product on one machine: its processes, ports, credential and readiness."""
